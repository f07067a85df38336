#include "clients.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "clients_file.h"
#include "clock.h"
#include "faults.h"

namespace loyalty::service {
namespace {

constexpr int64_t kDay_us = 86'400'000'000;

int64_t Magnitude(int64_t points) {
  if (points == kByProgram) return 0;  // known once it is posted
  return points < 0 ? -points : points;
}

int64_t AddUpTo(int64_t sum, int64_t more) {
  return more > INT64_MAX - sum ? INT64_MAX : sum + more;
}

void TakeOrThrow(std::optional<Rate>* rate, double count, const std::string& what) {
  if (!*rate) return;
  if (const auto wait = (*rate)->Take(count, Rate::Clock::now())) {
    ThrowUnavailable(what, int32_t(wait->count()));
  }
}

}  // namespace

std::string_view ToString(Role role) {
  switch (role) {
    case Role::kRead: return "read";
    case Role::kPost: return "post";
    case Role::kOperate: return "operate";
    case Role::kAdminister: break;
  }
  return "administer";
}

std::optional<std::chrono::milliseconds> Rate::Take(double count, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (last_) {
    const double passed_s = std::chrono::duration<double>(now - *last_).count();
    left_ = std::min(per_s_, left_ + passed_s * per_s_);
  }
  last_ = now;
  const double needed = std::min(count, per_s_);
  if (left_ >= needed) {
    left_ -= count;
    return std::nullopt;
  }
  return std::chrono::milliseconds(int64_t(std::ceil((needed - left_) / per_s_ * 1000)));
}

Client::Client(const ClientTerms& terms) : terms_(terms) {
  if (terms.calls_per_s) calls_.emplace(*terms.calls_per_s);
  if (terms.postings_per_s) postings_.emplace(*terms.postings_per_s);
}

void Client::TakeCall() { TakeOrThrow(&calls_, 1, "more calls a second than the client may make"); }

void Client::CheckPostings(std::span<const Posting> postings) {
  if (terms_.points_per_posting) {
    for (size_t i = 0; i < postings.size(); ++i) {
      if (Magnitude(postings[i].points) <= *terms_.points_per_posting) continue;
      ThrowForbidden("postings[" + std::to_string(i) + "].points: " + name() + " may move up to " +
                     std::to_string(*terms_.points_per_posting) + " in a posting");
    }
  }
  if (terms_.points_per_day) {
    const std::lock_guard lock(mutex_);
    if (*MovedToday() >= *terms_.points_per_day) {
      ThrowForbidden(name() + " has moved the " + std::to_string(*terms_.points_per_day) +
                     " points that it may on a day; the next one begins at 00:00 UTC");
    }
  }
  TakeOrThrow(&postings_, double(postings.size()),
              "more postings a second than the client may make");
}

void Client::CountPoints(std::span<const Reply> replies) {
  if (!terms_.points_per_day) return;
  const std::lock_guard lock(mutex_);
  int64_t* moved = MovedToday();
  for (const Reply& reply : replies) {
    if (IsPosted(reply.status)) *moved = AddUpTo(*moved, Magnitude(reply.points));
  }
}

int64_t* Client::MovedToday() {
  const int64_t today = Now_us() / kDay_us;
  if (today != day_) moved_ = 0;
  day_ = today;
  return &moved_;
}

Clients Clients::Anybody() {
  ClientTerms terms;
  terms.roles = UINT8_MAX;
  Clients clients;
  clients.anybody_ = std::make_shared<Client>(terms);
  return clients;
}

Result<Clients> Clients::Read(const std::string& path) {
  LOYALTY_ASSIGN_OR_RETURN(const std::vector<ClientEntry> entries, ReadClientsFile(path));
  Clients clients;
  for (const ClientEntry& entry : entries) {
    const auto client = std::make_shared<Client>(entry.terms);
    for (const Digest& hash : entry.token_hashes) clients.by_token_.emplace(hash, client);
  }
  return clients;
}

std::shared_ptr<Client> Clients::Find(const std::string& token) const {
  if (anybody_) return anybody_;
  if (token.empty()) ThrowUnauthenticated("the request has no head.token");
  const auto found = by_token_.find(Sha256(token));
  if (found == by_token_.end()) ThrowUnauthenticated("head.token is of no client");
  return found->second;
}

}  // namespace loyalty::service

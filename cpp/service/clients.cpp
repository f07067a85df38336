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

// What a hold sets aside counts, and so its capture does not.
int64_t Moved(const Posting& posting, const Reply& reply) {
  if (!IsPosted(reply.status) || posting.kind == Kind::kCapture) return 0;
  return Magnitude(posting.kind == Kind::kHold ? posting.points : reply.points);
}

// Whether it is about all that is left of another one, or as many as make up for money.
bool LeavesOpen(const Posting& posting) {
  const bool is_about = posting.kind == Kind::kReverse || posting.kind == Kind::kReinstate;
  return is_about && (posting.points == 0 || posting.points == kByProgram);
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
  const double wait_ms = std::ceil((needed - left_) / per_s_ * 1000);
  return std::chrono::milliseconds(int64_t(std::min(wait_ms, double(INT32_MAX))));
}

Client::Client(const ClientTerms& terms) : terms_(terms) {
  if (terms.calls_per_s) calls_.emplace(*terms.calls_per_s);
  if (terms.postings_per_s) postings_.emplace(*terms.postings_per_s);
}

void Client::TakeCall() { TakeOrThrow(&calls_, 1, "more calls a second than the client may make"); }

void Client::CheckKinds(std::span<const Posting> postings) const {
  if (May(Role::kOperate)) return;
  for (size_t i = 0; i < postings.size(); ++i) {
    if (!IsAudited(postings[i].kind)) continue;
    ThrowForbidden("postings[" + std::to_string(i) + "].kind: " + name() +
                   " needs the role operate to post " + std::string(ToString(postings[i].kind)));
  }
}

void Client::CheckPoints(std::span<const Posting> postings) const {
  if (!terms_.points_per_posting) return;
  for (size_t i = 0; i < postings.size(); ++i) {
    const Posting& posting = postings[i];
    if (!LeavesOpen(posting) && Magnitude(posting.points) <= *terms_.points_per_posting) continue;
    const std::string field = "postings[" + std::to_string(i) + "].points: ";
    if (LeavesOpen(posting)) {
      ThrowForbidden(field + name() + " must say how many, as it may not move any number");
    }
    ThrowForbidden(field + name() + " may move up to " +
                   std::to_string(*terms_.points_per_posting) + " in a posting");
  }
}

Client::Reserved Client::Reserve(std::span<const Posting> postings) {
  CheckKinds(postings);
  CheckPoints(postings);
  TakeOrThrow(&postings_, double(postings.size()),
              "more postings a second than the client may make");
  if (!terms_.points_per_day) return {};
  const int64_t limit = *terms_.points_per_day;
  int64_t asked = 0;
  for (const Posting& posting : postings) asked = AddUpTo(asked, Magnitude(posting.points));
  const std::string may = name() + " may move " + std::to_string(limit) + " points a day";
  if (asked > limit) ThrowForbidden(may + "; the request asks for " + std::to_string(asked));
  const int64_t now_us = Now_us();
  // No Forbidden: that would tell who sends again, after a reply that was lost, that nothing was posted.
  if (const auto moved = daily_->Reserve(asked, limit, now_us / kDay_us)) {
    ThrowUnavailable(
        may + ", and has moved " + std::to_string(*moved) + "; the next day begins at 00:00 UTC",
        int32_t((kDay_us - now_us % kDay_us) / 1000));
  }
  return {daily_, asked, now_us / kDay_us};
}

void Client::Reserved::Count(std::span<const Posting> postings, std::span<const Reply> replies) {
  if (!daily_) return;
  int64_t moved = 0;
  for (size_t i = 0; i < replies.size(); ++i)
    moved = AddUpTo(moved, Moved(postings[i], replies[i]));
  daily_->Add(moved, Now_us() / kDay_us);
}

std::optional<int64_t> DailyPoints::Reserve(int64_t points, int64_t limit, int64_t day) {
  const std::lock_guard lock(mutex_);
  int64_t* const there = Of(day);
  if (*there >= limit || points > limit - *there) return *there;
  *there += points;
  return std::nullopt;
}

void DailyPoints::Add(int64_t points, int64_t day) {
  const std::lock_guard lock(mutex_);
  int64_t* const there = Of(day);
  *there = AddUpTo(*there, points);
}

void DailyPoints::GiveBack(int64_t points, int64_t day) {
  const std::lock_guard lock(mutex_);
  if (day == day_) points_ = std::max<int64_t>(0, points_ - points);
}

int64_t* DailyPoints::Of(int64_t day) {
  if (day > day_) {
    day_ = day;
    points_ = 0;
  }
  return &points_;
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

void Clients::GoOnFrom(const Clients& earlier) {
  std::map<std::string, std::shared_ptr<Client>> by_name;
  for (const auto& [hash, client] : earlier.by_token_) by_name.emplace(client->name(), client);
  for (const auto& [hash, client] : by_token_) {
    const auto before = by_name.find(client->name());
    if (before != by_name.end()) client->GoOnFrom(*before->second);
  }
}

std::shared_ptr<Client> Clients::Find(const std::string& token) const {
  if (anybody_) return anybody_;
  if (token.empty()) ThrowUnauthenticated("the request has no head.token");
  const auto found = by_token_.find(Sha256(token));
  if (found == by_token_.end()) ThrowUnauthenticated("head.token is of no client");
  return found->second;
}

}  // namespace loyalty::service

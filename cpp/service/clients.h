// Who may ask what of the server: clients, their tokens, roles and limits.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "loyalty/digest.h"
#include "loyalty/posting.h"
#include "loyalty/status.h"

namespace loyalty::service {

enum class Role : uint8_t { kRead, kPost, kOperate, kAdminister };
std::string_view ToString(Role role);

// How often something may be done: so many a second on average, at once up to what a second allows. What is larger than
// that is let in when nothing is owed, and paid for by waiting afterwards.
class Rate {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Rate(double per_s) : per_s_(per_s), left_(per_s) {}

  // Nothing: take it. Else how long to wait.
  std::optional<std::chrono::milliseconds> Take(double count, Clock::time_point now);

 private:
  const double per_s_;
  std::mutex mutex_;
  double left_;
  std::optional<Clock::time_point> last_;
};

// What a client may do, as its section of the clients file says.
struct ClientTerms {
  std::string name;
  uint8_t roles = 0;  // bits 1 << Role
  std::optional<double> calls_per_s;
  std::optional<double> postings_per_s;
  std::optional<int64_t> points_per_posting;
  std::optional<int64_t> points_per_day;
};

// The points that a client moved on a day (UTC), with those that its postings under way may move.
class DailyPoints {
 public:
  // Nothing: they are reserved. Else how many there are already, so that these would pass `limit`.
  std::optional<int64_t> Reserve(int64_t points, int64_t limit, int64_t day);
  void Add(int64_t points, int64_t day);
  void GiveBack(int64_t points, int64_t day);

 private:
  int64_t* Of(int64_t day);  // under mutex_

  std::mutex mutex_;
  int64_t day_ = 0;  // since 1970-01-01; the latest
  int64_t points_ = 0;
};

class Client {
 public:
  explicit Client(const ClientTerms& terms);
  // Of the same client before its terms were changed, for the points of the day.
  void GoOnFrom(const Client& earlier) { daily_ = earlier.daily_; }

  const std::string& name() const { return terms_.name; }
  bool May(Role role) const { return (terms_.roles >> int(role) & 1) != 0; }

  // Points that postings under way may move, out of those of a day.
  class Reserved {
   public:
    Reserved() = default;  // of a client who may move any number
    Reserved(std::shared_ptr<DailyPoints> daily, int64_t points, int64_t day)
        : daily_(std::move(daily)), points_(points), day_(day) {}
    ~Reserved() {
      if (daily_) daily_->GiveBack(points_, day_);
    }
    Reserved(const Reserved&) = delete;
    Reserved& operator=(const Reserved&) = delete;
    // What they moved, or hold, instead.
    void Count(std::span<const Posting> postings, std::span<const Reply> replies);

   private:
    const std::shared_ptr<DailyPoints> daily_;
    const int64_t points_ = 0;
    const int64_t day_ = 0;
  };

  // The next ones throw the interface's Unavailable or Forbidden.
  void TakeCall();
  // Before postings are made: of which kinds, how many a second, and how many points each, and all in a day (UTC),
  // may move.
  Reserved Reserve(std::span<const Posting> postings);

 private:
  void CheckKinds(std::span<const Posting> postings) const;
  void CheckPoints(std::span<const Posting> postings) const;

  const ClientTerms terms_;
  std::optional<Rate> calls_;
  std::optional<Rate> postings_;
  std::shared_ptr<DailyPoints> daily_ = std::make_shared<DailyPoints>();
};

// All clients of a server, by what they show.
class Clients {
 public:
  // Of one who needs to show nothing, and may do everything: who listens on the loopback interface may do without a
  // clients file.
  static Clients Anybody();
  // Reads a clients file (docs/service.md). A Status that names the file, the line and the key.
  static Result<Clients> Read(const std::string& path);
  // Of the same file before it was changed; clients are the same by their names.
  void GoOnFrom(const Clients& earlier);

  // Throws Unauthenticated.
  std::shared_ptr<Client> Find(const std::string& token) const;

 private:
  std::shared_ptr<Client> anybody_;
  std::map<Digest, std::shared_ptr<Client>> by_token_;
};

}  // namespace loyalty::service

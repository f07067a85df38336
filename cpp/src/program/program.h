// The loyalty programme: what a posting may leave to it, policies by currency and earn rule, and ladders.
// It is written and checked as docs/programme.md says; here is what the ledger knows of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loyalty/posting.h"
#include "program/calendar.h"
#include "program/expiry.h"
#include "program/ladder.h"

namespace loyalty::program {

struct Pending {
  int days = 0;
  int confirm_within_days = 0;  // not 0: waits for confirmation
};

struct Currency {
  std::string name;
  int decimals = 0;  // for display
  Expiry expiry;
  Pending pending;
  int64_t floor = 0;
  int64_t ceiling = INT64_MAX;
  enum class Transfer : uint8_t { kKeepExpiry, kRestartExpiry, kForbidden };

  Transfer transfer = Transfer::kKeepExpiry;
  bool clips = false;  // over the ceiling: gives what there is room for, instead of refusing
  bool stops_at_zero = false;  // a reversal of spent points takes what is there, instead of arrears
  int return_of_expired_days = 0;
  int reinstate_within_days = 0;
};

struct EarnRule {
  enum class Rounding : uint8_t { kFloor, kHalfEven, kCeil };

  std::string name;
  std::string currency;
  int64_t numerator = 0;  // points per minor unit of money; 0: the posting says its points
  int64_t denominator = 1;
  Rounding rounding = Rounding::kFloor;
  std::optional<Expiry> expiry;  // nothing: the member's level's, or else the currency's
  Pending pending;
  bool clips = false;

  // The points of an amount of money >= 0; nothing when they leave 64 bits.
  std::optional<int64_t> PointsOf(int64_t money) const;
};

// Thread safety: immutable.
class Program {
 public:
  // kInvalidArgument, naming the key, for JSON that is not a normalised programme.
  static Result<std::shared_ptr<const Program>> Parse(std::string_view json);
  // Every rule at its default, in UTC.
  static std::shared_ptr<const Program> Default();

  const std::string& json() const { return json_; }
  const std::string& name() const { return name_; }
  const Calendar& calendar() const { return calendar_; }
  const std::vector<Currency>& currencies() const { return currencies_; }
  const std::vector<EarnRule>& rules() const { return rules_; }
  const std::vector<Ladder>& ladders() const { return ladders_; }

  // Of rules, ladders and levels, which entries name by codes; each once.
  std::vector<std::string> Names() const;

  // When points expire that count from an instant, by inactivity if that is their model; kNever_us when they
  // do not. By inactivity they always do.
  int64_t ExpiryFrom(const Expiry& expiry, int64_t at_us) const;

 private:
  friend struct Reader;
  std::string json_;
  std::string name_;
  Calendar calendar_;
  std::vector<Currency> currencies_;
  std::vector<EarnRule> rules_;
  std::vector<Ladder> ladders_;
};

}  // namespace loyalty::program

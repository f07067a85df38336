// Ladders: levels in rising order, what it takes to be on them, and for how long they are a member's own.
// docs/programme.md says what each key means.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loyalty/posting.h"
#include "program/calendar.h"
#include "program/expiry.h"

namespace loyalty::program {

// The time that a metric looks back on. Only trailing and cycle have a length, of either days or months.
struct Window {
  enum class Model : uint8_t {
    kTrailing,
    kCalendarYear,
    kAnniversary,
    kCycle,
    kSinceChange,
    kLifetime
  };
  Model model = Model::kLifetime;
  int days = 0;
  int months = 0;
  Date start;  // of a cycle

  // Whether it is one of periods, which follow one another.
  bool has_periods() const {
    return model == Model::kCalendarYear || model == Model::kAnniversary || model == Model::kCycle;
  }
};

struct Metric {
  enum class Of : uint8_t { kPoints, kMoney, kPostings, kDays, kBalance, kTenureMonths };
  std::string name;
  Of of = Of::kPoints;
  std::string currency;  // empty: any
  // Of what adds up entries, so not of balance and tenure: these have neither kinds nor a window.
  std::vector<Kind> kinds;
  std::optional<std::vector<std::string>> rules, channels, locations, categories;  // nothing: all
  Window window;
};

struct Validity {
  int days = 0;
  int months = 0;
  Unit round_up = Unit::kNone;
  // Rounded up to the end of the period of the ladder's metrics: those that have periods have the same.
  bool to_period_end = false;
};

struct Least {
  uint16_t metric = 0;  // index in the ladder
  int64_t value = 0;
};

struct Level {
  std::string name;
  bool by_invitation = false;
  // Any of these lists, all of one. There are none only for the first level, and by invitation. Whatever meets
  // a level's meets those of all levels below it that have some.
  std::vector<std::vector<Least>> when;
  std::optional<Validity> validity;
  // By currency: when points expire of members on it, if not as the currency says. Not in two ladders.
  std::map<std::string, Expiry> expiry;
};

struct Ladder {
  enum class Downgrade : uint8_t { kFull, kOneLevel, kNever };
  std::string name;
  bool at_once = false;
  Downgrade downgrade = Downgrade::kFull;
  int grace_days = 0;
  int lifetime_level = -1;  // index, or none
  int lifetime_years = 0;
  std::vector<Metric> metrics;
  std::vector<Level> levels;
};

}  // namespace loyalty::program

// What becomes of a member's standing on a ladder, given what his metrics are (docs/tiers.md). Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "loyalty/posting.h"
#include "program/calendar.h"
#include "program/ladder.h"
#include "tiers/window.h"

namespace loyalty::tiers {

// Levels by their place on the ladder.
struct Standing {
  int level = 0;
  int64_t since_us = kMinTime_us;       // when he came to the level
  int64_t until_us = kNever_us;         // his, whatever he does; at that end he is assessed
  int kept = 0;                         // nothing takes him below it
  int64_t kept_until_us = kMinTime_us;  // before this instant
  int for_life = 0;                     // nor ever below this one
  // Since when he has been on the ladder's lifetime level or above it without a break; kNever_us: he is not.
  int64_t lifetime_from_us = kNever_us;
  bool operator==(const Standing&) const = default;
};

// The metrics of a ladder as of an instant, and the highest level whose condition they meet.
struct Found {
  int level = 0;
  std::vector<int64_t> values;  // by metric
};
// changed_us: when he last came to another level, as of that instant; kMinTime_us: never.
using Evaluate = std::function<Found(int64_t at_us, int64_t changed_us)>;

// The highest level that these values reach.
int LevelOf(const program::Ladder& ladder, const std::vector<int64_t>& values);

struct Change {
  int64_t effective_us = 0;
  int64_t assessed_us = 0;  // the metrics are as of this instant
  int from = 0;
  Standing to;
  std::vector<int64_t> values;  // by metric
};

class Assessor {
 public:
  // Both must outlive it.
  Assessor(const program::Ladder& ladder, const program::Calendar& calendar)
      : ladder_(ladder), calendar_(calendar) {}

  // What a run as of an instant changes, in order of time; nothing that a second run would change again.
  std::vector<Change> Assess(Standing standing, int64_t opened_us, int64_t at_us,
                             const Evaluate& evaluate) const;
  // When a standing is assessed next, apart from runs; kNever_us: never.
  int64_t NextEnd_us(const Standing& standing, int64_t opened_us) const;
  // The end of a level's validity that counts from an instant; kNever_us without one.
  int64_t ValidUntil_us(int level, int64_t from_us, int64_t opened_us) const;

 private:
  class Course;
  const program::Ladder& ladder_;
  const program::Calendar& calendar_;
};

}  // namespace loyalty::tiers

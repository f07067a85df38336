#include "tiers/assess.h"

#include <algorithm>
#include <utility>

namespace loyalty::tiers {

using program::Ladder;
using Downgrade = program::Ladder::Downgrade;

int LevelOf(const Ladder& ladder, const std::vector<int64_t>& values) {
  const auto meets = [&](const std::vector<program::Least>& all) {
    return std::all_of(all.begin(), all.end(), [&](const program::Least& least) {
      return values[least.metric] >= least.value;
    });
  };
  for (int level = int(ladder.levels.size()) - 1; level > 0; --level) {
    const auto& when = ladder.levels[size_t(level)].when;
    if (std::any_of(when.begin(), when.end(), meets)) return level;
  }
  return 0;
}

int64_t Assessor::ValidUntil_us(int level, int64_t from_us, int64_t opened_us) const {
  const auto& validity = ladder_.levels[size_t(level)].validity;
  if (!validity || ladder_.downgrade == Downgrade::kNever) return kNever_us;
  const int64_t end_us = validity->days > 0 ? calendar_.AddDays(from_us, validity->days)
                                            : calendar_.AddMonths(from_us, validity->months);
  if (!validity->to_period_end) return calendar_.EndOf(end_us, validity->round_up);
  for (const program::Metric& metric : ladder_.metrics) {
    if (!metric.window.has_periods()) continue;
    return PeriodEnd_us(metric.window, calendar_, end_us - 1, {opened_us, opened_us});
  }
  return end_us;
}

int64_t Assessor::NextEnd_us(const Standing& standing, int64_t opened_us) const {
  if (standing.level == 0 || ladder_.downgrade == Downgrade::kNever) return kNever_us;
  // A validity that the programme has had only since.
  if (standing.until_us == kNever_us) {
    return ValidUntil_us(standing.level, standing.since_us, opened_us);
  }
  return standing.until_us;
}

// One assessment under way.
class Assessor::Course {
 public:
  Course(const Assessor& by, Standing standing, int64_t opened_us, int64_t at_us,
         const Evaluate& evaluate)
      : by_(by),
        ladder_(by.ladder_),
        standing_(standing),
        opened_us_(opened_us),
        at_us_(at_us),
        evaluate_(evaluate) {}

  std::vector<Change> Go() {
    while (EndPeriod()) {
    }
    GiveForLife(at_us_);
    AssessNow();
    return std::move(changes_);
  }

 private:
  // The validity that ended first, and its grace; false when none has.
  bool EndPeriod() {
    const int64_t end_us = by_.NextEnd_us(standing_, opened_us_);
    if (end_us == kNever_us) return false;
    const int64_t lost_us = by_.calendar_.AddDays(end_us, ladder_.grace_days);
    if (lost_us > at_us_) return false;
    GiveForLife(lost_us);
    const int64_t last_us = end_us - 1;
    Found found = evaluate_(last_us, standing_.since_us);
    const int reached = Reached(found, end_us);
    if (reached >= standing_.level) {
      Standing renewed = standing_;
      renewed.until_us = by_.ValidUntil_us(standing_.level, end_us, opened_us_);
      Note(std::max(end_us, standing_.since_us), last_us, renewed, std::move(found));
    } else {
      MoveTo(Lower(reached), lost_us, end_us, last_us, std::move(found));
    }
    return true;
  }

  void AssessNow() {
    Found found = evaluate_(at_us_, standing_.since_us);
    const int reached = Reached(found, at_us_);
    const bool lasts = ladder_.downgrade == Downgrade::kNever ||
                       ladder_.levels[size_t(standing_.level)].validity.has_value();
    if (reached > standing_.level) {
      MoveTo(reached, at_us_, at_us_, at_us_, std::move(found));
    } else if (reached < standing_.level && !lasts && standing_.since_us < at_us_) {
      // Not twice as of one instant: one level a run.
      MoveTo(Lower(reached), at_us_, at_us_, at_us_, std::move(found));
    }
  }

  // What is his for life once he has been there for so many years.
  void GiveForLife(int64_t by_us) {
    const int level = ladder_.lifetime_level;
    if (level < 0 || standing_.lifetime_from_us == kNever_us) return;
    if (standing_.for_life >= level) return;
    const int64_t given_us =
        by_.calendar_.AddMonths(standing_.lifetime_from_us, 12 * ladder_.lifetime_years);
    if (given_us > by_us) return;
    Standing given = standing_;
    given.for_life = level;
    Note(given_us, given_us, given, evaluate_(given_us, standing_.since_us));
  }

  int Reached(const Found& found, int64_t at_us) const {
    const int kept = standing_.kept_until_us > at_us ? standing_.kept : 0;
    return std::max({found.level, kept, standing_.for_life});
  }
  // Where a fall ends, onto no level that is had by invitation only.
  int Lower(int reached) const {
    if (ladder_.downgrade != Downgrade::kOneLevel) return reached;
    int below = standing_.level - 1;
    while (below > reached && ladder_.levels[size_t(below)].by_invitation) --below;
    return std::max(reached, below);
  }

  void MoveTo(int level, int64_t effective_us, int64_t valid_from_us, int64_t assessed_us,
              Found found) {
    Standing moved = standing_;
    moved.level = level;
    moved.since_us = effective_us;
    moved.until_us = level == 0 ? kNever_us : by_.ValidUntil_us(level, valid_from_us, opened_us_);
    const int lifetime = ladder_.lifetime_level;
    if (lifetime < 0 || level < lifetime) {
      moved.lifetime_from_us = kNever_us;
    } else if (moved.lifetime_from_us == kNever_us) {
      moved.lifetime_from_us = effective_us;
    }
    Note(effective_us, assessed_us, moved, std::move(found));
  }

  void Note(int64_t effective_us, int64_t assessed_us, const Standing& to, Found found) {
    changes_.push_back({effective_us, assessed_us, standing_.level, to, std::move(found.values)});
    standing_ = to;
  }

  const Assessor& by_;
  const Ladder& ladder_;
  Standing standing_;
  const int64_t opened_us_;
  const int64_t at_us_;
  const Evaluate& evaluate_;
  std::vector<Change> changes_;
};

std::vector<Change> Assessor::Assess(Standing standing, int64_t opened_us, int64_t at_us,
                                     const Evaluate& evaluate) const {
  return Course(*this, standing, opened_us, at_us, evaluate).Go();
}

}  // namespace loyalty::tiers

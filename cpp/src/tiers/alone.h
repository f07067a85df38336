// One member by himself: his metrics from his entries. The way for the few whom a scan does not fit, and for
// whoever is asked about by name.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "tiers/plan.h"

namespace loyalty::tiers {

class Alone {
 public:
  // Reads the entries of survivors, and of all who are merged into them: alone[i] is of members[i]. Those of
  // neighbours together are much quicker than one by one.
  static Result<std::vector<Alone>> Load(const Plan& plan, std::span<const uint32_t> members);

  uint32_t member() const { return member_; }
  int64_t opened_us() const { return opened_us_; }
  // A metric as of an instant; a fault is kept in status(), and the metric 0.
  int64_t Value(const LadderPlan& ladder, size_t metric, int64_t at_us, int64_t changed_us);
  Found Evaluate(const LadderPlan& ladder, int64_t at_us, int64_t changed_us);
  // Whether an entry of his counts, or counted before it was taken back in part.
  bool Has(const Filter& filter, const Span_us& span) const;
  // Of a metric of days, as of an instant: how many visits each has (see VisitsOf).
  std::map<int32_t, int64_t> Visits(const LadderPlan& ladder, size_t metric, int64_t at_us,
                                    int64_t changed_us) const;
  // The time of his first entry after an instant; kNever_us: there is none.
  int64_t NextToCome_us(int64_t at_us) const;
  // What an assessment by the plan changes of his standing on one of its ladders.
  MemberChanges AssessOn(size_t ladder);
  Status status() const { return fault_; }

 private:
  Alone(const Plan& plan, uint32_t member) : plan_(&plan), member_(member) {}

  Span_us SpanOfMetric(const LadderPlan& ladder, size_t metric, int64_t at_us,
                       int64_t changed_us) const;

  const Plan* plan_;
  uint32_t member_;
  int64_t opened_us_ = 0;
  std::vector<history::Item> entries_;
  Status fault_;
};

// What windows of a member's count from. `changed_us` as in Evaluate.
inline Anchors AnchorsOf(int64_t opened_us, int64_t changed_us) {
  return {opened_us, changed_us == kMinTime_us ? opened_us - 1 : changed_us};
}

}  // namespace loyalty::tiers

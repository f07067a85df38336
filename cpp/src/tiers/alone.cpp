#include "tiers/alone.h"

#include <algorithm>

namespace loyalty::tiers {

using Of = program::Metric::Of;

Result<Alone> Alone::Load(const Plan& plan, uint32_t member) {
  Alone alone(plan, member);
  const ledger::State& state = *plan.sources.state;
  std::vector<uint32_t> family = {member};
  if (!state.merges.empty()) family = state.merges.FamilyOf(member);
  alone.opened_us_ = kMaxTime_us;
  for (const uint32_t one : family) {
    alone.opened_us_ = std::min(alone.opened_us_, state.OpeningOf_us(one));
  }
  LOYALTY_RETURN_IF_ERROR(plan.sources.entries_of(family, plan.through, &alone.entries_));
  return alone;
}

int64_t Alone::Value(const LadderPlan& ladder, size_t metric, int64_t at_us, int64_t changed_us) {
  const Measure& measure = ladder.measures[metric];
  if (measure.of == Of::kTenureMonths) return MonthsSince(plan_->calendar(), opened_us_, at_us);
  if (measure.of == Of::kBalance) {
    const auto active =
        plan_->sources.active_at(member_, *measure.filter.currency, at_us, plan_->through);
    if (!active.ok()) status_ = active.status();
    return active.ok() ? *active : 0;
  }
  const Span_us span = SpanOf(ladder.ladder().metrics[metric].window, plan_->calendar(), at_us,
                              AnchorsOf(opened_us_, changed_us));
  return Total(measure, span, plan_->calendar(), entries_);
}

Found Alone::Evaluate(const LadderPlan& ladder, int64_t at_us, int64_t changed_us) {
  Found found;
  for (size_t m = 0; m < ladder.measures.size(); ++m) {
    found.values.push_back(Value(ladder, m, at_us, changed_us));
  }
  found.level = LevelOf(ladder.ladder(), found.values);
  return found;
}

}  // namespace loyalty::tiers

#include "tiers/alone.h"

#include <algorithm>
#include <unordered_map>

namespace loyalty::tiers {

using Of = program::Metric::Of;

Result<std::vector<Alone>> Alone::Load(const Plan& plan, std::span<const uint32_t> members) {
  const ledger::State& state = *plan.sources.state;
  std::vector<Alone> all;
  std::unordered_map<uint32_t, size_t> place_of;  // of who is one of them, or merged into one
  std::vector<uint32_t> everybody;
  for (const uint32_t member : members) {
    Alone& alone = all.emplace_back(Alone(plan, member));
    std::vector<uint32_t> family = {member};
    if (!state.merges.empty()) family = state.merges.FamilyOf(member);
    alone.opened_us_ = kMaxTime_us;
    for (const uint32_t one : family) {
      alone.opened_us_ = std::min(alone.opened_us_, state.OpeningOf_us(one));
      place_of[one] = all.size() - 1;
      everybody.push_back(one);
    }
  }
  std::sort(everybody.begin(), everybody.end());
  std::vector<history::Item> entries;
  LOYALTY_RETURN_IF_ERROR(plan.sources.entries_of(everybody, plan.through, &entries));
  for (const history::Item& item : entries) {
    if (item.entry.effective_us > plan.latest_us) continue;
    all[place_of.at(item.entry.member)].entries_.push_back(item);
  }
  return all;
}

int64_t Alone::Value(const LadderPlan& ladder, size_t metric, int64_t at_us, int64_t changed_us) {
  const Measure& measure = ladder.measures[metric];
  if (measure.of == Of::kTenureMonths) return MonthsSince(plan_->calendar(), opened_us_, at_us);
  if (measure.of == Of::kBalance) {
    const auto active = plan_->sources.active_at(member_, *measure.filter.currency, at_us,
                                                 std::min(at_us, plan_->latest_us), plan_->through);
    if (!active.ok()) fault_ = active.status();
    return active.ok() ? *active : 0;
  }
  return Total(measure, SpanOfMetric(ladder, metric, at_us, changed_us), plan_->calendar(),
               entries_);
}

Found Alone::Evaluate(const LadderPlan& ladder, int64_t at_us, int64_t changed_us) {
  Found found;
  for (size_t m = 0; m < ladder.measures.size(); ++m) {
    found.values.push_back(Value(ladder, m, at_us, changed_us));
  }
  found.level = LevelOf(ladder.ladder(), found.values);
  return found;
}

bool Alone::Has(const Filter& filter, const Span_us& span) const {
  const Measure postings = {Of::kPostings, filter, false};
  return Total(postings, span, plan_->calendar(), entries_) != 0;
}

std::map<int32_t, int64_t> Alone::Visits(const LadderPlan& ladder, size_t metric, int64_t at_us,
                                         int64_t changed_us) const {
  return VisitsOf(ladder.measures[metric], SpanOfMetric(ladder, metric, at_us, changed_us),
                  plan_->calendar(), entries_);
}

Span_us Alone::SpanOfMetric(const LadderPlan& ladder, size_t metric, int64_t at_us,
                            int64_t changed_us) const {
  return SpanOf(ladder.ladder().metrics[metric].window, plan_->calendar(), at_us,
                AnchorsOf(opened_us_, changed_us));
}

int64_t Alone::NextToCome_us(int64_t at_us) const {
  int64_t next_us = kNever_us;
  for (const history::Item& item : entries_) {
    const int64_t of_us = item.entry.effective_us;
    if (of_us > at_us && IsPosted(item.entry.status)) next_us = std::min(next_us, of_us);
  }
  return next_us;
}

MemberChanges Alone::AssessOn(size_t ladder) {
  const LadderPlan& plan = plan_->ladders[ladder];
  const auto level = plan_->sources.state->LevelOn(member_, plan.coded->code);
  return AssessMember(
      *plan_, ladder, member_, level, opened_us_,
      [&](int64_t at_us, int64_t changed_us) { return Evaluate(plan, at_us, changed_us); });
}

}  // namespace loyalty::tiers

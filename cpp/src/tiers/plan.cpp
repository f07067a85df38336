#include "tiers/plan.h"

namespace loyalty::tiers {

Standing LadderPlan::StandingOf(const LevelStanding& standing) const {
  return {coded->PlaceOf(standing.level), standing.since_us,      standing.until_us,
          coded->PlaceOf(standing.kept),  standing.kept_until_us, coded->PlaceOf(standing.for_life),
          standing.lifetime_from_us};
}

LevelChange LadderPlan::Coded(const Change& change) const {
  const auto code = [&](int place) { return coded->levels[size_t(place)]; };
  const auto code_above_first = [&](int place) { return place == 0 ? 0 : code(place); };
  const Standing& to = change.to;
  return {coded->code,
          code(change.from),
          {code(to.level), to.since_us, to.until_us, code_above_first(to.kept), to.kept_until_us,
           code_above_first(to.for_life), to.lifetime_from_us},
          change.assessed_us,
          change.values};
}

MemberChanges AssessMember(const Plan& plan, size_t ladder, uint32_t member,
                           const std::optional<ledger::MemberLevel>& level, int64_t opened_us,
                           const Evaluate& evaluate) {
  const LadderPlan& on = plan.ladders[ladder];
  MemberChanges changes{member, uint32_t(ladder), level ? level->sequence : 0, {}};
  if (SinceOf(level) > plan.at_us) return changes;
  changes.changes = Assessor(on.ladder(), plan.calendar())
                        .Assess(level ? on.StandingOf(level->standing) : Standing(), opened_us,
                                plan.at_us, evaluate);
  return changes;
}

std::vector<LadderPlan> PlanLadders(const ledger::Rules& rules, const std::vector<size_t>& which,
                                    const ledger::Dictionary& codes) {
  std::vector<LadderPlan> plans;
  for (const size_t number : which) {
    LadderPlan& plan = plans.emplace_back();
    plan.coded = &rules.ladders()[number];
    for (const program::Metric& metric : plan.ladder().metrics) {
      plan.measures.push_back(Resolve(metric, rules.currency_names(), codes));
    }
  }
  return plans;
}

}  // namespace loyalty::tiers

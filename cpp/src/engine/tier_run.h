// A run of tiers: assesses members in parallel, and journals what changes.
#pragma once

#include "engine/behind.h"
#include "engine/core.h"
#include "engine/run.h"
#include "loyalty/tiers.h"
#include "tiers/plan.h"

namespace loyalty::engine {

// The number of a ladder among the rules' ones; or kNotFound.
Result<size_t> FindLadder(const ledger::Rules& rules, const std::string& name);
// As of an instant, of ladders by their numbers; without members and through which sequence.
tiers::Plan PlanOf(const Core& core, std::shared_ptr<const ledger::Rules> rules,
                   const std::vector<size_t>& ladders, int64_t at_us);
// The same of ladders by their names; of all, if there are none. kNotFound for an unknown one.
Result<tiers::Plan> PlanTiers(const Core& core, const std::vector<std::string>& ladders,
                              int64_t at_us);
LadderNames NamesOf(const program::Ladder& ladder);
// Hands what an assessment by the plan changes to the writer, which calls on_passed_over for each that it cannot
// take (Batch::LevelChanges).
Status SubmitChanges(const tiers::Plan& plan, std::span<const tiers::MemberChanges> changes,
                     const std::function<void()>& on_passed_over, InFlight* in_flight);

Result<TierRun> RunTiers(Core* core, Behind* behind, Pipeline* pipeline, const TierQuery& query,
                         const Progress& progress);

}  // namespace loyalty::engine

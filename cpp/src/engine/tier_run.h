// A run of tiers: assesses members in parallel, and journals what changes.
#pragma once

#include "engine/behind.h"
#include "engine/core.h"
#include "engine/pipeline.h"
#include "loyalty/tiers.h"
#include "tiers/plan.h"

namespace loyalty::engine {

// The plan of a query as of an instant, without its members and through which sequence. kNotFound for an unknown
// ladder.
Result<tiers::Plan> PlanTiers(const Core& core, const std::vector<std::string>& ladders,
                              int64_t at_us);
LadderNames NamesOf(const program::Ladder& ladder);

Result<TierRun> RunTiers(Core* core, Behind* behind, Pipeline* pipeline, const TierQuery& query,
                         const Progress& progress);

}  // namespace loyalty::engine

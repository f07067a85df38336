// All members of the ledger, on several threads.
#pragma once

#include <functional>
#include <vector>

#include "loyalty/ledger.h"
#include "tiers/range_assessor.h"

namespace loyalty::tiers {

struct AssessAllOptions {
  uint32_t member_count = 0;
  unsigned threads = 0;  // 0: as many as there are processors
  Progress progress;
  // What changes in some neighbouring ranges, and who was assessed. One call at a time; a fault ends it all.
  std::function<Status(std::vector<MemberChanges> changes, const Tally& tally)> take;
  OnRange on_range;  // may be empty
};

// The plan must outlive it. kInterrupted when progress says so; what was taken by then stays.
Status AssessAll(const Plan& plan, const AssessAllOptions& options);

}  // namespace loyalty::tiers

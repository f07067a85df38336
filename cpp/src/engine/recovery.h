// From what is stored to what is in RAM.
#pragma once

#include <deque>

#include "engine/core.h"

namespace loyalty::engine {

// Fills a new state from the checkpoint and the journal up to `through` (a block's last sequence).
Status LoadState(const Core& core, uint64_t through, ledger::State* state);

// Fills core->state, core->tail and what stands behind the journal, at opening. Damaged derived data
// (state pages, ids, history) is rebuilt from the journal. kCorruption when the journal itself is damaged
// or shorter than what was acknowledged. Returns the ids beyond the sealed ones.
Result<std::deque<ids::RecentIds>> Recover(Core* core);

}  // namespace loyalty::engine

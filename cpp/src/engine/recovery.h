// From what is stored to what is in RAM.
#pragma once

#include "engine/core.h"
#include "ids/recent_ids.h"

namespace loyalty::engine {

// Fills a new state from the checkpoint and the journal up to `through` (a block's last sequence).
Status LoadState(const Core& core, uint64_t through, ledger::State* state);

// Fills core->state, core->tail and what stands behind the journal, at opening. Damaged derived data
// (state pages, ids, history) is rebuilt from the journal. kCorruption when the journal itself is damaged
// or shorter than what was acknowledged. What the journal has beyond `acknowledged` is left out: beside a writer it
// may not be durable yet. Returns the ids beyond the sealed ones.
Result<ids::UnsealedIds> Recover(Core* core, uint64_t acknowledged);

}  // namespace loyalty::engine

// The state in the store, so that opening replays only the journal's tail.
//
// Family kState: 'p' + page number (big-endian u32): a page; 'k' + page number: the keys of its members,
// stored forms, length-prefixed (empty: erased); 'g': the rest (sequence, member count, currencies, totals,
// codes) as it was when the checkpoint began, written last, all unlogged. Pages are taken a few at a time while
// the writer goes on, and a crash may leave a prefix of a checkpoint: so pages may be ahead of 'g', and replay
// passes over what a page has already (its own sequence says so).
#pragma once

#include <functional>

#include "ledger/state.h"
#include "storage/store.h"

namespace loyalty::ledger {

// Runs a step on the writer's thread, and returns OK once all that the step could see is durable.
using OnWriter = std::function<Status(std::function<void()> step)>;

// Writes the pages that changed after `since`, and makes it all durable. Returns the sequence from which
// opening will replay.
Result<uint64_t> WriteCheckpoint(const State& state, uint64_t since, const OnWriter& on_writer,
                                 storage::Store* store);

// The keys of family kState under which members' keys are: from the first, below the second.
constexpr std::string_view kMemberKeysFrom = "k";
constexpr std::string_view kMemberKeysTo = "l";

// Fills a new state; leaves it at sequence 0 when there is no checkpoint. kCorruption names what is
// damaged; the state is then to be rebuilt from the journal's beginning.
Status LoadCheckpoint(const storage::Store& store, State* state);

}  // namespace loyalty::ledger

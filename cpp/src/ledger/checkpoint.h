// The state in the store, so that opening replays only the journal's tail.
//
// Family kState: 'p' + page number (big-endian u32): a page; 'k' + page number: the keys of its members,
// stored forms, length-prefixed; 'g': the rest (sequence, member count, currencies, totals, codes), written
// last. All unlogged, in that order, so a crash leaves a prefix: then some pages are ahead of 'g', and
// replay passes over what such a page has already (its own sequence says so).
#pragma once

#include "ledger/state.h"
#include "storage/store.h"

namespace loyalty::ledger {

// Writes the pages that changed after `since`, and makes it all durable. `keys` and `codes` are those of
// the state that the snapshot is of.
Status WriteCheckpoint(const Snapshot& snapshot, const MemberKeys& keys, const Dictionary& codes,
                       uint64_t since, storage::Store* store);

// Fills a new state; leaves it at sequence 0 when there is no checkpoint. kCorruption names what is
// damaged; the state is then to be rebuilt from the journal's beginning.
Status LoadCheckpoint(const storage::Store& store, State* state);

}  // namespace loyalty::ledger

// What a posting does: Decide says how it ends, Apply makes it so. Both are pure: no clock, no
// randomness, no dependence on threads or on hash order. Replay calls Apply alone, on what was decided
// then, so a change of rules never changes the past.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "journal/block.h"
#include "ledger/state.h"

namespace loyalty::ledger {

// The posting that a reversal names, as the journal has it.
struct Original {
  uint64_t sequence = 0;
  Entry entry;
  std::vector<LotMovement> movements;
};

// What the form of a posting says about it, before any state: kUnspecified when it is well-formed.
// `currencies` and `codes` are how many there are.
PostingStatus CheckForm(const Posting& posting, size_t currencies, uint32_t codes);

// Brings the memory near that entries a little after entries[i] will need.
void PrefetchAhead(std::span<const Entry> entries, size_t i, const State& state);

// Decides an entry against the state: fills status, and points and related_kind of a reversal; appends
// the lot movements of an accepted one. `entry->points` is signed. Of an entry of kOpenMember,
// `entry->member` is the slot of the key if it is taken, else kNoMember: set to the new slot.
// `original` belongs to a reversal: null when its id is unknown.
void Decide(const State& state, const Original* original, Entry* entry,
            std::vector<LotMovement>* movements);

// Applies an entry as decided, and sets `entry.balance` aside: returns the account's active points after
// it. kCorruption if it does not fit the state (which then is no longer what the journal says).
Result<int64_t> Apply(const Entry& entry, uint64_t sequence, std::span<const LotMovement> movements,
                      std::string_view text, State* state);

// Applies those entries of a block from the journal that the state does not have yet, up to `through`,
// checking that each balance comes out as recorded.
Status ApplyGroup(const journal::Group& group, uint64_t through, State* state);

}  // namespace loyalty::ledger

// Merging two members and undoing it: whether it may be, and the points that move between them. Each step of
// it is an entry on one account, so that replay, checkpoints and reading of the past need to know nothing of
// merging.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "ledger/transition.h"

namespace loyalty::ledger {

// One entry of kMovePoints, as decided. They come in twos: the giver's, the receiver's.
struct Move {
  Entry entry;
  Details details;
  std::vector<LotMovement> movements;
};

// Whether `other` may be merged into the entry's member.
PostingStatus CheckMerge(const State& state, const Entry& merge, int64_t other);
// All that `other` has: his holds, his lots that wait, and the rest. `merge` will be at `sequence`; nothing
// more is due on the accounts by then.
std::vector<Move> MovesOver(const State& state, const Entry& merge, uint32_t other,
                            uint64_t sequence);

// Whether an entry may undo the merging that `original` says; sets its related fields, and the other member.
PostingStatus CheckUnmerge(const State& state, const Original* original, Entry* unmerge,
                           Details* details);
// What the merged member brought, as far as time alone has not taken it since.
struct Brought {
  std::vector<Original> entries;     // of kMovePoints, the survivor's
  std::map<uint64_t, int64_t> lost;  // since then, by source
};
std::vector<Move> MovesBack(const State& state, const Entry& unmerge, uint32_t other,
                            const Brought& brought, uint64_t sequence);

// Whether all sums stay within 64 bits.
bool Fit(const State& state, std::span<const Move> moves);

}  // namespace loyalty::ledger

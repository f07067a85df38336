#include "ledger/account.h"

#include <algorithm>
#include <utility>

namespace loyalty::ledger {

void Extra::Add(const PendingLot& lot) {
  pending.insert(std::upper_bound(pending.begin(), pending.end(), lot.source,
                                  [](uint64_t s, const PendingLot& at) { return s < at.source; }),
                 lot);
}

void Extra::Add(Hold hold) {
  const auto at =
      std::upper_bound(holds.begin(), holds.end(), hold.sequence,
                       [](uint64_t s, const Hold& other) { return s < other.sequence; });
  holds.insert(at, std::move(hold));
}

const PendingLot* Extra::FindPending(uint64_t source) const {
  const auto at =
      std::lower_bound(pending.begin(), pending.end(), source,
                       [](const PendingLot& lot, uint64_t s) { return lot.source < s; });
  return at != pending.end() && at->source == source ? &*at : nullptr;
}

const Hold* Extra::FindHold(uint64_t sequence) const {
  const auto at = std::lower_bound(holds.begin(), holds.end(), sequence,
                                   [](const Hold& hold, uint64_t s) { return hold.sequence < s; });
  return at != holds.end() && at->sequence == sequence ? &*at : nullptr;
}

const PoolMember* Extra::FindPoolMember(int64_t member) const {
  const auto at = std::find_if(pool.begin(), pool.end(),
                               [=](const PoolMember& m) { return m.member == member; });
  return at != pool.end() ? &*at : nullptr;
}

}  // namespace loyalty::ledger

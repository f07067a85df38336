#include "ledger/page.h"

#include <algorithm>

namespace loyalty::ledger {

// As LotPool::Chunks().
static Slab& AccountBlocks() {
  static Slab* const slab = new Slab(sizeof(Page::Accounts));
  return *slab;
}

Page::AccountsPtr Page::NewAccounts(const Accounts& from) {
  return AccountsPtr(new (AccountBlocks().Allocate()) Accounts(from));
}

void Page::FreeAccounts::operator()(Accounts* freed) const { AccountBlocks().Free(freed); }

Extra& ExtraPool::Mutable(Account* account) {
  if (account->extra != kNoIndex) return extras_[account->extra];
  uint32_t index = uint32_t(extras_.size());
  if (free_.empty()) {
    extras_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  StoreForReaders(&account->extra, index);
  return extras_[index];
}

void ExtraPool::Tidy(Account* account) {
  if (account->extra == kNoIndex || !extras_[account->extra].empty()) return;
  extras_[account->extra] = {};
  free_.push_back(account->extra);
  StoreForReaders(&account->extra, kNoIndex);
}

uint64_t ExtraPool::CountHolds() const {
  uint64_t holds = 0;
  for (const Extra& extra : extras_) holds += extra.holds.size();
  return holds;
}

uint64_t ExtraPool::ram_bytes() const {
  uint64_t bytes = extras_.capacity() * sizeof(Extra) + free_.capacity() * sizeof(uint32_t);
  for (const Extra& extra : extras_) {
    bytes += extra.pending.capacity() * sizeof(PendingLot) + extra.holds.capacity() * sizeof(Hold);
    bytes += extra.pool.capacity() * sizeof(PoolMember);
    for (const Hold& hold : extra.holds) bytes += hold.taken.capacity() * sizeof(LotMovement);
  }
  return bytes;
}

void Page::SetClosed(uint32_t member, bool is_closed) {
  const auto at = std::lower_bound(closed.begin(), closed.end(), member);
  const bool was = at != closed.end() && *at == member;
  if (is_closed && !was) closed.insert(at, member);
  if (!is_closed && was) closed.erase(at);
}

namespace {

// Of const or mutable levels.
auto PlaceOf(uint32_t member, uint32_t ladder, auto& levels) {
  return std::lower_bound(levels.begin(), levels.end(), std::pair(member, ladder),
                          [](const MemberLevel& level, const auto& wanted) {
                            return std::pair(level.member, level.ladder) < wanted;
                          });
}

}  // namespace

const MemberLevel* Page::FindLevel(uint32_t member, uint32_t ladder) const {
  const auto at = PlaceOf(member, ladder, levels);
  const bool found = at != levels.end() && at->member == member && at->ladder == ladder;
  return found ? &*at : nullptr;
}

void Page::SetLevel(const MemberLevel& level) {
  const auto at = PlaceOf(level.member, level.ladder, levels);
  if (at != levels.end() && at->member == level.member && at->ladder == level.ladder) {
    *at = level;
  } else {
    levels.insert(at, level);
  }
}

BalanceParts Page::SumParts(const Account& account, int64_t at_us) const {
  const Extra& extra = extras.Of(account);
  BalanceParts parts;
  parts.arrears = extra.arrears;
  lots.ForEach(account, [&](const Lot& lot, int64_t expires_us) {
    const uint64_t source = lot.order().source;
    if (extra.IsActive(source, expires_us, at_us)) {
      parts.active += lot.points;
    } else if (expires_us > at_us && extra.FindPending(source)->deadline_us > at_us) {
      parts.pending += lot.points;
    }
    return true;
  });
  for (const Hold& hold : extra.holds) {
    if (at_us < hold.until_us) {
      parts.held += hold.points;
      continue;
    }
    for (const LotMovement& m : hold.taken) {  // back where they came from
      const int64_t expires_us = lots.ExpiryOf(account, OrderOf(m));
      if (extra.IsActive(m.source, expires_us, at_us)) parts.active -= m.points;
    }
  }
  return parts;
}

namespace {

// Of const or mutable reversals.
auto PlaceOf(uint64_t original, auto& reversals) {
  return std::lower_bound(
      reversals.begin(), reversals.end(), original,
      [](const Reversal& reversal, uint64_t sequence) { return reversal.original < sequence; });
}

}  // namespace

const Reversal* Page::FindReversal(uint64_t original) const {
  const auto at = PlaceOf(original, reversals);
  return at != reversals.end() && at->original == original ? &*at : nullptr;
}

void Reversal::Add(const Reversal& other) {
  points += other.points;
  if (__builtin_add_overflow(money, other.money, &money)) money = INT64_MAX;
}

void Page::Add(const Reversal& reversal) {
  Reversal sum = reversal;
  const Reversal* const before = FindReversal(reversal.original);
  if (before) sum.Add(*before);
  SetReversal(reversal.original, sum);
}

void Page::SetReversal(uint64_t original, const std::optional<Reversal>& reversal) {
  const auto at = PlaceOf(original, reversals);
  const bool was = at != reversals.end() && at->original == original;
  if (was && reversal) {
    *at = *reversal;
  } else if (was) {
    reversals.erase(at);
  } else if (reversal) {
    reversals.insert(at, *reversal);
  }
}

uint64_t Page::ram_bytes() const {
  uint64_t bytes = sizeof(Page) + lots.ram_bytes() + extras.ram_bytes() +
                   reversals.capacity() * sizeof(Reversal) +
                   levels.capacity() * sizeof(MemberLevel);
  for (const auto& array : accounts) bytes += array ? sizeof(Accounts) : 0;
  return bytes;
}

}  // namespace loyalty::ledger

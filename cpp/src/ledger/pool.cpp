// Pools: accounts that several members contribute to (by transfers) and spend from, each up to a limit.
#include <algorithm>

#include "ledger/deciding.h"

namespace loyalty::ledger {
namespace {

PostingStatus CheckOther(const Deciding& d) {
  if (d.details->other < 0) return PostingStatus::kOtherMemberNotFound;
  return PostingStatus::kPosted;
}

}  // namespace

const PoolMember* FindPoolMember(Deciding* d) {
  const Merges& merges = d->state.merges;
  const PoolMember* found = d->extra.FindPoolMember(d->details->other);
  for (const PoolMember& m : d->extra.pool) {
    if (found || merges.empty()) break;
    if (merges.SurvivorOf(m.member) == d->details->other) found = &m;
  }
  if (found) d->details->other = found->member;
  return found;
}

PostingStatus CheckSpender(Deciding* d, int64_t points) {
  if (d->details->other == Details::kNoOther) return PostingStatus::kPosted;
  const PostingStatus other = CheckOther(*d);
  if (other != PostingStatus::kPosted) return other;
  const PoolMember* const spender = FindPoolMember(d);
  if (spender == nullptr) return PostingStatus::kNotInPool;
  if (spender->limit == kNoCeiling) return PostingStatus::kPosted;
  const int64_t left = std::max<int64_t>(0, spender->limit - spender->spent);
  return points > left ? d->Refuse(PostingStatus::kPoolLimitPassed, left) : PostingStatus::kPosted;
}

PostingStatus DecideJoin(Deciding* d) {
  const PostingStatus other = CheckOther(*d);
  if (other != PostingStatus::kPosted) return other;
  const auto member = uint32_t(d->details->other);
  const bool closed = d->state.PageOf(member)->IsClosed(member);
  if (closed) return PostingStatus::kOtherMemberClosed;
  (void)FindPoolMember(d);
  return PostingStatus::kPosted;
}

PostingStatus DecideLeave(Deciding* d) {
  if (d->original->sequence != 0) return TakeOver(d);
  const PostingStatus other = CheckOther(*d);
  if (other != PostingStatus::kPosted) return other;
  if (FindPoolMember(d) == nullptr) return PostingStatus::kNotInPool;
  const std::vector<uint64_t>& brought = d->original->brought;
  d->entry->points = -d->TakeAll([&](const LotOrder& lot, int64_t expires_us) {
    return d->extra.IsActive(lot.source, expires_us, d->at_us()) &&
           std::binary_search(brought.begin(), brought.end(), lot.source);
  });
  return d->entry->points == 0 ? PostingStatus::kPosted : CheckFitsOther(d);
}

}  // namespace loyalty::ledger

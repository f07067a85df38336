#include "ledger/lots.h"

#include <algorithm>
#include <cstring>

namespace loyalty::ledger {

// For the whole process, and never destroyed: pages may outlive everything but the program.
Slab& LotPool::Chunks() {
  static Slab* const slab = new Slab(kChunkBytes);
  return *slab;
}

LotPool::LotPool(const LotPool& other) : used_(other.used_), free_(other.free_) {
  chunks_.reserve(other.chunks_.size());
  for (const Lot* chunk : other.chunks_) {
    chunks_.push_back(static_cast<Lot*>(Chunks().Allocate()));
    std::memcpy(static_cast<void*>(chunks_.back()), chunk, kChunkBytes);
  }
}

LotPool::~LotPool() {
  for (Lot* chunk : chunks_) Chunks().Free(chunk);
}

int64_t LotPool::InactiveFrom(const Account& account) const {
  int64_t at_us = kNever_us;
  ForEachStored(account, [&](const Lot& lot) {
    const LotOrder order = lot.order();
    if (order.source == 0) at_us = order.expires_us;
    return order.source != 0 && order.expires_us < kByInactivity_us;
  });
  return at_us;
}

void LotPool::SetInactiveFrom(Account* account, int64_t at_us) {
  uint32_t before = Lot::kNone;
  uint32_t at = account->head;
  const auto step = [&] { before = std::exchange(at, At(at).link() ^ before); };
  while (at != Lot::kNone && At(at).order().source != 0) step();
  if (at != Lot::kNone) Remove(account, before, at);
  if (at_us != kNever_us) {
    const LotOrder mark{at_us, kMinTime_us, 0};
    before = Lot::kNone;
    at = account->head;
    while (at != Lot::kNone && At(at).order() < mark) step();
    Insert(account, before, Lot(0, mark), at);
  }
  StoreForReaders(&account->first_expiry, FirstExpiry(*account));
}

bool LotPool::Move(Account* account, const LotOrder& order, int64_t points) {
  // A debit's lot is near the head, a credit's place near the tail.
  uint32_t before = Lot::kNone;
  uint32_t at = account->head;
  if (points < 0) {
    while (at != Lot::kNone && At(at).order() < order)
      before = std::exchange(at, At(at).link() ^ before);
    if (at == Lot::kNone || At(at).order() != order || At(at).points < -points) return false;
    At(at).points += points;
    if (At(at).points == 0) Remove(account, before, at);
    return true;
  }
  uint32_t after = Lot::kNone;
  at = account->tail;
  while (at != Lot::kNone && order < At(at).order())
    after = std::exchange(at, At(at).link() ^ after);
  if (at != Lot::kNone && At(at).order() == order) {
    At(at).points += points;
  } else {
    Insert(account, at, Lot(points, order), after);
  }
  StoreForReaders(&account->first_expiry,
                  std::min(account->first_expiry, Coarse(order.expires_us)));
  return true;
}

void LotPool::Relink(uint32_t neighbour, uint32_t was, uint32_t now, uint32_t* end) {
  if (neighbour == Lot::kNone) {
    *end = now;
  } else {
    At(neighbour).set_link(At(neighbour).link() ^ was ^ now);
  }
}

void LotPool::Insert(Account* account, uint32_t before, const Lot& lot, uint32_t after) {
  const uint32_t made = Allocate(lot);
  At(made).set_link(before ^ after);
  Relink(before, after, made, &account->head);
  Relink(after, before, made, &account->tail);
}

void LotPool::Remove(Account* account, uint32_t before, uint32_t index) {
  const uint32_t after = At(index).link() ^ before;
  Relink(before, index, after, &account->head);
  Relink(after, index, before, &account->tail);
  At(index).set_link(free_);
  free_ = index;
}

uint32_t LotPool::Allocate(const Lot& lot) {
  uint32_t index = free_;
  if (index != Lot::kNone) {
    free_ = At(index).link();
  } else {
    index = used_++;
    if (index / kChunk == chunks_.size()) chunks_.push_back(static_cast<Lot*>(Chunks().Allocate()));
  }
  At(index) = lot;
  return index;
}

}  // namespace loyalty::ledger

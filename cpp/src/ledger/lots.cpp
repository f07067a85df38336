#include "ledger/lots.h"

#include <algorithm>
#include <cassert>
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

bool LotPool::Move(Account* account, const LotOrder& order, int64_t points) {
  // Behind the tail is where most credits go; else walk from the head.
  uint32_t before = Lot::kNone;
  uint32_t at = account->head;
  if (account->tail != Lot::kNone && At(account->tail).order() < order) {
    before = account->tail;
    at = Lot::kNone;
  }
  while (at != Lot::kNone && At(at).order() < order) {
    before = at;
    at = At(at).next();
  }
  const bool found = at != Lot::kNone && At(at).order() == order;
  if (points < 0) {
    if (!found || At(at).points < -points) return false;
    At(at).points += points;
    if (At(at).points == 0) Unlink(account, before, at);
    return true;
  }
  if (found) {
    At(at).points += points;
    return true;
  }
  const uint32_t made = Allocate(Lot(points, order));
  At(made).set_next(at);
  (before == Lot::kNone) ? void(account->head = made) : At(before).set_next(made);
  if (at == Lot::kNone) account->tail = made;
  return true;
}

void LotPool::PlanDebit(const Account& account, int64_t points,
                        std::vector<LotMovement>* movements) const {
  for (uint32_t at = account.head; points > 0; at = (*this)[at].next()) {
    assert(at != Lot::kNone);
    const int64_t taken = std::min(points, (*this)[at].points);
    const LotOrder order = (*this)[at].order();
    movements->push_back({-taken, order.expires_us, order.effective_us, order.source});
    points -= taken;
  }
}

int64_t LotPool::Left(const Account& account, uint64_t source) const {
  for (uint32_t at = account.head; at != Lot::kNone; at = (*this)[at].next()) {
    if ((*this)[at].order().source == source) return (*this)[at].points;
  }
  return 0;
}

uint32_t LotPool::Allocate(const Lot& lot) {
  uint32_t index = free_;
  if (index != Lot::kNone) {
    free_ = At(index).next();
  } else {
    index = used_++;
    if (index / kChunk == chunks_.size()) chunks_.push_back(static_cast<Lot*>(Chunks().Allocate()));
  }
  At(index) = lot;
  return index;
}

void LotPool::Unlink(Account* account, uint32_t before, uint32_t index) {
  const uint32_t next = At(index).next();
  (before == Lot::kNone) ? void(account->head = next) : At(before).set_next(next);
  if (account->tail == index) account->tail = before;
  At(index).set_next(free_);
  free_ = index;
}

}  // namespace loyalty::ledger

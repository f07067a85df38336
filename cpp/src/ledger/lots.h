// Lots: the points of one credit that are still there, in spending order. An expired lot stays until its
// expiry is journaled.
//
// An account's lots are a linked list through its page's pool: soonest expiry first (never last), then
// earliest effective time, then sequence. Credits mostly come nearly in that order, so their place is looked
// for from the tail; debits eat from the head. Both ways take one link: it is the exclusive or of the
// neighbours' indexes, so who comes from one knows the other.
//
// Lots that expire by inactivity do so together, and an activity of the account puts that off. They say
// kByInactivity_us, and a *mark* says when that is: an empty lot of source 0 that expires then. So an activity
// moves one lot, however many there are, and the mark is met before them in spending order.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/beside_writer.h"
#include "base/prefetch.h"
#include "base/slab.h"
#include "ledger/account.h"

namespace loyalty::ledger {

// 32 bytes a lot: two times of 56 bits (1900 to 2200 fits), a sequence of 48 bits and a link of 32.
class Lot {
 public:
  static constexpr uint32_t kNone = kNoIndex;

  int64_t points = 0;

  Lot() = default;
  Lot(int64_t points_left, const LotOrder& order) : points(points_left) {
    const bool is_time = order.expires_us < kByInactivity_us;
    expires_ = uint64_t(is_time ? order.expires_us : order.expires_us - kNever_us + kNever56) << 8;
    effective_ = uint64_t(order.effective_us) << 8;
    source_ = order.source << 16;
    set_link(0);
  }
  LotOrder order() const {
    const int64_t expires = int64_t(expires_) >> 8;
    const bool is_time = expires < kNever56 - 1;
    return {is_time ? expires : expires - kNever56 + kNever_us, int64_t(effective_) >> 8,
            source_ >> 16};
  }
  // previous ^ next; kNone stands for no neighbour.
  uint32_t link() const {
    return uint32_t(expires_ & 0xff) | uint32_t(effective_ & 0xff) << 8 |
           uint32_t(source_ & 0xffff) << 16;
  }
  void set_link(uint32_t link) {
    expires_ = (expires_ & ~uint64_t(0xff)) | (link & 0xff);
    effective_ = (effective_ & ~uint64_t(0xff)) | (link >> 8 & 0xff);
    source_ = (source_ & ~uint64_t(0xffff)) | link >> 16;
  }

 private:
  static constexpr int64_t kNever56 = (int64_t(1) << 55) - 1;

  uint64_t expires_ = 0;
  uint64_t effective_ = 0;
  uint64_t source_ = 0;
};
static_assert(sizeof(Lot) == 32);

// The lots of one page's accounts, in chunks that never move, with a list of free ones.
class LotPool {
 public:
  LotPool() = default;
  LotPool(const LotPool& other);
  LotPool& operator=(const LotPool&) = delete;
  ~LotPool();

  // Calls visit(lot, expires_us) in spending order until it returns false, each with the instant at which it
  // expires.
  template <typename Visit>
  void ForEach(const Account& account, Visit visit) const {
    int64_t inactive_us = kNever_us;
    ForEachStored(account, [&](const Lot& lot) {
      const LotOrder order = lot.order();
      if (order.source == 0) {
        inactive_us = order.expires_us;
        return true;
      }
      const bool by_inactivity = order.expires_us == kByInactivity_us;
      return visit(lot, by_inactivity ? inactive_us : order.expires_us);
    });
  }
  // Calls visit(lot) as they are stored, the mark too.
  template <typename Visit>
  void ForEachStored(const Account& account, Visit visit) const {
    uint32_t before = Lot::kNone;
    for (uint32_t at = account.head; at != Lot::kNone;) {
      const Lot& lot = At(at);
      if (!visit(lot)) return;
      before = std::exchange(at, lot.link() ^ before);
    }
  }
  size_t ram_bytes() const { return chunks_.size() * kChunkBytes; }

  // Adds `points` to the lot of that order (making it if need be), or takes them out of it (removing it
  // when nothing is left). False if there is no such lot with enough points: then nothing has changed.
  [[nodiscard]] bool Move(Account* account, const LotOrder& order, int64_t points);
  // When the account's lots that expire by inactivity do; kNever_us: it has no mark.
  int64_t InactiveFrom(const Account& account) const;
  void SetInactiveFrom(Account* account, int64_t at_us);
  // When a lot of the account with such an order expires.
  int64_t ExpiryOf(const Account& account, const LotOrder& order) const {
    const bool by_inactivity = order.expires_us == kByInactivity_us;
    return by_inactivity ? InactiveFrom(account) : order.expires_us;
  }
  // Appends one movement for each lot that a debit of `points` > 0 takes from, in spending order, passing
  // over those for which usable(order, expires_us) is false. Returns what the lots have too little for it.
  template <typename Usable>
  int64_t PlanDebit(const Account& account, int64_t points, Usable usable,
                    std::vector<LotMovement>* movements) const {
    ForEach(account, [&](const Lot& lot, int64_t expires_us) {
      const LotOrder order = lot.order();
      if (!usable(order, expires_us)) return true;
      const int64_t taken = points < lot.points ? points : lot.points;
      movements->push_back({-taken, order.expires_us, order.effective_us, order.source});
      points -= taken;
      return points > 0;
    });
    return points;
  }
  // Perhaps too early: that of the mark, though there is nothing to expire.
  CoarseTime FirstExpiry(const Account& account) const {
    return account.head == Lot::kNone ? kCoarseNever : Coarse(At(account.head).order().expires_us);
  }
  void PrefetchChunk(uint32_t index) const {
    if (index != Lot::kNone) Prefetch(&chunks_[index / kChunk]);
  }
  void PrefetchLot(uint32_t index) const {
    if (index != Lot::kNone) Prefetch(&At(index));
  }
  // All of them: then following the lists of many accounts takes half the time.
  void PrefetchAll() const {
    for (const Lot* chunk : chunks_) {
      for (uint32_t lot = 0; lot < kChunk; lot += 64 / sizeof(Lot)) Prefetch(chunk + lot);
    }
  }
  // Where the next lot will be.
  void PrefetchNext() const {
    const uint32_t next = free_ != Lot::kNone ? free_ : used_;
    if (next / kChunk < chunks_.size()) Prefetch(&At(next));
  }

 private:
  static constexpr uint32_t kChunk = 256;
  static constexpr size_t kChunkBytes = kChunk * sizeof(Lot);
  static Slab& Chunks();

  Lot& At(uint32_t index) const { return chunks_[index / kChunk][index % kChunk]; }
  // In the neighbour of a changing lot (or the account's end) puts `now` in the place of `was`.
  void Relink(uint32_t neighbour, uint32_t was, uint32_t now, uint32_t* end);
  void Insert(Account* account, uint32_t before, const Lot& lot, uint32_t after);
  void Remove(Account* account, uint32_t before, uint32_t index);
  uint32_t Allocate(const Lot& lot);

  std::vector<Lot*> chunks_;
  uint32_t used_ = 0;           // lots ever handed out
  uint32_t free_ = Lot::kNone;  // each one's link is the next
};

}  // namespace loyalty::ledger

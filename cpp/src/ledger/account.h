// What one member has of one currency: an account, small and dense, and for few of them an Extra.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "journal/movements.h"
#include "loyalty/posting.h"

namespace loyalty::ledger {

using journal::LotMovement;

constexpr uint32_t kNoIndex = UINT32_MAX;

// An instant in units of 2^22 us (four seconds) since 1900, rounded down.
using CoarseTime = uint32_t;
constexpr CoarseTime kCoarseNever = UINT32_MAX;
constexpr CoarseTime Coarse(int64_t at_us) {
  if (at_us >= kMaxTime_us) return kCoarseNever;
  return at_us <= kMinTime_us ? 0 : CoarseTime(uint64_t(at_us - kMinTime_us) >> 22);
}
static_assert(Coarse(kMaxTime_us - 1) < kCoarseNever);

// Where a lot stands in spending order. Unique in its account: the source is the sequence of the credit.
struct LotOrder {
  int64_t expires_us = 0;
  int64_t effective_us = 0;
  uint64_t source = 0;
  auto operator<=>(const LotOrder&) const = default;
};
inline LotOrder OrderOf(const LotMovement& m) { return {m.expires_us, m.effective_us, m.source}; }

struct Account {
  int64_t total =
      0;  // the points in its lots: active, pending, and expired but not yet journaled so
  int64_t lifetime_earned = 0;
  int64_t lifetime_redeemed = 0;
  uint64_t sequence = 0;  // of the last entry that changed it
  uint32_t head = kNoIndex;
  uint32_t tail = kNoIndex;
  // Before it, none of its lots expires. Perhaps too early, never too late; follows from the lots.
  CoarseTime first_expiry = kCoarseNever;
  uint32_t extra = kNoIndex;  // of its Extra in the page

  // Whether its active points are simply the total, and all else is zero.
  bool IsPlainAt(int64_t at_us) const { return Coarse(at_us) < first_expiry && extra == kNoIndex; }
};
static_assert(sizeof(Account) == 48);

// A lot that cannot be spent from the beginning.
struct PendingLot {
  uint64_t source = 0;
  int64_t activates_us = 0;         // kNever_us: once confirmed
  int64_t deadline_us = kNever_us;  // of the confirmation
  Kind kind = Kind::kUnspecified;   // of the credit
};

// Points set aside. `taken` are the movements that took them, so negative.
struct Hold {
  uint64_t sequence = 0;
  int64_t until_us = 0;
  int64_t points = 0;
  int64_t spender = Details::kNoOther;  // from a pool
  std::vector<LotMovement> taken;
};

// Who may spend from an account that is a pool.
struct PoolMember {
  uint32_t member = 0;
  int64_t limit = kNoCeiling;  // in all
  int64_t spent = 0;           // or held
};

// What few accounts have.
struct Extra {
  int64_t arrears = 0;
  int64_t floor = kByProgram;
  int64_t ceiling = kByProgram;
  std::vector<PendingLot> pending;  // by source
  std::vector<Hold> holds;          // by sequence
  std::vector<PoolMember> pool;     // by member

  bool empty() const {
    return arrears == 0 && floor == kByProgram && ceiling == kByProgram && pending.empty() &&
           holds.empty() && pool.empty();
  }
  // Each goes to its place in the order.
  void Add(const PendingLot& lot);
  void Add(Hold hold);
  const PendingLot* FindPending(uint64_t source) const;
  const Hold* FindHold(uint64_t sequence) const;
  const PoolMember* FindPoolMember(int64_t member) const;
  // Whether a lot that is in the list, and expires then, can be spent at an instant.
  bool IsActive(uint64_t source, int64_t expires_us, int64_t at_us) const {
    if (expires_us <= at_us) return false;
    const PendingLot* const waiting = pending.empty() ? nullptr : FindPending(source);
    return waiting == nullptr || waiting->activates_us <= at_us;
  }
};

}  // namespace loyalty::ledger

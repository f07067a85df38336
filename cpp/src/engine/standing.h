// What an account had as of a time, from the entries that count: a sum of their movements, each lot
// classified at the instant asked of. The state in RAM says the same of the present; this one may also
// leave out entries, so that a lot can be below zero (docs/points.md).
#pragma once

#include <memory>
#include <vector>

#include "engine/past.h"
#include "ledger/account.h"

namespace loyalty::engine {

// Of points in a lot that no hold has, and that expires then.
LotState StateOf(uint64_t source, int64_t expires_us, const ledger::Extra& extra, int64_t at_us);

// Whether a posted entry is on an account of the member's.
bool IsOnAccount(const Entry& entry);

// Not thread-safe. 64 bytes, and 32 a lot.
class Standing {
 public:
  // A posted entry on the account; in the order of the journal.
  void Add(const JournalRow& row);

  // Requires that something was added, or that the member is known to be there.
  Balance BalanceAt(int64_t at_us);
  int64_t arrears() const { return extra().arrears; }

  // Calls visit(order, expires_us, points, state) for what is in each lot, and for what holds have of it, with
  // the instant at which it expires. Of one lot it may be called several times.
  template <typename Visit>
  void ForEachLot(int64_t at_us, Visit visit) {
    Settle();
    for (const ledger::LotMovement& lot : lots_) {
      const ledger::LotOrder order = ledger::OrderOf(lot);
      const int64_t expires_us = ExpiryOf(order);
      visit(order, expires_us, lot.points, StateOf(order.source, expires_us, extra(), at_us));
    }
    for (const ledger::Hold& hold : extra().holds) {
      for (const ledger::LotMovement& taken : hold.taken) {
        const ledger::LotOrder order = ledger::OrderOf(taken);
        const int64_t expires_us = ExpiryOf(order);
        const bool ended = hold.until_us <= at_us;  // then it is back where it came from
        visit(order, expires_us, -taken.points,
              ended ? StateOf(order.source, expires_us, extra(), at_us) : LotState::kHeld);
      }
    }
  }

 private:
  int64_t ExpiryOf(const ledger::LotOrder& lot) const {
    return lot.expires_us == kByInactivity_us ? inactive_from_us_ : lot.expires_us;
  }
  const ledger::Extra& extra() const;
  ledger::Extra& mutable_extra();
  void Put(const ledger::LotMovement& movement);
  // One movement a lot, none of zero points, in spending order.
  void Settle();
  void ChangeHolds(const JournalRow& row);
  // Lots wait no longer when they were activated, or when nothing of them was left.
  void EndWaiting(const JournalRow& row);
  bool IsThere(uint64_t source) const;

  std::vector<ledger::LotMovement> lots_;   // sum up to the lots
  std::unique_ptr<ledger::Extra> extra_;    // few accounts have one
  int64_t inactive_from_us_ = kMinTime_us;  // when the lots that expire by inactivity do
  int64_t lifetime_earned_ = 0;
  int64_t lifetime_redeemed_ = 0;
  uint64_t sequence_ = 0;  // of the last entry
};

}  // namespace loyalty::engine

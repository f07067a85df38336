#include "engine/standing.h"

#include <algorithm>

#include "ledger/books.h"

namespace loyalty::engine {

using ledger::Extra;
using ledger::LotMovement;
using ledger::LotOrder;

LotState StateOf(uint64_t source, int64_t expires_us, const Extra& extra, int64_t at_us) {
  const ledger::PendingLot* const waiting =
      extra.pending.empty() ? nullptr : extra.FindPending(source);
  if (waiting && waiting->deadline_us <= at_us) return LotState::kLost;
  if (expires_us <= at_us) return LotState::kExpired;
  return waiting && waiting->activates_us > at_us ? LotState::kPending : LotState::kActive;
}

bool IsOnAccount(const Entry& entry) {
  if (entry.member == Entry::kNoMember) return false;
  switch (entry.kind) {
    case Kind::kOpenMember:
    case Kind::kCloseMember:
    case Kind::kReopenMember:
    case Kind::kEraseMember:
    case Kind::kMergeMembers:
    case Kind::kUnmergeMembers:
    case Kind::kSetLevel:
    case Kind::kChangeLevel: return false;
    default: return true;
  }
}

void Standing::Add(const JournalRow& row) {
  const Entry& entry = row.entry;
  for (const LotMovement& m : row.movements) {
    if (m.source != 0) {
      Put(m);
    } else {
      mutable_extra().arrears -= m.points;
    }
  }
  const int64_t own = ledger::OwnPoints(entry, row.details, row.movements);
  if (own > 0) Put({own, ledger::LotExpiry(entry), entry.effective_us, row.sequence});
  const auto waits = ledger::PendingLotOf(entry, row.details, row.sequence, own);
  if (waits) mutable_extra().Add(*waits);
  inactive_from_us_ = std::max(inactive_from_us_, ledger::ActiveUntil(entry, row.details));
  ChangeHolds(row);
  if (!extra().pending.empty()) EndWaiting(row);
  lifetime_earned_ += ledger::EarnedBy(entry, row.details);
  lifetime_redeemed_ += ledger::RedeemedBy(entry, row.details);
  sequence_ = row.sequence;
}

void Standing::ChangeHolds(const JournalRow& row) {
  const Details& details = row.details;
  if (ledger::MakesAHold(details)) {
    mutable_extra().Add(ledger::HoldOf(row.entry, details, row.sequence, row.movements));
  } else if (details.held < 0) {
    std::erase_if(mutable_extra().holds,
                  [&](const ledger::Hold& hold) { return hold.sequence == row.entry.related; });
  }
}

void Standing::EndWaiting(const JournalRow& row) {
  const bool activates = row.entry.kind == Kind::kConfirm || row.entry.kind == Kind::kActivate;
  const auto taken_from = [&](uint64_t source) {
    return std::any_of(row.movements.begin(), row.movements.end(),
                       [&](const LotMovement& m) { return m.source == source && m.points < 0; });
  };
  std::erase_if(mutable_extra().pending, [&](const ledger::PendingLot& lot) {
    return (activates && lot.source == row.entry.related) ||
           (taken_from(lot.source) && !IsThere(lot.source));
  });
}

bool Standing::IsThere(uint64_t source) const {
  int64_t points = 0;
  for (const LotMovement& m : lots_) points += m.source == source ? m.points : 0;
  return points != 0;
}

Balance Standing::BalanceAt(int64_t at_us) {
  Balance balance;
  balance.found = true;
  balance.parts.arrears = arrears();
  balance.lifetime_earned = lifetime_earned_;
  balance.lifetime_redeemed = lifetime_redeemed_;
  balance.sequence = sequence_;
  ForEachLot(at_us, [&](const LotOrder&, int64_t expires_us, int64_t points, LotState state) {
    balance.parts.held += state == LotState::kHeld ? points : 0;
    balance.parts.pending += state == LotState::kPending ? points : 0;
    if (state != LotState::kActive) return;
    balance.parts.active += points;
    if (expires_us == kNever_us || expires_us > balance.expiring_us) return;
    if (expires_us < balance.expiring_us) balance.expiring_points = 0;
    balance.expiring_us = expires_us;
    balance.expiring_points += points;
  });
  return balance;
}

const Extra& Standing::extra() const {
  static const Extra kNothing;
  return extra_ ? *extra_ : kNothing;
}

Extra& Standing::mutable_extra() {
  if (!extra_) extra_ = std::make_unique<Extra>();
  return *extra_;
}

void Standing::Put(const LotMovement& movement) {
  if (lots_.size() == lots_.capacity()) {
    Settle();
    if (lots_.size() * 2 >= lots_.capacity()) {
      lots_.reserve(std::max<size_t>(4, lots_.capacity() * 2));
    }
  }
  lots_.push_back(movement);
}

void Standing::Settle() {
  std::sort(lots_.begin(), lots_.end(), [](const LotMovement& a, const LotMovement& b) {
    return ledger::OrderOf(a) < ledger::OrderOf(b);
  });
  auto end = lots_.begin();
  for (auto from = lots_.begin(); from != lots_.end();) {
    LotMovement lot = *from;
    for (++from; from != lots_.end() && ledger::OrderOf(*from) == ledger::OrderOf(lot); ++from) {
      lot.points += from->points;
    }
    if (lot.points != 0) *end++ = lot;
  }
  lots_.erase(end, lots_.end());
}

}  // namespace loyalty::engine

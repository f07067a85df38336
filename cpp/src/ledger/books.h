// Which books an entry moves: every point that a member gains or loses is on a system account's other side.
#pragma once

#include <span>

#include "ledger/state.h"

namespace loyalty::ledger {

// What an entry that is about another one takes back or sets right is in that one's books.
inline Kind BooksOf(const Entry& entry) {
  const bool undoes = entry.kind == Kind::kReverse || entry.kind == Kind::kCancel;
  return undoes ? entry.related_kind : entry.kind;
}

// The system account of a kind's movements. Of const or mutable totals.
template <typename AnyTotals>
auto& SystemSide(Kind books, AnyTotals& totals) {
  switch (books) {
    case Kind::kEarn: return totals.issued;
    case Kind::kRedeem:
    case Kind::kCapture: return totals.redeemed;
    case Kind::kExpire:
    case Kind::kReinstate: return totals.expired;
    default: return totals.adjusted;
  }
}

// Whether such entries come in twos, between two members: no total changes.
inline bool IsBetweenMembers(Kind kind) {
  return kind == Kind::kTransfer || kind == Kind::kLeavePool || kind == Kind::kMovePoints;
}

// Adds a posted entry's points to its currency's totals.
inline void AddToTotals(const Entry& entry, const Details& details, CurrencyTotals* totals) {
  if (IsBetweenMembers(entry.kind)) return;
  totals->members += entry.points;
  SystemSide(BooksOf(entry), *totals) -= entry.points - details.revived;
  totals->expired -= details.revived;
}

// What a posted entry adds to what the member has earned, and redeemed, in his life.
inline int64_t EarnedBy(const Entry& entry, const Details& details) {
  return BooksOf(entry) == Kind::kEarn ? entry.points - details.revived : details.earned;
}
inline int64_t RedeemedBy(const Entry& entry, const Details& details) {
  const Kind books = BooksOf(entry);
  const bool redeems = books == Kind::kRedeem || books == Kind::kCapture;
  return redeems ? -entry.points : details.redeemed;
}

// The points of the lot that a posted entry makes: what its movements do not account for.
inline int64_t OwnPoints(const Entry& entry, const Details& details,
                         std::span<const LotMovement> movements) {
  int64_t points = entry.points - details.held;
  for (const LotMovement& m : movements) points -= m.points;
  return points;
}

}  // namespace loyalty::ledger

// Which books an entry moves: every point that a member gains or loses is on a system account's other side.
#pragma once

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

}  // namespace loyalty::ledger

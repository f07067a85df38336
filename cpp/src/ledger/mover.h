// Moves points between two accounts of one currency, as entries of kMovePoints: the giver's, then the receiver's.
#pragma once

#include <vector>

#include "ledger/merge.h"

namespace loyalty::ledger {

// What goes over in one pair of entries, besides a hold.
struct Parcel {
  uint64_t related = 0;  // the credit that waits, or the merging or its undoing
  Kind related_kind = Kind::kUnspecified;
  Terms terms;                     // of a credit that waits
  std::vector<LotMovement> taken;  // from the giver
  std::vector<LotMovement> given;  // to the receiver
  int64_t debt = 0;  // of the receiver, then; what the giver owes no more is in `taken`
  int64_t earned = 0;
  int64_t redeemed = 0;

  bool empty() const { return given.empty() && (debt | earned | redeemed) == 0; }
};

class Mover {
 public:
  // For an entry `because`.
  Mover(const State& state, const Entry& because, uint32_t from, uint32_t to, uint16_t currency,
        std::vector<Move>* moves);

  // The giver's.
  const Account& account() const { return account_; }
  const Extra& extra() const { return extra_; }
  const LotPool& lots() const { return lots_; }

  void MoveHold(const Hold& hold);
  void MoveParcel(const Parcel& parcel);

 private:
  Move NewMove(uint32_t member, uint32_t other, uint64_t related, Kind related_kind) const;
  void Add(Move out, Move in);

  const Entry& because_;
  const uint32_t from_;
  const uint32_t to_;
  const uint16_t currency_;
  const Account& account_;
  const Extra& extra_;
  const LotPool& lots_;
  std::vector<Move>* const moves_;
};

}  // namespace loyalty::ledger

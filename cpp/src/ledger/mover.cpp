#include "ledger/mover.h"

#include <utility>

namespace loyalty::ledger {

Mover::Mover(const State& state, const Entry& because, uint32_t from, uint32_t to,
             uint16_t currency, std::vector<Move>* moves)
    : because_(because),
      from_(from),
      to_(to),
      currency_(currency),
      account_(state.PageOf(from)->GetAccount(from, currency)),
      extra_(state.PageOf(from)->extras.Of(account_)),
      lots_(state.PageOf(from)->lots),
      moves_(moves) {}

void Mover::MoveHold(const Hold& hold) {
  Move out = NewMove(from_, to_, hold.sequence, Kind::kHold);
  out.entry.points = out.details.held = -hold.points;
  Move in = NewMove(to_, from_, hold.sequence, Kind::kHold);
  in.entry.points = in.details.held = hold.points;
  in.details.terms.deadline_us = hold.until_us;
  for (LotMovement m : hold.taken) {
    m.points = -m.points;
    in.movements.push_back(m);
  }
  in.movements.insert(in.movements.end(), hold.taken.begin(), hold.taken.end());
  Add(std::move(out), std::move(in));
}

void Mover::MoveParcel(const Parcel& parcel) {
  int64_t points = -parcel.debt;
  for (const LotMovement& m : parcel.given) points += m.points;
  Move out = NewMove(from_, to_, parcel.related, parcel.related_kind);
  out.entry.points = -points;
  out.details.earned = -parcel.earned;
  out.details.redeemed = -parcel.redeemed;
  out.movements = parcel.taken;
  Move in = NewMove(to_, from_, parcel.related, parcel.related_kind);
  in.entry.points = points;
  in.details.terms = parcel.terms;
  in.details.earned = parcel.earned;
  in.details.redeemed = parcel.redeemed;
  in.movements = parcel.given;
  if (parcel.debt > 0) in.movements.push_back({-parcel.debt, kNever_us, 0, 0});
  Add(std::move(out), std::move(in));
}

Move Mover::NewMove(uint32_t member, uint32_t other, uint64_t related, Kind related_kind) const {
  Move move;
  move.entry.kind = Kind::kMovePoints;
  move.entry.status = PostingStatus::kPosted;
  move.entry.effective_us = because_.effective_us;
  move.entry.member = member;
  move.entry.currency = currency_;
  move.entry.related = related;
  move.entry.related_kind = related_kind;
  move.details.other = other;
  return move;
}

// Points that expire by inactivity live on at least as long as they would have with the giver: those that move,
// and those that come back to their lots by a reversal.
void Mover::Add(Move out, Move in) {
  const int64_t inactive_us = lots_.InactiveFrom(account_);
  if (inactive_us != kNever_us) {
    in.entry.by_program |= kByInactivity;
    in.entry.expires_us = inactive_us;
  }
  moves_->push_back(std::move(out));
  moves_->push_back(std::move(in));
}

}  // namespace loyalty::ledger

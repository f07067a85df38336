// Transfers: two entries, one after the other. The first takes the points from one member, and is refused if
// the second could not give them to the other; the second is about the first.
#include <algorithm>

#include "ledger/deciding.h"

namespace loyalty::ledger {
namespace {

// The other member's account on the way to a decision about the second entry.
template <typename Ask>
auto AskReceiver(const Deciding& d, Ask ask) {
  const uint32_t other = d.state.merges.SurvivorOf(uint32_t(d.details->other));
  const Page& page = *d.state.PageOf(other);
  const Account& account = page.GetAccount(other, d.entry->currency);
  Entry credit = *d.entry;
  credit.points = -credit.points;
  Details none;
  return ask(
      Deciding{d.state, page, account, page.extras.Of(account), nullptr, &credit, &none, nullptr});
}

// Whether the other member may get the points; the entry and details are the first one's.
PostingStatus CheckReceiver(Deciding* d) {
  if (d->details->other < 0) return PostingStatus::kOtherMemberNotFound;
  const auto other = uint32_t(d->details->other);
  if (d->state.PageOf(other)->IsClosed(other)) return PostingStatus::kOtherMemberClosed;
  const int64_t room = AskReceiver(*d, [](const Deciding& receiver) { return receiver.Room(); });
  if (-d->entry->points > room) return d->Refuse(PostingStatus::kOverCeiling, room);
  return CheckFitsOther(d);
}

PostingStatus Give(Deciding* d) {
  const int64_t possible = d->PossibleAbove(std::max<int64_t>(0, d->floor()));
  if (-d->entry->points > possible) {
    return d->Refuse(PostingStatus::kInsufficientPoints, possible);
  }
  const PostingStatus status = CheckReceiver(d);
  if (status != PostingStatus::kPosted) return status;
  (void)d->TakeActive(-d->entry->points);
  return PostingStatus::kPosted;
}

int64_t GiversInactivity(const Deciding& d) {
  const Entry& first = d.original->entry;
  const Page& page = *d.state.PageOf(first.member);
  return page.lots.InactiveFrom(page.GetAccount(first.member, first.currency));
}

}  // namespace

PostingStatus CheckFitsOther(Deciding* d) {
  const bool fits = AskReceiver(*d, [](const Deciding& receiver) { return Fits(receiver); });
  return fits ? PostingStatus::kPosted : PostingStatus::kBalanceWouldOverflow;
}

// After what repays arrears; or by the programme, of a transfer, one lot that expires anew.
PostingStatus TakeOver(Deciding* d) {
  int64_t repaid = d->Repay(d->entry->points);
  if (d->entry->kind == Kind::kTransfer &&
      d->currency().transfer == program::Currency::Transfer::kRestartExpiry) {
    d->LetExpire(d->state.RulesInForce(), *d->entry);
    return PostingStatus::kPosted;
  }
  for (const LotMovement& m : d->original->movements) {
    const int64_t kept = std::min(repaid, -m.points);
    repaid -= kept;
    if (-m.points > kept) d->Add(-m.points - kept, OrderOf(m));
    if (m.expires_us == kByInactivity_us) {
      // They live on at least as long as they would have with the giver.
      d->entry->by_program |= kByInactivity;
      d->entry->expires_us = GiversInactivity(*d);
    }
  }
  return PostingStatus::kPosted;
}

PostingStatus DecideTransfer(Deciding* d) {
  if (d->original) return TakeOver(d);
  const bool forbidden = d->currency().transfer == program::Currency::Transfer::kForbidden;
  return forbidden ? PostingStatus::kTransferForbidden : Give(d);
}

Entry SecondOfTransfer(const Entry& first, uint32_t member, uint64_t sequence) {
  Entry second;
  second.effective_us = first.effective_us;
  second.points = -first.points;
  second.related = sequence;
  second.related_kind = first.kind;
  second.member = member;
  second.codes = first.codes;
  second.currency = first.currency;
  second.kind = first.kind;
  return second;
}

}  // namespace loyalty::ledger

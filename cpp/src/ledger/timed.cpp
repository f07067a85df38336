// What has to do with time: holds, pending lots, expiry.
#include <algorithm>
#include <optional>
#include <tuple>

#include "ledger/deciding.h"

namespace loyalty::ledger {
namespace {

bool IsHold(const Entry& of) { return of.kind == Kind::kHold; }
bool IsCredit(const Entry& of) {
  return of.points > 0 && (of.kind == Kind::kEarn || of.kind == Kind::kAdjust);
}

// Puts back what a hold took.
void GiveBack(Deciding* d, const Hold& hold) {
  for (const LotMovement& m : hold.taken) d->Add(-m.points, OrderOf(m));
  d->details->held = -hold.points;
  d->details->other = hold.spender;
}

// The open hold that the entry is about.
PostingStatus CheckHold(Deciding* d, const Hold** hold) {
  const PostingStatus related = CheckRelated(d, IsHold, PostingStatus::kRelatedNotAHold);
  if (related != PostingStatus::kPosted) return related;
  if (d->at_us() >= d->original->details.terms.deadline_us) return PostingStatus::kHoldExpired;
  *hold = d->extra.FindHold(d->original->sequence);
  return *hold ? PostingStatus::kPosted : PostingStatus::kHoldAlreadyClosed;
}

// The lot that the entry is about, not active yet.
PostingStatus CheckPending(Deciding* d, const PendingLot** lot) {
  const PostingStatus related = CheckRelated(d, IsCredit, PostingStatus::kRelatedNotPending);
  if (related != PostingStatus::kPosted) return related;
  *lot = d->extra.FindPending(d->original->sequence);
  const bool pending = *lot && (*lot)->activates_us > d->at_us();
  return pending ? PostingStatus::kPosted : PostingStatus::kRelatedNotPending;
}

// Makes the lots of a source active, with another expiry (LotOrder's) if one is given. What is owed is repaid
// first, by those that have not expired.
void ActivateSource(Deciding* d, uint64_t source, std::optional<int64_t> expires_us) {
  const size_t before = d->movements->size();
  (void)d->TakeAll([&](const LotOrder& lot, int64_t) { return lot.source == source; });
  const std::vector<LotMovement> taken(d->movements->begin() + ptrdiff_t(before),
                                       d->movements->end());
  int64_t& repaid = d->details->repaid;
  for (const LotMovement& m : taken) {
    LotOrder lot = OrderOf(m);
    if (expires_us) lot.expires_us = *expires_us;
    const bool put_off = d->entry->by_program & kByInactivity;
    const bool counts = put_off || d->page.lots.ExpiryOf(d->account, lot) > d->at_us();
    const int64_t kept = counts ? std::min(d->extra.arrears - repaid, -m.points) : 0;
    repaid += kept;
    if (-m.points > kept) d->Add(-m.points - kept, lot);
  }
  if (repaid > 0) d->AddArrears(repaid);
}

}  // namespace

PostingStatus DecideHold(Deciding* d) {
  const int64_t points = d->details->held;
  // Points that are not there cannot be set aside, however low the floor.
  const int64_t possible = d->PossibleAbove(std::max<int64_t>(0, d->floor()));
  if (points > possible) return d->Refuse(PostingStatus::kInsufficientPoints, possible);
  const PostingStatus spender = CheckSpender(d, points);
  if (spender != PostingStatus::kPosted) return spender;
  (void)d->TakeActive(points);
  return PostingStatus::kPosted;
}

PostingStatus DecideCapture(Deciding* d) {
  const Hold* hold = nullptr;
  const PostingStatus status = CheckHold(d, &hold);
  if (status != PostingStatus::kPosted) return status;
  const int64_t points = d->details->asked ? d->details->asked : hold->points;
  if (points > hold->points) return d->Refuse(PostingStatus::kCaptureExceedsHold, hold->points);
  // All goes back, and what is captured is taken: so its movements say what it took, as any debit's do.
  GiveBack(d, *hold);
  int64_t left = points;
  for (const LotMovement& m : hold->taken) {
    const int64_t taken = std::min(left, -m.points);
    left -= taken;
    if (taken > 0) d->Add(-taken, OrderOf(m));
  }
  d->entry->points = -points;
  return PostingStatus::kPosted;
}

PostingStatus DecideRelease(Deciding* d) {
  const Hold* hold = nullptr;
  const PostingStatus status = CheckHold(d, &hold);
  if (status == PostingStatus::kPosted) GiveBack(d, *hold);
  return status;
}

PostingStatus DecideConfirmation(Deciding* d) {
  const PendingLot* lot = nullptr;
  const PostingStatus status = CheckPending(d, &lot);
  if (status != PostingStatus::kPosted) return status;
  if (lot->activates_us != kNever_us) return PostingStatus::kRelatedNotPending;
  if (d->at_us() >= lot->deadline_us) return PostingStatus::kConfirmationTooLate;
  const Entry& of = d->original->entry;
  if ((d->entry->by_program & kExpiryByProgram) == 0) {
    ActivateSource(d, lot->source, d->entry->expires_us);
  } else if (of.by_program & kExpiryByProgram) {
    // What both leave to the programme counts from here, by the rule of then.
    d->LetExpire(*d->state.RulesOf(d->original->program_version), of);
    ActivateSource(d, lot->source, LotExpiry(*d->entry));
  } else {
    ActivateSource(d, lot->source, std::nullopt);
  }
  const Reversal undone = ReversedOf(d->state, *d->original).value_or(Reversal());
  d->Correct(of.points - undone.points, MoneyLeft(of, undone), 1);
  return PostingStatus::kPosted;
}

PostingStatus DecideCancellation(Deciding* d) {
  const PendingLot* lot = nullptr;
  const PostingStatus status = CheckPending(d, &lot);
  if (status != PostingStatus::kPosted) return status;
  const uint64_t source = lot->source;
  d->entry->points =
      -d->TakeAll([&](const LotOrder& order, int64_t) { return order.source == source; });
  if (!d->IsOfWaiting()) {
    const Reversal undone = ReversedOf(d->state, *d->original).value_or(Reversal());
    d->Correct(d->entry->points, -MoneyLeft(d->original->entry, undone), -1);
  }
  return PostingStatus::kPosted;
}

PostingStatus DecideExtension(Deciding* d) {
  const PostingStatus related = CheckRelated(d, IsCredit, PostingStatus::kRelatedNotACredit);
  if (related != PostingStatus::kPosted) return related;
  const int64_t expires_us = d->entry->expires_us;
  const size_t before = d->movements->size();
  const auto counts = [&](const LotOrder& lot, int64_t lot_expires_us) {
    return lot.source == d->original->sequence && lot_expires_us > d->at_us();
  };
  if (d->TakeAll(counts) == 0) return PostingStatus::kNothingLeft;
  for (size_t i = before, end = d->movements->size(); i < end; ++i) {
    LotMovement moved = (*d->movements)[i];
    if (d->page.lots.ExpiryOf(d->account, OrderOf(moved)) >= expires_us) {
      return PostingStatus::kExpiryNotLater;
    }
    moved.expires_us = expires_us;
    moved.points = -moved.points;
    d->movements->push_back(moved);
  }
  return PostingStatus::kPosted;
}

// Points that have expired, all of which is journaled: another lot of their credit.
PostingStatus DecideReinstatement(Deciding* d) {
  const PostingStatus related = CheckRelated(d, IsCredit, PostingStatus::kRelatedNotACredit);
  if (related != PostingStatus::kPosted) return related;
  const Original& of = *d->original;
  if (of.expired == 0) return PostingStatus::kNothingExpired;
  const int64_t possible = std::min(of.expired, of.expired_lately);
  if (possible == 0) return PostingStatus::kReinstatementTooLate;
  const int64_t points = d->details->asked ? d->details->asked : possible;
  if (points > possible) return d->Refuse(PostingStatus::kReinstatementExceedsExpired, possible);
  const int64_t room = d->Room();
  if (points > room) return d->Refuse(PostingStatus::kOverCeiling, room);
  if (d->entry->by_program & kExpiryByProgram) {
    d->LetExpire(*d->state.RulesOf(of.program_version), of.entry);
  }
  d->entry->points = points;
  const int64_t repaid = d->Repay(points);
  if (points > repaid) {
    d->Add(points - repaid, {LotExpiry(*d->entry), of.entry.effective_us, of.sequence});
  }
  return PostingStatus::kPosted;
}

PostingStatus DecideDue(Deciding* d) {
  const Entry& entry = *d->entry;
  if (entry.kind == Kind::kTimeOut) {
    GiveBack(d, *d->extra.FindHold(entry.related));
  } else if (entry.kind == Kind::kActivate) {
    ActivateSource(d, entry.related, std::nullopt);
  } else if (entry.kind == Kind::kCancel) {
    d->entry->points =
        -d->TakeAll([&](const LotOrder& lot, int64_t) { return lot.source == entry.related; });
  } else {
    d->entry->points =
        -d->TakeAll([&](const LotOrder&, int64_t at_us) { return at_us == entry.effective_us; });
  }
  return PostingStatus::kPosted;
}

int64_t PointsMoved(std::span<const LotMovement> movements) {
  int64_t in = 0;
  int64_t out = 0;
  for (const LotMovement& m : movements) (m.points > 0 ? in : out) += m.points;
  return std::max(in, -out);
}

bool NextDue(const State& state, uint32_t member, uint16_t currency, int64_t by_us, DueScope scope,
             Entry* due) {
  const Page& page = *state.PageOf(member);
  const Account& account = page.GetAccount(member, currency);
  // In the order of time; at one instant in the order of the day: activate, end holds, expire.
  using Key = std::tuple<int64_t, int, uint64_t>;
  Key first{kNever_us, 0, 0};
  const auto consider = [&](int64_t at_us, int order, Kind kind, uint64_t related, Kind of) {
    const Key key{at_us, order, related};
    if (at_us > by_us || key >= first) return;
    first = key;
    *due = {};
    due->kind = kind;
    due->effective_us = at_us;
    due->related = related;
    due->related_kind = of;
    due->member = member;
    due->currency = currency;
  };
  const Extra& extra = page.extras.Of(account);
  for (const Hold& hold : extra.holds) {
    consider(hold.until_us, 1, Kind::kTimeOut, hold.sequence, Kind::kHold);
  }
  const bool all = scope == DueScope::kAll;
  if (all) {
    for (const PendingLot& lot : extra.pending) {
      consider(lot.activates_us, 0, Kind::kActivate, lot.source, lot.kind);
      consider(lot.deadline_us, 1, Kind::kCancel, lot.source, lot.kind);
    }
  }
  if (scope != DueScope::kEndedHolds) {
    page.lots.ForEach(account, [&](const Lot& lot, int64_t expires_us) {
      const bool by_inactivity = lot.order().expires_us == kByInactivity_us;
      if (all || by_inactivity) {
        consider(expires_us, 2, Kind::kExpire, 0, Kind::kUnspecified);
      }
      return !by_inactivity;
    });
  }
  return std::get<0>(first) != kNever_us;
}

}  // namespace loyalty::ledger

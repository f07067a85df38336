// How a posting ends: what all kinds have in common, and the plain ones.
#include <algorithm>
#include <utility>

#include "ledger/books.h"
#include "ledger/deciding.h"

namespace loyalty::ledger {
namespace {

// Whether adding to a counter leaves it within 64 bits, with a sign to spare.
bool FitsIn(int64_t counter, int64_t change) {
  int64_t sum;
  return !__builtin_add_overflow(counter, change, &sum) && sum != INT64_MIN;
}

PostingStatus DecideDebit(Deciding* d) {
  const int64_t possible = d->PossibleAbove(d->floor());
  if (d->entry->points < -possible) {
    return d->Refuse(PostingStatus::kInsufficientPoints, possible);
  }
  const int64_t points = -d->entry->points;
  const PostingStatus spender = CheckSpender(d, points);
  if (spender != PostingStatus::kPosted) return spender;
  const int64_t missing = d->TakeActive(points);
  if (missing > 0) d->AddArrears(-missing);
  return PostingStatus::kPosted;
}

// Whether a credit over the ceiling gives what there is room for.
bool Clips(const Deciding& d) {
  const program::EarnRule* const rule =
      d.entry->kind == Kind::kEarn ? d.state.RulesInForce().RuleAt(d.entry->codes.rule) : nullptr;
  return rule ? rule->clips : d.currency().clips;
}

PostingStatus DecideCredit(Deciding* d) {
  if (d->account.extra == kNoIndex && d->ceiling() == kNoCeiling) return PostingStatus::kPosted;
  PostingStatus status = PostingStatus::kPosted;
  const int64_t room = d->Room();
  if (d->entry->points > room) {
    d->details->limit = room;
    if (!Clips(*d)) return PostingStatus::kOverCeiling;
    d->details->asked = d->entry->points;
    d->entry->points = room;
    status = PostingStatus::kPostedInPart;
  }
  if (d->details->terms.activates_us == kAtOnce_us) (void)d->Repay(d->entry->points);
  return status;
}

PostingStatus DecideOnAccount(Deciding* d) {
  switch (d->entry->kind) {
    case Kind::kReverse: return DecideReversal(d);
    case Kind::kTransfer: return DecideTransfer(d);
    case Kind::kJoinPool: return DecideJoin(d);
    case Kind::kLeavePool: return DecideLeave(d);
    case Kind::kHold: return DecideHold(d);
    case Kind::kCapture: return DecideCapture(d);
    case Kind::kRelease: return DecideRelease(d);
    case Kind::kConfirm: return DecideConfirmation(d);
    case Kind::kCancel: return d->entry->id.is_zero() ? DecideDue(d) : DecideCancellation(d);
    case Kind::kExtend: return DecideExtension(d);
    case Kind::kReinstate: return DecideReinstatement(d);
    case Kind::kSetLimits: return PostingStatus::kPosted;
    case Kind::kExpire:
    case Kind::kTimeOut:
    case Kind::kActivate: return DecideDue(d);
    default: return d->entry->points < 0 ? DecideDebit(d) : DecideCredit(d);
  }
}

// What a closed member takes part in no more; what is about an earlier posting still goes through.
bool IsNewBusiness(Kind kind) {
  switch (kind) {
    case Kind::kEarn:
    case Kind::kRedeem:
    case Kind::kAdjust:
    case Kind::kHold:
    case Kind::kTransfer:
    case Kind::kJoinPool:
    case Kind::kSetLevel:
    case Kind::kSetLimits: return true;
    default: return false;
  }
}

bool IsAboutMembership(Kind kind) {
  return kind == Kind::kCloseMember || kind == Kind::kReopenMember || kind == Kind::kEraseMember;
}

PostingStatus DecideMembership(const State& state, const Entry& entry) {
  if (entry.kind == Kind::kEraseMember) return PostingStatus::kPosted;
  const bool closed = state.PageOf(entry.member)->IsClosed(entry.member);
  if (entry.kind == Kind::kCloseMember) {
    return closed ? PostingStatus::kMemberClosed : PostingStatus::kPosted;
  }
  return closed ? PostingStatus::kPosted : PostingStatus::kMemberNotClosed;
}

}  // namespace

bool Fits(const Deciding& d) {
  const Entry& entry = *d.entry;
  const int64_t points = entry.points;
  const CurrencyTotals& totals = d.state.totals[entry.currency];
  const Kind books = BooksOf(entry);
  // What a hold took may come back.
  int64_t lots = d.account.total;
  for (const Hold& hold : d.extra.holds) lots += hold.points;
  return points != INT64_MIN && FitsIn(lots, points) && FitsIn(d.extra.arrears, -points) &&
         (books != Kind::kEarn || FitsIn(d.account.lifetime_earned, points)) &&
         (books != Kind::kRedeem || FitsIn(d.account.lifetime_redeemed, -points)) &&
         (books != Kind::kCapture || FitsIn(d.account.lifetime_redeemed, -points)) &&
         (IsBetweenMembers(entry.kind) ||
          (FitsIn(totals.members, points) && FitsIn(SystemSide(books, totals), -points)));
}

PostingStatus CheckRelated(Deciding* d, bool (*fits)(const Entry&), PostingStatus otherwise) {
  if (d->original == nullptr) return PostingStatus::kRelatedNotFound;
  const Entry& of = d->original->entry;
  d->entry->related = d->original->sequence;
  d->entry->related_kind = of.kind;
  if (!IsPosted(of.status) || !fits(of) || of.currency != d->entry->currency) return otherwise;
  if (d->state.merges.SurvivorOf(of.member) != d->entry->member) {
    return PostingStatus::kRelatedOfOtherMember;
  }
  return PostingStatus::kPosted;
}

void PrefetchAhead(std::span<const Entry> entries, size_t i, const State& state) {
  constexpr size_t kApart = 6;
  const uint32_t members = state.keys.size();
  const auto known = [&](size_t at) {
    return at < entries.size() && entries[at].member < members &&
           entries[at].currency < kMaxCurrencies;
  };
  const size_t row = i + 8 * kApart;
  const size_t page = i + 4 * kApart;
  const size_t account = i + 3 * kApart;
  const size_t chunk = i + 2 * kApart;
  const size_t lot = i + kApart;
  if (row < entries.size()) {
    Prefetch(&entries[row]);
    Prefetch(&entries[row].member);
  }
  if (known(page)) state.PrefetchPage(entries[page].member);
  if (known(account)) state.PrefetchAccount(entries[account].member, entries[account].currency);
  if (known(chunk)) {
    state.PrefetchLotChunk(entries[chunk].member, entries[chunk].currency,
                           entries[chunk].points < 0);
  }
  if (known(lot)) {
    state.PrefetchLot(entries[lot].member, entries[lot].currency, entries[lot].points < 0);
  }
}

void Decide(const State& state, const Original* original, Entry* entry, Details* details,
            std::vector<LotMovement>* movements) {
  const size_t before = movements->size();
  if (entry->member == Entry::kNoMember && IsOfTheLedger(entry->kind)) {
    entry->status = PostingStatus::kPosted;
  } else if (entry->kind == Kind::kOpenMember) {
    const bool taken = entry->member != Entry::kNoMember;
    entry->status = taken ? PostingStatus::kMemberAlreadyOpen : PostingStatus::kPosted;
    if (!taken) entry->member = state.keys.size();
  } else if (entry->member == Entry::kNoMember) {
    entry->status = PostingStatus::kMemberNotFound;
  } else if (IsAboutMembership(entry->kind)) {
    entry->status = DecideMembership(state, *entry);
  } else if (IsNewBusiness(entry->kind) && state.PageOf(entry->member)->IsClosed(entry->member)) {
    entry->status = PostingStatus::kMemberClosed;
  } else if (entry->kind == Kind::kSetLevel) {
    entry->status = DecideLevel(state, *entry, *details);
  } else if (details->other == int64_t(entry->member)) {
    entry->status = PostingStatus::kSameMember;
  } else {
    const Page& page = *state.PageOf(entry->member);
    const Account& account = page.GetAccount(entry->member, entry->currency);
    const Extra& extra = page.extras.Of(account);
    Deciding deciding{state, page, account, extra, original, entry, details, movements};
    entry->status = DecideOnAccount(&deciding);
    if (IsPosted(entry->status) && !Fits(deciding)) {
      if (entry->status == PostingStatus::kPostedInPart && BooksOf(*entry) == entry->kind) {
        entry->points = std::exchange(details->asked, 0);  // a refusal says what was asked for
        details->limit = 0;
      }
      entry->status = PostingStatus::kBalanceWouldOverflow;
    }
  }
  if (IsPosted(entry->status)) return;
  movements->resize(before);
  details->repaid = details->revived = 0;
  details->correction = {};
  if (details->held < 0) details->held = 0;
  if (!NamesOther(entry->kind)) details->other = Details::kNoOther;
}

}  // namespace loyalty::ledger

// How a posting ends: what all kinds have in common, and the plain ones.
#include <algorithm>

#include "ledger/books.h"
#include "ledger/deciding.h"

namespace loyalty::ledger {
namespace {

// Whether adding to a counter leaves it within 64 bits, with a sign to spare.
bool FitsIn(int64_t counter, int64_t change) {
  int64_t sum;
  return !__builtin_add_overflow(counter, change, &sum) && sum != INT64_MIN;
}

// The same for every counter that the entry touches.
bool Fits(const Entry& entry, const Account& account, const Extra& extra,
          const CurrencyTotals& totals) {
  return entry.points != INT64_MIN && FitsIn(account.total, entry.points) &&
         FitsIn(extra.arrears, -entry.points) && FitsIn(account.lifetime_earned, entry.points) &&
         FitsIn(account.lifetime_redeemed, -entry.points) && FitsIn(totals.members, entry.points) &&
         FitsIn(SystemSide(BooksOf(entry), totals), -entry.points);
}

PostingStatus DecideDebit(Deciding* d) {
  const int64_t possible = d->PossibleAbove(d->extra.floor);
  if (d->entry->points < -possible) {
    return d->Refuse(PostingStatus::kInsufficientPoints, possible);
  }
  const int64_t points = -d->entry->points;
  const int64_t missing = d->TakeActive(points);
  if (missing > 0) d->AddArrears(-missing);
  return PostingStatus::kPosted;
}

PostingStatus DecideCredit(Deciding* d) {
  if (d->account.extra == kNoIndex) return PostingStatus::kPosted;
  const int64_t points = d->entry->points;
  if (d->extra.ceiling != INT64_MAX) {
    const BalanceParts parts = d->page.PartsAt(d->account, d->at_us());
    const int64_t owned = parts.active + parts.pending + parts.held - parts.arrears;
    const int64_t room = std::max<int64_t>(0, d->extra.ceiling - owned);
    if (points > room) return d->Refuse(PostingStatus::kOverCeiling, room);
  }
  if (d->details->terms.activates_us == kAtOnce_us && d->extra.arrears > 0 && points > 0) {
    d->details->repaid = std::min(d->extra.arrears, points);
    d->AddArrears(d->details->repaid);
  }
  return PostingStatus::kPosted;
}

PostingStatus DecideOnAccount(Deciding* d) {
  switch (d->entry->kind) {
    case Kind::kReverse: return DecideReversal(d);
    case Kind::kHold: return DecideHold(d);
    case Kind::kCapture: return DecideCapture(d);
    case Kind::kRelease: return DecideRelease(d);
    case Kind::kConfirm: return DecideConfirmation(d);
    case Kind::kCancel: return d->entry->id.is_zero() ? DecideDue(d) : DecideCancellation(d);
    case Kind::kExtend: return DecideExtension(d);
    case Kind::kSetLimits: return PostingStatus::kPosted;
    case Kind::kExpire:
    case Kind::kTimeOut:
    case Kind::kActivate: return DecideDue(d);
    default: return d->entry->points < 0 ? DecideDebit(d) : DecideCredit(d);
  }
}

}  // namespace

PostingStatus CheckRelated(Deciding* d, bool (*fits)(const Entry&), PostingStatus otherwise) {
  if (d->original == nullptr) return PostingStatus::kRelatedNotFound;
  const Entry& of = d->original->entry;
  d->entry->related = d->original->sequence;
  d->entry->related_kind = of.kind;
  if (!IsPosted(of.status) || !fits(of) || of.currency != d->entry->currency) return otherwise;
  if (of.member != d->entry->member) return PostingStatus::kRelatedOfOtherMember;
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
  if (entry->kind != Kind::kOpenMember && journal::HasText(entry->kind)) {
    entry->status = PostingStatus::kPosted;
  } else if (entry->kind == Kind::kOpenMember) {
    const bool taken = entry->member != Entry::kNoMember;
    entry->status = taken ? PostingStatus::kMemberAlreadyOpen : PostingStatus::kPosted;
    if (!taken) entry->member = state.keys.size();
  } else if (entry->member == Entry::kNoMember) {
    entry->status = PostingStatus::kMemberNotFound;
  } else {
    const Page& page = *state.PageOf(entry->member);
    const Account& account = page.GetAccount(entry->member, entry->currency);
    const Extra& extra = page.extras.Of(account);
    Deciding deciding{page, account, extra, original, entry, details, movements};
    entry->status = DecideOnAccount(&deciding);
    if (IsPosted(entry->status) && !Fits(*entry, account, extra, state.totals[entry->currency])) {
      entry->status = PostingStatus::kBalanceWouldOverflow;
    }
  }
  if (IsPosted(entry->status)) return;
  movements->resize(before);
  details->repaid = details->revived = 0;
}

}  // namespace loyalty::ledger

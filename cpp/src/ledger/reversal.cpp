// Reversals: the account becomes as though the original had been smaller, or had not been.
#include <algorithm>
#include <utility>

#include "ledger/deciding.h"

namespace loyalty::ledger {
namespace {

bool IsReversible(const Entry& of) {
  return of.kind == Kind::kEarn || of.kind == Kind::kRedeem || of.kind == Kind::kAdjust ||
         of.kind == Kind::kCapture;
}

// Takes up to `points` from the lots of the original, whatever their times; returns what is missing.
int64_t TakeOwn(Deciding* d, int64_t points) {
  return d->page.lots.PlanDebit(
      d->account, points,
      [&](const LotOrder& lot, int64_t) { return lot.source == d->original->sequence; },
      d->movements);
}

// From its own lots first, and from what had expired of them (which the member had lost already); then
// from the others in spending order; what is still missing is owed, or let go, by the programme.
PostingStatus TakeBack(Deciding* d, int64_t points, const program::Currency& rules) {
  int64_t missing = TakeOwn(d, points);
  d->details->revived = std::min(missing, d->original->expired);
  missing = d->TakeActive(missing - d->details->revived, d->original->sequence);
  d->entry->points = d->details->revived - points;
  if (missing == 0) return PostingStatus::kPosted;
  if (!rules.stops_at_zero) {
    d->AddArrears(-missing);
    return PostingStatus::kPosted;
  }
  if (d->details->asked == 0) d->entry->by_program |= kAllThatIsLeft;
  d->details->asked = points;
  d->entry->points += missing;
  return PostingStatus::kPostedInPart;
}

// To the lots that the original took from, what it took last first: a smaller debit would not have taken
// that. Points that it went into arrears for are owed no more; if they were repaid since, they make a lot.
// A lot that has expired stays so, or by the programme lives on for some days.
void GiveBack(Deciding* d, int64_t points, int64_t reversed, const Rules& rules) {
  const int days = rules.CurrencyAt(d->entry->currency).return_of_expired_days;
  int64_t arrears = d->extra.arrears;
  int64_t passed = reversed;
  int64_t left = points;
  const std::vector<LotMovement>& of = d->original->movements;
  for (auto m = of.rbegin(); m != of.rend() && left > 0; ++m) {
    if (m->points > 0) continue;  // what a capture gave back
    const int64_t taken = -m->points;
    const int64_t skipped = std::min(passed, taken);
    passed -= skipped;
    const int64_t given = std::min(left, taken - skipped);
    left -= given;
    if (given == 0) continue;
    if (m->source != 0) {
      LotOrder lot = OrderOf(*m);
      if (days > 0 && d->page.lots.ExpiryOf(d->account, lot) <= d->at_us()) {
        lot.expires_us = rules.program().calendar().AddDays(d->at_us(), days);
      }
      d->Add(given, lot);
    } else if (arrears > 0) {
      const int64_t repaid = std::min(arrears, given);
      arrears -= repaid;
      d->details->repaid += repaid;
      d->AddArrears(repaid);
    }
  }
  d->entry->points = points;
}

// What a posting would have moved, had less money been paid: by the rule of then that made its points, or
// else in proportion, rounded down.
int64_t PointsFor(int64_t money, const Entry& of, const Rules& rules) {
  if (of.kind == Kind::kEarn && (of.by_program & kPointsByRule)) {
    return rules.RuleAt(of.codes.rule)->PointsOf(money).value_or(INT64_MAX);
  }
  __extension__ using Wide = __int128;
  return of.money == 0 ? 0 : int64_t(Wide(std::abs(of.points)) * money / of.money);
}

}  // namespace

std::optional<Reversal> ReversedOf(const State& state, const Original& original) {
  std::optional<Reversal> sum;
  const Page* last = nullptr;
  const auto add = [&](uint32_t member) {  // by slot, so that all of a page come together
    const Page* const page = state.PageOf(member);
    const Reversal* const reversal =
        page == std::exchange(last, page) ? nullptr : page->FindReversal(original.sequence);
    if (reversal && sum) sum->Add(*reversal);
    if (reversal && !sum) sum = *reversal;
  };
  if (state.merges.empty()) {
    add(original.entry.member);
  } else {
    for (const uint32_t member : state.merges.EverWith(original.entry.member)) add(member);
  }
  return sum;
}

int64_t MoneyLeft(const Entry& of, const Reversal& before) {
  return std::max<int64_t>(0, of.money - before.money);
}

// Of what was left, the reversal takes so many points, and all or what is paid back of the money.
void CorrectReversed(Deciding* d, int64_t points, bool whole, int64_t money_left) {
  if (d->IsOfWaiting()) return;
  const int64_t money = whole ? money_left : std::min(money_left, d->entry->money);
  d->Correct(d->original->entry.points < 0 ? points : -points, -money, whole ? -1 : 0);
}

PostingStatus DecideReversal(Deciding* d) {
  const PostingStatus related = CheckRelated(d, IsReversible, PostingStatus::kRelatedNotReversible);
  if (related != PostingStatus::kPosted) return related;
  const Entry& of = d->original->entry;
  const std::optional<Reversal> before = ReversedOf(d->state, *d->original);
  const int64_t reversed = before ? before->points : 0;
  const int64_t left = std::abs(of.points) - reversed;
  int64_t points = d->details->asked ? d->details->asked : left;
  if (left == 0 && before) return PostingStatus::kRelatedAlreadyReversed;
  if (points > left) return d->Refuse(PostingStatus::kReversalExceedsOriginal, left);
  const std::shared_ptr<const Rules> rules = d->state.RulesOf(d->original->program_version);
  const int64_t paid = MoneyLeft(of, before.value_or(Reversal()));
  bool whole = points == left;
  if (d->entry->by_program & kPointsByRule) {
    if (d->entry->money > paid) return d->Refuse(PostingStatus::kRefundExceedsOriginal, paid);
    points = std::max<int64_t>(0, left - PointsFor(paid - d->entry->money, of, *rules));
    whole = points == left && d->entry->money == paid;
  }
  CorrectReversed(d, points, whole, paid);
  if (points == 0) return PostingStatus::kPosted;
  if (of.points > 0) return TakeBack(d, points, rules->CurrencyAt(of.currency));
  d->details->other = d->original->details.other;  // who spent it from a pool
  GiveBack(d, points, reversed, *rules);
  return PostingStatus::kPosted;
}

bool NeedsExpired(const State& state, const Original& original, const Entry& entry,
                  const Details& details) {
  const Entry& of = original.entry;
  const bool reinstates = entry.kind == Kind::kReinstate;
  const bool may = (reinstates || entry.kind == Kind::kReverse) && of.points > 0 &&
                   state.merges.SurvivorOf(of.member) == entry.member &&
                   entry.member != Entry::kNoMember;
  if (!may || reinstates) return may;
  const Page& page = *state.PageOf(entry.member);
  int64_t points = details.asked
                       ? details.asked
                       : of.points - ReversedOf(state, original).value_or(Reversal()).points;
  page.lots.ForEach(page.GetAccount(entry.member, of.currency), [&](const Lot& lot, int64_t) {
    if (lot.order().source == original.sequence) points -= lot.points;
    return points > 0;
  });
  return points > 0;
}

}  // namespace loyalty::ledger

// One posting on its account, on the way to a decision; shared by the files that decide the kinds.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "ledger/transition.h"

namespace loyalty::ledger {

struct Deciding {
  const State& state;
  const Page& page;
  const Account& account;
  const Extra& extra;
  const Original* original;  // null: it names none, or an unknown one
  Entry* entry;
  Details* details;
  std::vector<LotMovement>* movements;

  int64_t at_us() const { return entry->effective_us; }
  const program::Currency& currency() const {
    return state.RulesInForce().CurrencyAt(entry->currency);
  }
  int64_t floor() const { return extra.floor == kByProgram ? currency().floor : extra.floor; }
  int64_t ceiling() const {
    return extra.ceiling == kByProgram ? currency().ceiling : extra.ceiling;
  }
  void Add(int64_t points, const LotOrder& lot) {
    movements->push_back({points, lot.expires_us, lot.effective_us, lot.source});
  }
  // Takes points that are missing: the account owes them.
  void AddArrears(int64_t points) { movements->push_back({points, kNever_us, 0, 0}); }
  // The points that may go without passing a floor.
  int64_t PossibleAbove(int64_t floor) const {
    const BalanceParts parts = page.PartsAt(account, at_us());
    int64_t possible;
    if (__builtin_sub_overflow(parts.active - parts.arrears, floor, &possible)) return INT64_MAX;
    return possible < 0 ? 0 : possible;
  }
  // The points that may come without passing the ceiling.
  int64_t Room() const {
    const int64_t ceiling = this->ceiling();
    if (ceiling == kNoCeiling) return INT64_MAX;
    const BalanceParts parts = page.PartsAt(account, at_us());
    const int64_t owned = parts.active + parts.pending + parts.held - parts.arrears;
    if (owned >= ceiling) return 0;
    int64_t room;
    return __builtin_sub_overflow(ceiling, owned, &room) ? INT64_MAX : room;
  }
  // Lets points that come go to what is owed first; returns how many did.
  int64_t Repay(int64_t points) {
    details->repaid = std::min(extra.arrears, points);
    if (details->repaid > 0) AddArrears(details->repaid);
    return details->repaid;
  }
  // Whether its original is a credit that waits to be confirmed: it counts for nothing yet.
  bool IsOfWaiting() const {
    const PendingLot* const lot = extra.FindPending(original->sequence);
    return lot != nullptr && lot->activates_us == kNever_us;
  }
  // Lets points of an entry like `of` expire as a version of the rules says, and the member's level, from here on.
  void LetExpire(const Rules& rules, const Entry& of) {
    const program::Expiry* const by_level = rules.ExpiryByLevel(state, entry->member, of.currency);
    rules.SetExpiry(of, by_level, at_us(), entry);
  }
  // Notes what the entry changes of what its original counts for on ladders.
  void Correct(int64_t points, int64_t money, int64_t visits) {
    const Entry& of = original->entry;
    details->correction = {
        of.effective_us,   points,           money, visits, of.codes.rule, of.codes.channel,
        of.codes.location, of.codes.category};
  }
  PostingStatus Refuse(PostingStatus status, int64_t limit) {
    details->limit = limit;
    return status;
  }
  // Takes `points` >= 0 from active lots, passing over those of one source; returns what is missing.
  int64_t TakeActive(int64_t points, uint64_t except_source = 0) {
    if (points == 0) return 0;
    return page.lots.PlanDebit(
        account, points,
        [&](const LotOrder& lot, int64_t expires_us) {
          return lot.source != except_source && extra.IsActive(lot.source, expires_us, at_us());
        },
        movements);
  }
  // Takes all that is left of the lots for which fits(order, expires_us); returns how much that is.
  template <typename Fits>
  int64_t TakeAll(Fits fits) {
    return INT64_MAX - page.lots.PlanDebit(account, INT64_MAX, fits, movements);
  }
};

// The other posting must be there, posted, of the same account and of a kind that `fits`.
PostingStatus CheckRelated(Deciding* d, bool (*fits)(const Entry&), PostingStatus otherwise);

// Whether every counter that the entry changes stays within 64 bits.
bool Fits(const Deciding& d);

// What was reversed so far of a posting, by whomever its member was merged into since, too; nothing: it never
// was.
std::optional<Reversal> ReversedOf(const State& state, const Original& original);
// What was not paid back of its money.
int64_t MoneyLeft(const Entry& of, const Reversal& before);

PostingStatus DecideLevel(const State& state, const Entry& entry, const Details& details);
PostingStatus DecideTransfer(Deciding* d);
// Whether the other member, who then gets them, has room for the points that the entry takes.
PostingStatus CheckFitsOther(Deciding* d);
// The second entry of a transfer or a leaving: gives the lots of the first.
PostingStatus TakeOver(Deciding* d);
PostingStatus DecideJoin(Deciding* d);
PostingStatus DecideLeave(Deciding* d);
// Who the other member is to the pool, if anyone: he himself, or one who was merged into him.
const PoolMember* FindPoolMember(Deciding* d);
// Whether the other member, if there is one, may spend so many points from the pool.
PostingStatus CheckSpender(Deciding* d, int64_t points);
PostingStatus DecideReversal(Deciding* d);
PostingStatus DecideHold(Deciding* d);
PostingStatus DecideCapture(Deciding* d);
PostingStatus DecideRelease(Deciding* d);
PostingStatus DecideConfirmation(Deciding* d);
PostingStatus DecideCancellation(Deciding* d);
PostingStatus DecideExtension(Deciding* d);
PostingStatus DecideReinstatement(Deciding* d);
// What falls due by itself.
PostingStatus DecideDue(Deciding* d);

}  // namespace loyalty::ledger

#include "ledger/undo.h"

#include <cstdlib>

#include "ledger/books.h"

namespace loyalty::ledger {
namespace {

// Requires that there is as much in the lot.
void MoveBack(Page* page, Account* account, const LotOrder& lot, int64_t points) {
  if (!page->lots.Move(account, lot, -points)) std::abort();  // a bug: it has just been moved
}

}  // namespace

AccountBefore::AccountBefore(const State& state, const Entry& entry) {
  if (entry.member == Entry::kNoMember) return;
  const Page& page = *state.PageOf(entry.member);
  is_first_ = page.accounts[entry.currency] == nullptr;
  account_ = page.GetAccount(entry.member, entry.currency);
  extra_ = page.extras.Of(account_);
  inactive_us_ = page.lots.InactiveFrom(account_);
  page_sequence_ = page.sequence;
  page_latest_us_ = page.latest_us;
  const Reversal* const reversal = page.FindReversal(entry.related);
  if (reversal) reversal_ = *reversal;
}

void AccountBefore::Restore(const Entry& entry, const Details& details, uint64_t sequence,
                            std::span<const LotMovement> movements, State* state) const {
  if (entry.member == Entry::kNoMember || !IsPosted(entry.status)) return;
  state->ChangeAccount(entry.member, entry.currency, [&](Page& page, Account& account) {
    const int64_t own = OwnPoints(entry, details, movements);
    if (own > 0) MoveBack(&page, &account, OwnLot(entry, sequence), own);
    for (auto m = movements.rbegin(); m != movements.rend(); ++m) {
      if (m->source != 0) MoveBack(&page, &account, OrderOf(*m), m->points);
    }
    StoreForReaders(&account.total, account_.total);
    StoreForReaders(&account.lifetime_earned, account_.lifetime_earned);
    StoreForReaders(&account.lifetime_redeemed, account_.lifetime_redeemed);
    StoreForReaders(&account.sequence, account_.sequence);
    if (page.lots.InactiveFrom(account) != inactive_us_) {
      page.lots.SetInactiveFrom(&account, inactive_us_);
    }
    StoreForReaders(&account.first_expiry, account_.first_expiry);
    page.extras.Mutable(&account) = extra_;
    page.extras.Tidy(&account);
    page.SetReversal(entry.related, reversal_);
    StoreForReaders(&page.sequence, page_sequence_);
    StoreForReaders(&page.latest_us, page_latest_us_);
  });
  if (is_first_) state->DropAccounts(entry.member, entry.currency);
}

}  // namespace loyalty::ledger

// Taking entries back that were applied but not journaled: when one of several linked postings is refused.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ledger/transition.h"

namespace loyalty::ledger {

// What one entry is about to change of its account. Its lots are not kept: their movements are turned round.
class AccountBefore {
 public:
  // Nothing for an entry without a member.
  AccountBefore(const State& state, const Entry& entry);
  // Requires that `entry` is applied to the state at `sequence`, and all later ones are taken back.
  void Restore(const Entry& entry, const Details& details, uint64_t sequence,
               std::span<const LotMovement> movements, State* state) const;

 private:
  Account account_;
  Extra extra_;
  bool is_first_ = false;  // of its currency in the page
  int64_t inactive_us_ = kNever_us;
  uint64_t page_sequence_ = 0;
  int64_t page_latest_us_ = kMinTime_us;
  std::optional<Reversal> reversal_;  // of the posting that the entry is about
};

// What entries of any account change.
struct SumsBefore {
  explicit SumsBefore(const State& state)
      : totals(state.totals), sequence(state.sequence), open_holds(state.open_holds) {}
  void Restore(State* state) const {
    state->totals = totals;
    state->sequence = sequence;
    state->open_holds = open_holds;
  }

  std::vector<CurrencyTotals> totals;
  uint64_t sequence;
  uint64_t open_holds;
};

}  // namespace loyalty::ledger

// The reading half of LedgerImpl: as of a time.
#include <algorithm>

#include "engine/ledger_impl.h"
#include "engine/standing.h"
#include "engine/verify.h"
#include "ledger/books.h"

namespace loyalty::engine {
namespace {

// From so many on, reading the whole journal once is quicker than looking for each one's entries.
constexpr size_t kManyMembers = 1024;

// What two accounts of one person have together.
void AddTo(Balance* sum, const Balance& balance) {
  sum->found = sum->found || balance.found;
  sum->parts.active += balance.parts.active;
  sum->parts.pending += balance.parts.pending;
  sum->parts.held += balance.parts.held;
  sum->parts.arrears += balance.parts.arrears;
  if (balance.expiring_us < sum->expiring_us) {
    sum->expiring_us = balance.expiring_us;
    sum->expiring_points = 0;
  }
  if (balance.expiring_us == sum->expiring_us) sum->expiring_points += balance.expiring_points;
  sum->lifetime_earned += balance.lifetime_earned;
  sum->lifetime_redeemed += balance.lifetime_redeemed;
  sum->sequence = std::max(sum->sequence, balance.sequence);
}

// The accounts of one currency.
class Standings {
 public:
  Standings(uint16_t currency, size_t members) : currency_(currency), members_(members) {}

  void Add(size_t index, const JournalRow& row) {
    members_[index].found = true;
    if (row.entry.currency == currency_ && IsOnAccount(row.entry)) {
      members_[index].standing.Add(row);
    }
  }
  Balance BalanceAt(size_t index, int64_t at_us) {
    return members_[index].found ? members_[index].standing.BalanceAt(at_us) : Balance();
  }

 private:
  struct Member {
    bool found = false;
    Standing standing;
  };
  const uint16_t currency_;
  std::vector<Member> members_;
};

}  // namespace

Result<Past> LedgerImpl::Resolve(const AsOf& as_of) const {
  if (as_of.recorded_us) {
    LOYALTY_RETURN_IF_ERROR(ReadBetweenPostings([](const ledger::State&) {}));
  }
  return ResolveAsOf(*core_, as_of);
}

Status LedgerImpl::BalancesAsOf(std::span<const MemberKey> members, uint16_t currency,
                                const AsOf& as_of, std::span<Balance> balances) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_RETURN_IF_ERROR(CheckCurrency(currency));
  if (balances.size() != members.size()) {
    return {StatusCode::kInvalidArgument, "there must be one balance for each member"};
  }
  LOYALTY_ASSIGN_OR_RETURN(const Past past, Resolve(as_of));
  const ledger::Merges& merges = core_->state->merges;
  std::vector<std::vector<uint32_t>>
      families;  // by member asked for: he, and whoever is merged with him
  std::vector<uint32_t> known;
  for (const MemberKey& key : members) {
    LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, core_->FindMember(key));
    std::vector<uint32_t>& family = families.emplace_back();
    if (slot == Entry::kNoMember) continue;
    const uint32_t survivor = merges.SurvivorOf(slot, past.through_sequence);
    family = merges.FamilyOf(survivor, past.through_sequence);
    known.insert(known.end(), family.begin(), family.end());
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  Standings standings(currency, known.size());
  const auto place = [&](uint32_t slot) {
    return std::lower_bound(known.begin(), known.end(), slot) - known.begin();
  };
  const auto add = [&](const JournalRow& row) -> Status {
    const auto at = size_t(place(row.entry.member));
    if (at < known.size() && known[at] == row.entry.member) standings.Add(at, row);
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(known.size() < kManyMembers ? VisitMembers(*core_, known, 1, past, add)
                                                      : VisitAll(*core_, past, nullptr, add));
  for (size_t i = 0; i < families.size(); ++i) {
    balances[i] = {};
    for (const uint32_t slot : families[i]) {
      AddTo(&balances[i], standings.BalanceAt(size_t(place(slot)), past.at_us));
    }
  }
  return {};
}

Result<Ledger::Snapshot> LedgerImpl::AllBalancesAsOf(uint16_t currency, const AsOf& as_of,
                                                     const Progress& progress) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_RETURN_IF_ERROR(CheckCurrency(currency));
  LOYALTY_ASSIGN_OR_RETURN(const Past past, Resolve(as_of));
  const uint32_t members = core_->state->keys.size();
  Standings standings(currency, members);
  const auto add = [&](const JournalRow& row) -> Status {
    if (row.entry.member < members) standings.Add(row.entry.member, row);
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(VisitAll(*core_, past, progress, add));
  Snapshot snapshot;
  snapshot.sequence = past.through_sequence;
  LOYALTY_ASSIGN_OR_RETURN(std::vector<OwnedKey> keys, core_->KeysOfAll(members));
  const ledger::Merges& merges = core_->state->merges;
  for (uint32_t slot = 0; slot < keys.size(); ++slot) {
    if (merges.SurvivorOf(slot, past.through_sequence) != slot) continue;
    Balance balance;
    for (const uint32_t one : merges.FamilyOf(slot, past.through_sequence)) {
      AddTo(&balance, standings.BalanceAt(one, past.at_us));
    }
    if (!balance.found) continue;
    snapshot.members.push_back(std::move(keys[slot]));
    snapshot.balances.push_back(balance);
  }
  return snapshot;
}

Result<std::vector<Totals>> LedgerImpl::TrialBalanceAsOf(const AsOf& as_of,
                                                         const Progress& progress) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(const Past past, Resolve(as_of));
  const std::vector<std::string> currencies = Currencies();
  std::vector<ledger::CurrencyTotals> totals(currencies.size());
  const auto add = [&](const JournalRow& row) -> Status {
    if (IsOnAccount(row.entry) && row.entry.currency < totals.size()) {
      ledger::AddToTotals(row.entry, row.details, &totals[row.entry.currency]);
    }
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(VisitAll(*core_, past, progress, add));
  return PublicTotals(currencies, totals);
}

}  // namespace loyalty::engine

// The reading half of LedgerImpl: what was issued, what became of it, and what is still owed to members.
#include <algorithm>
#include <map>
#include <tuple>

#include "base/clock.h"
#include "engine/ledger_impl.h"
#include "engine/standing.h"
#include "engine/tier_run.h"
#include "journal/level_change.h"
#include "ledger/books.h"

namespace loyalty::engine {
namespace {

using ledger::CodedLadder;
using ledger::LotMovement;
using ledger::LotOrder;
using ledger::OrderOf;

// The months of a calendar by their ends: asking it for every movement would take most of the time.
class Months {
 public:
  explicit Months(const program::Calendar& calendar) : first_(calendar.MonthOf(kMinTime_us)) {
    for (int64_t end_us = kMinTime_us; end_us < kMaxTime_us;) {
      end_us = calendar.EndOf(end_us + 1, program::Unit::kMonth);
      ends_us_.push_back(end_us);
    }
  }
  int32_t Of(int64_t at_us) const {
    if (at_us >= kByInactivity_us) return Cohort::kNever;
    const auto end = std::upper_bound(ends_us_.begin(), ends_us_.end(), at_us);
    return first_ + int32_t(end - ends_us_.begin());
  }

 private:
  const int32_t first_;
  std::vector<int64_t> ends_us_;
};

// The levels of a ladder that members were on, by slot; of who is merged into another, the survivor's.
Result<std::vector<uint16_t>> PlacesAsOf(const Core& core, const Past& past,
                                         const CodedLadder& ladder, uint32_t members,
                                         const Progress& progress) {
  std::vector<uint16_t> places(members, 0);
  const auto note = [&](const JournalRow& row) -> Status {
    if (!ledger::IsAboutLevels(row.entry.kind) || row.entry.member >= members) return {};
    const auto change = journal::DecodeLevelChange(row.text, row.entry.effective_us);
    if (change && change->ladder == ladder.code) {
      places[row.entry.member] = uint16_t(ladder.PlaceOf(change->to.level));
    }
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(VisitAll(core, past, progress, note));
  const ledger::Merges& merges = core.state->merges;
  for (uint32_t member = 0; member < members && !merges.empty(); ++member) {
    places[member] = places[merges.SurvivorOf(member, past.through_sequence)];
  }
  return places;
}

// Of one of two passes over the same.
Progress PassOf(const Progress& progress, bool second) {
  if (!progress) return nullptr;
  return [&progress, second](uint64_t done, uint64_t total) {
    return progress(done + (second ? total : 0), 2 * total);
  };
}

class Cohorts {
 public:
  // `places` by slot, or empty: levels do not matter.
  Cohorts(const Core& core, const Past& past, uint32_t members, std::vector<uint16_t> places)
      : core_(core),
        past_(past),
        months_(core.state->rules()->program().calendar()),
        members_(members),
        places_(std::move(places)) {}

  Status Add(const JournalRow& row) {
    const Entry& entry = row.entry;
    if (!IsOnAccount(entry) || entry.member >= members_ || entry.currency >= accounts_.size()) {
      return {};
    }
    auto& accounts = accounts_[entry.currency];
    if (accounts.empty()) accounts.resize(members_);
    accounts[entry.member].Add(row);
    for (const LotMovement& m : row.movements) {
      if (m.source != 0) Move(row, OrderOf(m), m.points);
    }
    const int64_t own = ledger::OwnPoints(entry, row.details, row.movements);
    AddOwn(row, own);
    // Reinstated points that went to arrears make no lot.
    const bool reinstates = entry.kind == Kind::kReinstate;
    const int64_t revived = row.details.revived + (reinstates ? row.details.repaid : 0);
    return revived == 0 ? Status() : Revive(row, revived);
  }

  // After all entries: what there is, and what has expired without being journaled.
  Liability Take() {
    Liability liability;
    liability.sequence = past_.through_sequence;
    liability.at_us = past_.at_us;
    liability.arrears.resize(core_.state->rules()->currency_names().size());
    for (size_t c = 0; c < liability.arrears.size(); ++c) {
      for (uint32_t member = 0; member < accounts_[c].size(); ++member) {
        Standing& account = accounts_[c][member];
        liability.arrears[c] += account.arrears();
        account.ForEachLot(past_.at_us,
                           [&](const LotOrder& lot, int64_t, int64_t points, LotState state) {
                             AddStock(&Of(member, uint16_t(c), lot), points, state);
                           });
      }
    }
    for (const auto& [key, cohort] : cohorts_) liability.cohorts.push_back(cohort);
    std::erase_if(liability.cohorts, [](const Cohort& c) {
      return !c.issued && !c.redeemed && !c.expired && !c.other && !c.active && !c.pending &&
             !c.held;
    });
    return liability;
  }

 private:
  Cohort& Of(uint32_t member, uint16_t currency, const LotOrder& lot) {
    const uint16_t level = places_.empty() ? uint16_t(0) : places_[member];
    const std::tuple key(currency, level, months_.Of(lot.effective_us), months_.Of(lot.expires_us));
    // Movements come in runs of one cohort.
    if (last_ && key == last_key_) return *last_;
    last_key_ = key;
    last_ = &cohorts_[key];
    std::tie(last_->currency, last_->level, last_->issue_month, last_->expiry_month) = key;
    return *last_;
  }

  // Points that an entry puts into a lot that was there, or takes out of it.
  void Move(const JournalRow& row, const LotOrder& lot, int64_t points) {
    Cohort& cohort = Of(row.entry.member, row.entry.currency, lot);
    const Kind books = ledger::BooksOf(row.entry);
    // What a hold sets aside stays in its cohort; how much that is, the accounts say.
    const bool sets_aside = ledger::MakesAHold(row.details);
    const bool gives_back = row.details.held < 0 && points > 0;
    if (sets_aside || gives_back) return;
    if (books == Kind::kRedeem || books == Kind::kCapture) {
      cohort.redeemed -= points;
    } else if (books == Kind::kExpire || books == Kind::kReinstate) {
      cohort.expired -= points;
    } else {
      cohort.other -= points;
    }
  }

  // The lot that an entry makes; an earn's whole points, and what of them went to arrears.
  void AddOwn(const JournalRow& row, int64_t own) {
    const Entry& entry = row.entry;
    const bool earned = entry.kind == Kind::kEarn;
    if (own == 0 && !(earned && entry.points != 0)) return;
    Cohort& cohort = Of(entry.member, entry.currency, ledger::OwnLot(entry, row.sequence));
    cohort.issued += earned ? entry.points : 0;
    cohort.other += (earned ? entry.points : 0) - own;
  }

  // Points that had expired belong to a reversal of their earn, or to what was owed, from now on.
  Status Revive(const JournalRow& row, int64_t points) {
    LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core_.FindBlock(row.entry.related));
    const Entry of = block.view.EntryAt(row.entry.related - block.view.first_sequence());
    Cohort& cohort = Of(row.entry.member, of.currency, ledger::OwnLot(of, row.entry.related));
    cohort.expired -= points;
    cohort.other += points;
    return {};
  }

  static void AddStock(Cohort* cohort, int64_t points, LotState state) {
    switch (state) {
      case LotState::kActive: cohort->active += points; break;
      case LotState::kPending: cohort->pending += points; break;
      case LotState::kHeld: cohort->held += points; break;
      case LotState::kExpired: cohort->expired += points; break;
      case LotState::kLost: cohort->other += points; break;
    }
  }

  using Key = std::tuple<uint16_t, uint16_t, int32_t, int32_t>;

  const Core& core_;
  const Past past_;
  const Months months_;
  const uint32_t members_;
  const std::vector<uint16_t> places_;
  std::array<std::vector<Standing>, ledger::kMaxCurrencies> accounts_;  // by member
  std::map<Key, Cohort> cohorts_;
  Key last_key_;
  Cohort* last_ = nullptr;
};

}  // namespace

Result<Liability> LedgerImpl::LiabilityAsOf(const std::optional<AsOf>& as_of,
                                            const std::optional<std::string>& ladder,
                                            const Progress& progress) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  Past past{.through_sequence = core_->durable.sequence(), .at_us = Now_us()};
  if (as_of) {
    LOYALTY_ASSIGN_OR_RETURN(past, Resolve(*as_of));
  }
  const auto rules = core_->state->rules();
  const uint32_t members = core_->state->keys.size();
  std::vector<std::string> levels;
  std::vector<uint16_t> places;
  if (ladder) {
    LOYALTY_ASSIGN_OR_RETURN(const size_t number, FindLadder(*rules, *ladder));
    const CodedLadder& coded = rules->ladders()[number];
    levels = NamesOf(*coded.ladder).levels;
    LOYALTY_ASSIGN_OR_RETURN(places,
                             PlacesAsOf(*core_, past, coded, members, PassOf(progress, false)));
  }
  Cohorts cohorts(*core_, past, members, std::move(places));
  const auto add = [&](const JournalRow& row) { return cohorts.Add(row); };
  LOYALTY_RETURN_IF_ERROR(VisitAll(*core_, past, ladder ? PassOf(progress, true) : progress, add));
  Liability liability = cohorts.Take();
  liability.levels = std::move(levels);
  return liability;
}

}  // namespace loyalty::engine

// Making entries so. Everything is in the entry: nothing is decided here.
#include <algorithm>
#include <iterator>

#include "journal/level_change.h"
#include "ledger/books.h"
#include "ledger/transition.h"

namespace loyalty::ledger {
namespace {

Status DoesNotFit(uint64_t sequence) {
  return {StatusCode::kCorruption, "the entry at sequence " + std::to_string(sequence) +
                                       " does not fit the state before it"};
}

template <typename T>
void AddForReaders(T* to, T change) {
  if (change != 0) StoreForReaders(to, *to + change);
}

// One entry on the account that it changes.
class Applying {
 public:
  Applying(const Entry& entry, const Details& details, uint64_t sequence, Page* page,
           Account* account)
      : entry_(entry), details_(details), sequence_(sequence), page_(page), account_(account) {}

  // False when it does not fit.
  bool Run(std::span<const LotMovement> movements) {
    MoveLots(movements);
    MakeOwnLot(movements);
    PutOffInactivity();
    if (account_->extra != kNoIndex || details_ != Details()) ChangeExtra(movements);
    Count();
    if (Coarse(entry_.effective_us) >= account_->first_expiry) {
      StoreForReaders(&account_->first_expiry, page_->lots.FirstExpiry(*account_));
    }
    return fits_;
  }

 private:
  Extra& extra() { return page_->extras.Mutable(account_); }

  void MoveLot(const LotOrder& order, int64_t points) {
    fits_ = fits_ && page_->lots.Move(account_, order, points);
    total_change_ += points;
  }

  void MoveLots(std::span<const LotMovement> movements) {
    for (const LotMovement& m : movements) {
      if (m.source != 0) {
        MoveLot(OrderOf(m), m.points);
      } else {
        extra().arrears -= m.points;
        fits_ = fits_ && extra().arrears >= 0;
      }
    }
  }

  void MakeOwnLot(std::span<const LotMovement> movements) {
    own_points_ = OwnPoints(entry_, details_, movements);
    if (own_points_ < 0) fits_ = false;
    if (own_points_ > 0) MoveLot(OwnLot(entry_, sequence_), own_points_);
  }

  void PutOffInactivity() {
    const int64_t until_us = ActiveUntil(entry_, details_);
    if (until_us == kMinTime_us) return;
    const int64_t now_us = page_->lots.InactiveFrom(*account_);
    if (now_us == kNever_us || until_us > now_us) {
      page_->lots.SetInactiveFrom(account_, until_us);
    }
  }

  void ChangeExtra(std::span<const LotMovement> movements) {
    const auto waits = PendingLotOf(entry_, details_, sequence_, own_points_);
    if (waits) extra().Add(*waits);
    if (MakesAHold(details_)) {
      extra().Add(HoldOf(entry_, details_, sequence_, movements));
    } else if (details_.held < 0) {
      const size_t closed = std::erase_if(
          extra().holds, [&](const Hold& hold) { return hold.sequence == entry_.related; });
      fits_ = fits_ && closed == 1;
    }
    ChangePool();
    if (entry_.kind == Kind::kSetLimits) {
      extra().floor = details_.terms.floor;
      extra().ceiling = details_.terms.ceiling;
    }
    const bool activates = entry_.kind == Kind::kConfirm || entry_.kind == Kind::kActivate;
    if (!page_->extras.Of(*account_).pending.empty()) {
      std::erase_if(extra().pending, [&](const PendingLot& lot) {
        return (activates && lot.source == entry_.related) || !IsThere(lot.source);
      });
    }
    page_->extras.Tidy(account_);
  }

  // What the other member of an entry is to the pool.
  void ChangePool() {
    const bool passes = entry_.kind == Kind::kTransfer || entry_.kind == Kind::kMovePoints;
    if (details_.other == Details::kNoOther || passes) return;
    std::vector<PoolMember>& pool = extra().pool;
    const auto member = uint32_t(details_.other);
    const auto at =
        std::lower_bound(pool.begin(), pool.end(), member,
                         [](const PoolMember& m, uint32_t of) { return m.member < of; });
    const bool is_in = at != pool.end() && at->member == member;
    const bool said = details_.terms.ceiling != kByProgram;
    if (entry_.kind == Kind::kJoinPool) {
      const int64_t limit = said ? details_.terms.ceiling : kNoCeiling;
      (is_in ? at : pool.insert(at, {member, limit, 0}))->limit = limit;
    } else if (entry_.kind == Kind::kLeavePool) {
      if (is_in && entry_.related == 0) pool.erase(at);  // not of what he gets
    } else if (is_in) {
      at->spent += details_.held - entry_.points;
    }
  }

  bool IsThere(uint64_t source) const {
    bool there = false;
    page_->lots.ForEach(*account_, [&](const Lot& lot, int64_t) {
      there = lot.order().source == source;
      return !there;
    });
    return there;
  }

  void Count() {
    AddForReaders(&account_->total, total_change_);
    AddForReaders(&account_->lifetime_earned, EarnedBy(entry_, details_));
    AddForReaders(&account_->lifetime_redeemed, RedeemedBy(entry_, details_));
    if (entry_.kind == Kind::kReverse || entry_.kind == Kind::kCancel) {
      const int64_t moved = std::abs(entry_.points - details_.revived);
      page_->Add({.original = entry_.related,
                  .points = details_.asked != 0 ? details_.asked : moved,
                  .money = entry_.kind == Kind::kReverse ? entry_.money : 0});
    }
    StoreForReaders(&account_->sequence, sequence_);
    StoreForReaders(&page_->sequence, sequence_);
    if (entry_.effective_us > page_->latest_us) {
      StoreForReaders(&page_->latest_us, entry_.effective_us);
    }
  }

  const Entry& entry_;
  const Details& details_;
  const uint64_t sequence_;
  Page* const page_;
  Account* const account_;
  int64_t total_change_ = 0;
  int64_t own_points_ = 0;
  bool fits_ = true;
};

Status OpenMember(const Entry& entry, uint64_t sequence, std::string_view text, State* state) {
  MemberKey key;
  const bool is_erased = text.empty();
  if (!is_erased && !journal::ParseStoredKey(text, &key)) return DoesNotFit(sequence);
  if (entry.member != state->keys.size()) return DoesNotFit(sequence);
  state->EnsurePage(entry.member);
  if (state->PageOf(entry.member)->sequence < sequence) {
    state->SetOpening(entry.member, entry.effective_us, sequence);
  }
  if (is_erased) {
    state->keys.AddErased();
  } else {
    state->keys.Add(key);
  }
  return {};
}

// Closes, reopens or erases a member.
void ChangeMember(const Entry& entry, uint64_t sequence, State* state) {
  const bool erases = entry.kind == Kind::kEraseMember;
  if (erases) state->keys.Erase(entry.member, sequence);
  const Page& page = *state->PageOf(entry.member);
  if (page.sequence >= sequence) return;
  const bool was_closed = page.IsClosed(entry.member);
  state->SetClosed(entry.member, erases ? was_closed : entry.kind == Kind::kCloseMember, sequence);
}

Status ChangeLevel(const Entry& entry, uint64_t sequence, std::string_view text, State* state) {
  const auto change = journal::DecodeLevelChange(text, entry.effective_us);
  if (!change) return DoesNotFit(sequence);
  if (state->PageOf(entry.member)->sequence < sequence) {
    state->SetLevel(entry.member, *change, sequence);
  }
  return {};
}

}  // namespace

Hold HoldOf(const Entry& entry, const Details& details, uint64_t sequence,
            std::span<const LotMovement> movements) {
  const bool is_new = entry.kind == Kind::kHold;
  Hold hold{.sequence = is_new ? sequence : entry.related,
            .until_us = details.terms.deadline_us,
            .points = details.held,
            .spender = is_new ? details.other : Details::kNoOther,
            .taken = {}};
  std::copy_if(movements.begin(), movements.end(), std::back_inserter(hold.taken),
               [](const LotMovement& m) { return m.points < 0; });
  return hold;
}

std::optional<PendingLot> PendingLotOf(const Entry& entry, const Details& details,
                                       uint64_t sequence, int64_t own_points) {
  const Terms& terms = details.terms;
  if (terms.activates_us == kAtOnce_us) return std::nullopt;
  if (entry.kind == Kind::kMovePoints && !MakesAHold(details)) {
    return PendingLot{entry.related, terms.activates_us, terms.deadline_us, entry.related_kind};
  }
  if (own_points <= 0) return std::nullopt;
  return PendingLot{sequence, terms.activates_us, terms.deadline_us, entry.kind};
}

Result<BalanceParts> Apply(const Entry& entry, const Details& details, uint64_t sequence,
                           std::span<const LotMovement> movements, std::string_view text,
                           State* state) {
  if (sequence != state->sequence + 1) return DoesNotFit(sequence);
  state->sequence = sequence;
  if (entry.kind == Kind::kDefineCurrency) {
    if (state->totals.size() == kMaxCurrencies) return DoesNotFit(sequence);
    state->AddCurrency(text);
    return BalanceParts();
  }
  if (entry.kind == Kind::kDefineProgram) {
    LOYALTY_RETURN_IF_ERROR(state->AddProgram(text));
    return BalanceParts{int64_t(state->RulesInForce().version()), 0, 0, 0};
  }
  if (entry.kind == Kind::kDefineCode) {
    return BalanceParts{int64_t(state->codes.Add(text)), 0, 0, 0};
  }
  const bool posted = IsPosted(entry.status);
  if (entry.kind == Kind::kOpenMember) {
    if (posted) LOYALTY_RETURN_IF_ERROR(OpenMember(entry, sequence, text, state));
    return BalanceParts();
  }
  if (entry.member == Entry::kNoMember) return BalanceParts();
  if (entry.member >= state->keys.size() || entry.currency >= state->totals.size()) {
    return DoesNotFit(sequence);
  }
  if (entry.kind == Kind::kCloseMember || entry.kind == Kind::kReopenMember ||
      entry.kind == Kind::kEraseMember) {
    if (posted) ChangeMember(entry, sequence, state);
    return BalanceParts();
  }
  if (IsAboutLevels(entry.kind)) {
    if (posted) LOYALTY_RETURN_IF_ERROR(ChangeLevel(entry, sequence, text, state));
    return BalanceParts();
  }
  if (IsAboutMerging(entry.kind)) {
    const auto other = uint32_t(details.other);
    const bool merges = entry.kind == Kind::kMergeMembers;
    if (posted) state->merges.Add({sequence, other, merges ? entry.member : other});
    return BalanceParts();
  }
  if (posted) AddToTotals(entry, details, &state->totals[entry.currency]);
  // A checkpoint cut short by a crash leaves some pages ahead of the journal's replay: they have it.
  const Page& page = *state->PageOf(entry.member);
  if (page.sequence >= sequence) return RecordedParts(entry, details);
  if (!posted) {
    return page.PartsAt(page.GetAccount(entry.member, entry.currency), entry.effective_us);
  }
  bool fits = true;
  BalanceParts parts;
  state->ChangeAccount(entry.member, entry.currency, [&](Page& changed, Account& account) {
    fits = Applying(entry, details, sequence, &changed, &account).Run(movements);
    parts = changed.PartsAt(account, entry.effective_us);
  });
  if (!fits) return DoesNotFit(sequence);
  state->open_holds += MakesAHold(details);
  state->open_holds -= details.held < 0;
  return parts;
}

Status ApplyGroup(const journal::Group& group, uint64_t through, State* state) {
  static const Details kNoDetails;
  size_t movement = 0;
  size_t text = 0;
  size_t next_details = 0;
  for (size_t i = 0; i < group.entries.size(); ++i) {
    PrefetchAhead(group.entries, i, *state);
    const Entry& entry = group.entries[i];
    const std::span movements(group.movements.data() + movement, group.movement_counts[i]);
    movement += movements.size();
    const std::string_view words =
        journal::HasText(entry.kind) ? std::string_view(group.texts[text++]) : std::string_view();
    const bool detailed =
        next_details < group.details.size() && group.details[next_details].row == i;
    const Details& details = detailed ? group.details[next_details++].details : kNoDetails;
    const uint64_t sequence = group.first_sequence + i;
    if (sequence <= state->sequence || sequence > through) continue;
    LOYALTY_ASSIGN_OR_RETURN(const BalanceParts parts,
                             Apply(entry, details, sequence, movements, words, state));
    if (parts != RecordedParts(entry, details)) return DoesNotFit(sequence);
  }
  return {};
}

}  // namespace loyalty::ledger

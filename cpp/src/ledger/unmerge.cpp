// Undoing a merging: the survivor gives back what the other one had.
#include <algorithm>

#include "ledger/mover.h"

namespace loyalty::ledger {
namespace {

// Gives back what a merging brought, from what the survivor has by now.
class Returning {
 public:
  Returning(Mover* mover, int64_t at_us, const std::map<uint64_t, int64_t>& lost)
      : mover_(mover), at_us_(at_us), lost_(lost) {
    mover->lots().ForEach(mover->account(), [&](const Lot& lot, int64_t expires_us) {
      const LotOrder order = lot.order();
      there_.push_back(
          {order, lot.points, mover->extra().IsActive(order.source, expires_us, at_us)});
      return true;
    });
  }

  // What one of the survivor's entries brought. All but open holds is given back by Finish.
  void TakeBack(const Original& brought) {
    const Extra& extra = mover_->extra();
    const uint64_t related = brought.entry.related;
    const bool held = brought.entry.related_kind == Kind::kHold;
    const Hold* const hold = held ? extra.FindHold(related) : nullptr;
    if (hold) return mover_->MoveHold(*hold);
    const bool waited = brought.details.terms.activates_us != kAtOnce_us;
    const PendingLot* const waiting = waited ? extra.FindPending(related) : nullptr;
    Due* due = &rest_;
    if (waiting) {
      due = &waiting_.emplace_back();
      due->parcel.related = related;
      due->parcel.related_kind = brought.entry.related_kind;
      due->parcel.terms = {.activates_us = waiting->activates_us,
                           .deadline_us = waiting->deadline_us};
    }
    due->parcel.earned += brought.details.earned;
    due->parcel.redeemed += brought.details.redeemed;
    for (const LotMovement& m : brought.movements) {
      if (m.source == 0) due->parcel.debt -= m.points;
      if (m.source != 0 && m.points > 0) due->had[m.source][OrderOf(m)] += m.points;
    }
  }

  void Finish(uint64_t sequence) {
    rest_.parcel.related = sequence;
    rest_.parcel.related_kind = Kind::kUnmergeMembers;
    for (Due& due : waiting_) Reserve(&due);
    Reserve(&rest_);
    for (Due& due : waiting_) Give(&due);
    Give(&rest_);
  }

 private:
  struct There {
    LotOrder order;
    int64_t points;
    bool active;
  };
  struct Due {
    Parcel parcel;
    std::map<uint64_t, std::map<LotOrder, int64_t>> had;  // points, by source and lot
    int64_t owed = 0;  // of what it gives, the survivor has no lots of
  };

  // Takes up to so many points from lots that fit; returns what is missing.
  template <typename FitsLot>
  int64_t Take(int64_t points, FitsLot fits, std::vector<LotMovement>* taken) {
    for (There& lot : there_) {
      const int64_t part = fits(lot) ? std::min(points, lot.points) : 0;
      if (part == 0) continue;
      lot.points -= part;
      points -= part;
      taken->push_back({-part, lot.order.expires_us, lot.order.effective_us, lot.order.source});
    }
    return points;
  }

  // What is left of the lots goes back as it is. What was used of them since is owed, unless it would have
  // expired by now: of what expires last first, as time took the others.
  void Reserve(Due* due) {
    std::vector<LotMovement>& given = due->parcel.given;
    for (const auto& of : due->had) {
      const uint64_t source = of.first;
      const std::map<LotOrder, int64_t>& had = of.second;
      int64_t points = 0;
      for (const auto& [lot, part] : had) points += part;
      const size_t before = due->parcel.taken.size();
      const auto of_source = [=](const There& lot) { return lot.order.source == source; };
      int64_t missing = Take(points, of_source, &due->parcel.taken);
      for (size_t i = before; i < due->parcel.taken.size(); ++i) {
        given.push_back(due->parcel.taken[i]);
        given.back().points = -given.back().points;
      }
      const auto lost = lost_.find(source);
      if (lost != lost_.end()) missing -= std::clamp<int64_t>(lost->second, 0, missing);
      for (auto at = had.rbegin(); at != had.rend() && missing > 0; ++at) {
        const auto& [lot, part] = *at;
        const int64_t used = std::min(missing, part);
        missing -= used;
        if (mover_->lots().ExpiryOf(mover_->account(), lot) <= at_us_) continue;
        given.push_back({used, lot.expires_us, lot.effective_us, lot.source});
        due->owed += used;
      }
    }
  }

  // A debt goes back as far as it is there. What was repaid of it since pays for what is owed, or is the
  // survivor's again, as a lot of the entry's own.
  void Give(Due* due) {
    Parcel& parcel = due->parcel;
    const int64_t unpaid = std::min(parcel.debt, mover_->extra().arrears);
    if (unpaid > 0) parcel.taken.push_back({unpaid, kNever_us, 0, 0});
    due->owed -= std::min(due->owed, parcel.debt - unpaid);
    const auto active = [](const There& lot) { return lot.active; };
    const int64_t missing = Take(due->owed, active, &parcel.taken);
    if (missing > 0) parcel.taken.push_back({-missing, kNever_us, 0, 0});
    if (!parcel.empty()) mover_->MoveParcel(parcel);
  }

  Mover* const mover_;
  const int64_t at_us_;
  const std::map<uint64_t, int64_t>& lost_;
  std::vector<There> there_;  // the survivor's lots, less what is taken of them
  std::vector<Due> waiting_;
  Due rest_;
};

}  // namespace

PostingStatus CheckUnmerge(const State& state, const Original* original, Entry* unmerge,
                           Details* details) {
  if (unmerge->member == Entry::kNoMember) return PostingStatus::kMemberNotFound;
  if (original == nullptr) return PostingStatus::kRelatedNotFound;
  const Entry& of = original->entry;
  unmerge->related = original->sequence;
  unmerge->related_kind = of.kind;
  if (of.kind != Kind::kMergeMembers || !IsPosted(of.status)) {
    return PostingStatus::kRelatedNotAMerge;
  }
  const uint32_t survivor = state.merges.SurvivorOf(of.member);
  if (unmerge->member != of.member && unmerge->member != survivor) {
    return PostingStatus::kRelatedOfOtherMember;
  }
  if (!state.merges.IsInForce(uint32_t(original->details.other), original->sequence)) {
    return PostingStatus::kRelatedAlreadyReversed;
  }
  if (survivor != of.member) return PostingStatus::kMergedSince;
  details->other = original->details.other;
  return PostingStatus::kPosted;
}

std::vector<Move> MovesBack(const State& state, const Entry& unmerge, uint32_t other,
                            const Brought& brought, uint64_t sequence) {
  std::vector<Move> moves;
  for (uint16_t c = 0; c < state.currency_count(); ++c) {
    Mover mover(state, unmerge, unmerge.member, other, c, &moves);
    Returning returning(&mover, unmerge.effective_us, brought.lost);
    for (const Original& of : brought.entries) {
      if (of.entry.currency == c) returning.TakeBack(of);
    }
    returning.Finish(sequence);
  }
  return moves;
}

}  // namespace loyalty::ledger

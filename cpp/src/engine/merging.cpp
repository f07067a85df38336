// The decider's work on merging two members, and on undoing it.
#include "engine/decider.h"

namespace loyalty::engine {

using ledger::Original;

Status Decider::ProcessMerging(const Row& row) {
  Entry& entry = *row.entry;
  const ledger::State& state = *core_->state;
  if (row.details) details_ = *row.details;
  FollowMerges(&details_);
  const bool merges = entry.kind == Kind::kMergeMembers;
  entry.status = merges ? ledger::CheckMerge(state, entry, details_.other)
                        : ledger::CheckUnmerge(state, row.original(), &entry, &details_);
  std::vector<ledger::Move> moves;
  if (IsPosted(entry.status)) {
    const Details asked = std::exchange(details_, {});
    const auto other = uint32_t(asked.other);
    for (uint16_t c = 0; c < state.currency_count(); ++c) {
      for (const uint32_t member : {entry.member, other}) {
        PostDue(member, c, entry.effective_us, ledger::DueScope::kAll, nullptr);
      }
    }
    if (merges) {
      moves = ledger::MovesOver(state, entry, other, state.sequence + 1);
    } else {
      LOYALTY_ASSIGN_OR_RETURN(moves, MovesBack(entry, other));
    }
    details_ = asked;
    if (!ledger::Fit(state, moves)) {
      entry.status = PostingStatus::kBalanceWouldOverflow;
      if (!merges) details_.other = Details::kNoOther;
      moves.clear();
    }
  }
  core_->state->merges.BeginChange();
  Record(&entry, 0, row.text, row.reply);
  for (ledger::Move& move : moves) {
    std::vector<ledger::LotMovement>& all = open_->group.movements;
    all.insert(all.end(), move.movements.begin(), move.movements.end());
    details_ = move.details;
    Record(&move.entry, move.movements.size(), nullptr, nullptr);
  }
  core_->state->merges.EndChange();
  return {};
}

void Decider::EraseMerged(const Entry& erased) {
  const uint64_t sequence = core_->state->sequence;
  for (const uint32_t member : core_->state->merges.FamilyOf(erased.member)) {
    if (member == erased.member) continue;
    Entry entry;
    entry.kind = entry.related_kind = erased.kind;
    entry.status = PostingStatus::kPosted;
    entry.effective_us = erased.effective_us;
    entry.related = sequence;
    entry.member = member;
    Record(&entry, 0, nullptr, nullptr);
  }
}

Result<std::vector<ledger::Move>> Decider::MovesBack(const Entry& unmerge, uint32_t other) {
  ledger::Brought brought;
  const auto visit = [&](uint64_t sequence, const Entry& entry) -> Status {
    const bool moved = entry.kind == Kind::kMovePoints;
    const bool expires = entry.kind == Kind::kExpire || entry.kind == Kind::kCancel;
    const bool reinstates = entry.kind == Kind::kReinstate;
    if (sequence < unmerge.related || !IsPosted(entry.status) ||
        !(moved || expires || reinstates)) {
      return {};
    }
    LOYALTY_ASSIGN_OR_RETURN(Original of, Fetch(sequence));
    if (moved) {
      if (of.details.other == other) brought.entries.push_back(std::move(of));
    } else if (reinstates) {
      brought.lost[of.entry.related] -= of.entry.points;
    } else if (of.entry.id.is_zero()) {
      for (const ledger::LotMovement& m : of.movements) brought.lost[m.source] -= m.points;
    }
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(VisitEntriesOf({unmerge.member}, visit));
  return ledger::MovesBack(*core_->state, unmerge, other, brought, core_->state->sequence + 1);
}

}  // namespace loyalty::engine

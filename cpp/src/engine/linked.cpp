// The decider's work on linked postings: they are posted one after the other, and if one is refused, what
// those before it did is taken back. Readers beside the writer see all of it at once, or nothing.
#include <algorithm>

#include "engine/decider.h"

namespace loyalty::engine {

Result<size_t> Decider::PostChain(std::span<const Row> rows, size_t* duplicates) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (row.entry->status == PostingStatus::kUnspecified) LOYALTY_RETURN_IF_ERROR(ProcessRow(row));
    if (IsDuplicate(row.reply->status)) {
      ++*duplicates;
    } else if (!IsPosted(row.reply->status)) {
      return i;
    }
  }
  return rows.size();
}

Status Decider::RefuseMalformedChain(std::span<const Row> rows) {
  for (const Row& row : rows) {
    if (row.entry->status != PostingStatus::kUnspecified) continue;
    if (const uint64_t seen = SequenceOf(row)) {
      if (row.related) LOYALTY_RETURN_IF_ERROR(FindOriginal(row));
      LOYALTY_RETURN_IF_ERROR(AnswerDuplicate(row, seen));
    } else {
      row.reply->status = row.entry->status = PostingStatus::kLinkedPostingMalformed;
    }
  }
  return {};
}

Status Decider::ProcessChain(std::span<const Row> rows) {
  const auto is_malformed = [](const Row& row) { return IsMalformed(row.entry->status); };
  if (std::any_of(rows.begin(), rows.end(), is_malformed)) return RefuseMalformedChain(rows);
  std::vector<Entry> asked;
  for (const Row& row : rows) asked.push_back(*row.entry);
  size_t duplicates = 0;
  core_->state->BeginOneChange();
  chain_.emplace(*core_->state);
  const Result<size_t> posted = PostChain(rows, &duplicates);
  const size_t refused = posted.ok() ? *posted : rows.size();
  const bool whole =
      posted.ok() && refused == rows.size() && (duplicates == 0 || duplicates == rows.size());
  Details why;  // of the refused one
  if (refused < rows.size()) {
    why = journal::DetailsOf(open_->group.details, uint32_t(open_->group.entries.size() - 1));
  }
  if (!whole) UndoChain();
  chain_.reset();
  core_->state->EndOneChange();
  if (!posted.ok()) return posted.status();
  for (size_t i = 0; i < rows.size() && !whole; ++i) {
    const Row& row = rows[i];
    if (IsDuplicate(asked[i].status)) continue;  // answered in preparation
    if (i != refused) *row.entry = asked[i];
    if (row.related) {  // it may be of the chain, and have another place now
      row.related->original = {};
      LOYALTY_RETURN_IF_ERROR(FindOriginal(row));
      if (row.entry->related != 0) row.entry->related = row.related->original.sequence;
    }
    if (const uint64_t seen = SequenceOf(row)) {
      LOYALTY_RETURN_IF_ERROR(AnswerDuplicate(row, seen));
      continue;
    }
    if (i == refused) {
      details_ = why;
    } else {
      row.entry->status = PostingStatus::kLinkedPostingFailed;
      row.entry->member = SurvivorOf(row.entry->member);
      if (row.details) details_ = *row.details;
      FollowMerges(&details_);
    }
    Record(row.entry, 0, row.text, row.reply);
  }
  return {};
}

void Decider::UndoChain() {
  journal::Group& group = open_->group;
  const uint64_t first = chain_->sums.sequence + 1;
  for (size_t n = chain_->accounts.size(); n-- > 0;) {
    const std::span movements = std::span(group.movements).last(group.movement_counts.back());
    const auto place = uint32_t(group.entries.size() - 1);
    chain_->accounts[n].Restore(group.entries.back(), journal::DetailsOf(group.details, place),
                                first + n, movements, core_->state.get());
    group.movements.resize(group.movements.size() - movements.size());
    group.movement_counts.pop_back();
    group.entries.pop_back();
  }
  std::erase_if(group.details, [&](const journal::RowDetails& details) {
    return details.row >= group.entries.size();
  });
  recent_.RemoveFrom(first);
  chain_->sums.Restore(core_->state.get());
}

}  // namespace loyalty::engine

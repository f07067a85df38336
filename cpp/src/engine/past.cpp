#include "engine/past.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/member_entries.h"

namespace loyalty::engine {
namespace {

Status Refuse(std::string what) {
  return {StatusCode::kInvalidArgument, "as of: " + std::move(what)};
}

// The last durable sequence that was recorded by then; 0 when none was.
Result<uint64_t> LastRecordedBy(const Core& core, int64_t recorded_us) {
  uint64_t from = 1;
  uint64_t to = core.durable.sequence();
  while (from <= to) {
    LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core.FindBlock(from + (to - from) / 2));
    if (block.view.recorded_us() <= recorded_us) {
      from = block.view.last_sequence() + 1;
    } else {
      to = block.view.first_sequence() - 1;
    }
  }
  return from - 1;
}

}  // namespace

Result<Past> ResolveAsOf(const Core& core, const AsOf& as_of) {
  if (!as_of.effective_us && !as_of.recorded_us && !as_of.sequence) {
    return Refuse("give an effective time, a recorded time or a sequence");
  }
  const uint64_t last = core.durable.sequence();
  Past past{.through_sequence = last};
  if (as_of.sequence) {
    if (*as_of.sequence < 1 || *as_of.sequence > last) {
      return Refuse("sequence " + std::to_string(*as_of.sequence) + " is not between 1 and " +
                    std::to_string(last) + ", the last one");
    }
    past.through_sequence = *as_of.sequence;
    LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core.FindBlock(*as_of.sequence));
    past.at_us = block.view.recorded_us();
  }
  if (as_of.recorded_us) {
    if (*as_of.recorded_us > Now_us()) {
      return Refuse("the recorded time is in the future; give one that has passed");
    }
    LOYALTY_ASSIGN_OR_RETURN(const uint64_t recorded, LastRecordedBy(core, *as_of.recorded_us));
    past.through_sequence = std::min(past.through_sequence, recorded);
    past.at_us = *as_of.recorded_us;
  }
  if (as_of.effective_us) {
    if (*as_of.effective_us < kMinTime_us || *as_of.effective_us >= kMaxTime_us) {
      return Refuse("the effective time must be from 1900 on and before 2200");
    }
    past.through_effective_us = past.at_us = *as_of.effective_us;
  }
  return past;
}

bool Counting::Counts(uint64_t sequence, const Entry& entry) {
  if (entry.effective_us <= past_.through_effective_us && !IsLeftOut(entry.related)) return true;
  if (!left_out_.empty() && left_out_.back().last + 1 == sequence) {
    left_out_.back().last = sequence;
  } else {
    left_out_.push_back({sequence, sequence});
  }
  return false;
}

bool Counting::IsLeftOut(uint64_t sequence) const {
  if (sequence == 0) return false;
  const auto at =
      std::lower_bound(left_out_.begin(), left_out_.end(), sequence,
                       [](const Run& run, uint64_t wanted) { return run.last < wanted; });
  return at != left_out_.end() && at->first <= sequence;
}

Status VisitAll(const Core& core, const Past& past, const Progress& progress,
                const RowVisitor& visitor) {
  static const Details kNoDetails;
  Counting counting(past);
  journal::Group group;
  const auto visit = [&](const journal::BlockView& view, std::string_view) -> Status {
    if (progress && !progress(view.first_sequence(), past.through_sequence)) {
      return {StatusCode::kInterrupted, "reading the journal was stopped"};
    }
    view.Read(&group);
    const journal::LotMovement* movements = group.movements.data();
    size_t details = 0;
    size_t texts = 0;
    for (size_t row = 0; row < group.entries.size(); ++row) {
      const Entry& entry = group.entries[row];
      const uint64_t sequence = group.first_sequence + row;
      if (sequence > past.through_sequence) return {};
      const std::span moved(movements, group.movement_counts[row]);
      movements += moved.size();
      const bool detailed = details < group.details.size() && group.details[details].row == row;
      const Details& of = detailed ? group.details[details++].details : kNoDetails;
      std::string_view text;
      if (journal::HasText(entry.kind)) text = group.texts[texts++];
      if (!counting.Counts(sequence, entry) || !IsPosted(entry.status)) continue;
      LOYALTY_RETURN_IF_ERROR(visitor({sequence, entry, of, moved, text}));
    }
    return {};
  };
  if (past.through_sequence > 0) {
    LOYALTY_RETURN_IF_ERROR(core.journal.Scan(1, past.through_sequence, nullptr, visit).status());
  }
  if (progress) (void)progress(past.through_sequence, past.through_sequence);
  return {};
}

Status VisitMembers(const Core& core, std::span<const uint32_t> members, uint64_t from,
                    const Past& past, const RowVisitor& visitor) {
  std::vector<uint64_t> sequences;
  const auto add = [&](uint64_t sequence, const Entry&) -> Status {
    if (sequence >= from) sequences.push_back(sequence);
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(VisitEntries(core, members, past.through_sequence, add));
  Counting counting(past);
  SharedBlock block;
  for (const uint64_t sequence : sequences) {
    if (!block.bytes || sequence > block.view.last_sequence()) {
      LOYALTY_ASSIGN_OR_RETURN(block, core.FindBlock(sequence));
    }
    const size_t row = sequence - block.view.first_sequence();
    const Entry entry = block.view.EntryAt(row);
    if (!counting.Counts(sequence, entry) || !IsPosted(entry.status)) continue;
    const Details details = block.view.DetailsAt(row);
    const std::vector<journal::LotMovement> movements = block.view.MovementsOf(row);
    std::string_view text;
    if (journal::HasText(entry.kind)) text = block.view.TextOf(row);
    LOYALTY_RETURN_IF_ERROR(visitor({sequence, entry, details, movements, text}));
  }
  return {};
}

}  // namespace loyalty::engine

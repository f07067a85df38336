#include "engine/records.h"

#include <algorithm>
#include <numeric>

#include "journal/level_change.h"

namespace loyalty::engine {

Status ReadText(const Core& core, std::string_view stored, Record* record) {
  const Entry& entry = record->entry;
  if (ledger::IsAboutLevels(entry.kind)) {
    record->level = journal::DecodeLevelChange(stored, entry.effective_us);
  } else if (entry.kind == Kind::kOpenMember) {
    LOYALTY_ASSIGN_OR_RETURN(const OwnedKey key, core.KeyOf(entry.member));
    record->text = ToString(key);
  } else {
    record->text = stored;
  }
  return {};
}

Result<Record> RecordAt(const Core& core, const journal::BlockView& view, uint64_t sequence) {
  const size_t row = sequence - view.first_sequence();
  Record record{sequence, view.recorded_us(),    view.EntryAt(row), view.DetailsAt(row), "",
                {},       view.program_version()};
  if (journal::HasText(record.entry.kind)) {
    LOYALTY_RETURN_IF_ERROR(ReadText(core, view.TextOf(row), &record));
  }
  return record;
}

Result<std::vector<Record>> ReadRecords(const Core& core, std::span<const uint64_t> sequences) {
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return sequences[a] < sequences[b]; });
  std::vector<Record> records(sequences.size());
  SharedBlock block;
  for (const size_t i : order) {
    if (!block.bytes || sequences[i] > block.view.last_sequence()) {
      LOYALTY_ASSIGN_OR_RETURN(block, core.FindBlock(sequences[i]));
    }
    LOYALTY_ASSIGN_OR_RETURN(records[i], RecordAt(core, block.view, sequences[i]));
  }
  return records;
}

}  // namespace loyalty::engine

// Journal entries as callers are given them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/core.h"

namespace loyalty::engine {

// Fills in what the stored text of a record's entry says: of an opening the member's key, if he has it still.
Status ReadText(const Core& core, std::string_view stored, Record* record);
Result<Record> RecordAt(const Core& core, const journal::BlockView& view, uint64_t sequence);
// records[i] is that of sequences[i], all durable; each block is read once.
Result<std::vector<Record>> ReadRecords(const Core& core, std::span<const uint64_t> sequences);

}  // namespace loyalty::engine

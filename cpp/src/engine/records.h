// Journal entries as callers are given them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/core.h"

namespace loyalty::engine {

// The text of an entry as callers know it: a member's key, if he has it still, not its hash.
Result<std::string> PublicText(const Core& core, const Entry& entry, std::string_view stored);
Result<Record> RecordAt(const Core& core, const journal::BlockView& view, uint64_t sequence);
// records[i] is that of sequences[i], all durable; each block is read once.
Result<std::vector<Record>> ReadRecords(const Core& core, std::span<const uint64_t> sequences);

}  // namespace loyalty::engine

// Journal entries as callers are given them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/core.h"

namespace loyalty::engine {

// The text of an entry as callers know it: a member's key, not its stored form.
std::string PublicText(Kind kind, std::string_view stored);
Record RecordAt(const journal::BlockView& view, uint64_t sequence);
// records[i] is that of sequences[i], all durable; each block is read once.
Result<std::vector<Record>> ReadRecords(const Core& core, std::span<const uint64_t> sequences);

}  // namespace loyalty::engine

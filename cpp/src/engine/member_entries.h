// Members' entries, wherever they are: in history, or in the tail that history has not taken in.
#pragma once

#include <functional>
#include <span>

#include "engine/core.h"

namespace loyalty::engine {

// Visits the members' entries up to `through`, which is durable, with from_us <= effective_us < to_us: each once, by
// sequence. Those from history have no id.
using EntryVisitor = std::function<Status(uint64_t sequence, const Entry& entry)>;
Status VisitMembersEntries(const Core& core, std::span<const uint32_t> members, int64_t from_us,
                           int64_t to_us, uint64_t through, const EntryVisitor& visitor);

}  // namespace loyalty::engine

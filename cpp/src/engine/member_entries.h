// A member's entries, wherever they are: in history, or in the tail that history has not taken in.
#pragma once

#include <functional>

#include "engine/core.h"

namespace loyalty::engine {

// Visits the entries up to `through`, which is durable, with from_us <= effective_us < to_us: each once, by
// sequence. Those from history have no id.
using EntryVisitor = std::function<Status(uint64_t sequence, const Entry& entry)>;
Status VisitMemberEntries(const Core& core, uint32_t member, int64_t from_us, int64_t to_us,
                          uint64_t through, const EntryVisitor& visitor);

}  // namespace loyalty::engine

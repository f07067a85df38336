// Members' entries, wherever they are: in history, or in the tail that history has not taken in.
#pragma once

#include <functional>
#include <span>

#include "engine/core.h"

namespace loyalty::engine {

// Appends the members' entries up to `through`, which is durable: each once, by sequence. Those from history have
// no id. `members` are in order.
Status ReadItems(const Core& core, std::span<const uint32_t> members, uint64_t through,
                 std::vector<history::Item>* items);

// Visits the same.
using EntryVisitor = std::function<Status(uint64_t sequence, const Entry& entry)>;
Status VisitEntries(const Core& core, std::span<const uint32_t> members, uint64_t through,
                    const EntryVisitor& visitor);

}  // namespace loyalty::engine

// The parallel stage: what can be known of a batch before its turn, worked out on the caller's thread.
#pragma once

#include <memory>
#include <span>

#include "engine/batch.h"
#include "engine/core.h"

namespace loyalty::engine {

// Checks forms, finds members' slots, and looks the ids up among the sealed ones: malformed postings
// and duplicates of sealed postings are answered here for good. `replies` must have the same size.
Result<std::shared_ptr<Batch>> Prepare(const Core& core, std::span<const Posting> postings,
                                       std::span<Reply> replies);

}  // namespace loyalty::engine

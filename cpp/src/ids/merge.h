// When runs are merged, and how.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ids/run.h"

namespace loyalty::ids {

using Runs = std::vector<std::shared_ptr<const IdRun>>;

// How many of the newest runs should become one now: kMergeWidth or 0. Merging those of one level,
// each id is rewritten once a level, and at most kMergeWidth - 1 runs of a level remain.
constexpr size_t kMergeWidth = 8;
// Runs do not grow beyond this: it bounds how long one Add takes (some seconds) and the RAM of a
// merge (two filters of 128 MiB). Beyond, there is one run more for every 64 M ids.
constexpr uint64_t kMaxRunIds = 1u << 26;
size_t RunsToMerge(std::span<const RunInfo> runs);

// Merges neighbouring runs into one of the next level, chunk by chunk. The run becomes whole by
// `batch`, as in RunWriter::Finish.
Result<std::shared_ptr<const IdRun>> MergeRuns(storage::Store* store,
                                               std::span<const std::shared_ptr<const IdRun>> runs,
                                               storage::Batch* batch);

}  // namespace loyalty::ids

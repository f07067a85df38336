// The end of a write-ahead log after a power loss.
//
// A batch that was being written when the power went may be on disk in part, and not the first
// part: file systems write pages in any order, and those that did not make it read as zeros.
// RocksDB accepts only a log that stops short, and refuses this one as damaged. Such a batch was
// not acknowledged, since its sync did not return: it may be cut off. Bit rot must not be, and
// looks different:
//   - a whole record behind the damage shows that the damaged one was synced before;
//   - without a page of zeros it is no torn write.
#pragma once

#include <rocksdb/env.h>

#include <optional>
#include <string>
#include <string_view>

#include "loyalty/status.h"

namespace loyalty::storage {

// Where the torn last record starts. Nothing if the log is whole, just stops short, or is damaged
// in any other way.
std::optional<size_t> FindTornTail(std::string_view log);

constexpr std::string_view kTornSuffix = ".torn";

// Cuts a torn last record off the newest log and keeps its bytes beside it in <log>.torn. True if
// there was one.
Result<bool> CutTornTail(rocksdb::Env* env, const std::string& directory);

}  // namespace loyalty::storage

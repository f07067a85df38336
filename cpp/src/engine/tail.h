// The journal's newest blocks in RAM: what ids and history have not taken in yet. Readers merge it,
// the maintainer consumes it, and originals of recent postings are found in it without disk.
//
// Thread safety: all methods, any thread.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "journal/journal.h"

namespace loyalty::engine {

using journal::SharedBlock;

class Tail {
 public:
  void Append(SharedBlock block);
  // Forgets the blocks that end at or before `sequence`.
  void DropThrough(uint64_t sequence);
  // The blocks from the one that holds `sequence` on.
  std::vector<SharedBlock> From(uint64_t sequence) const;
  std::optional<SharedBlock> Find(uint64_t sequence) const;

 private:
  // The index of the first block that ends at or after `sequence`.
  size_t IndexOf(uint64_t sequence) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::deque<SharedBlock> blocks_ GUARDED_BY(mutex_);
};

}  // namespace loyalty::engine

// The journal in the store: blocks by the sequence of their first entry, only ever appended.
//
// Thread safety: reads from any thread; Append from one thread at a time. Behind an interface of its own
// so that blocks may one day come from a replicated log.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "journal/block.h"
#include "storage/store.h"

namespace loyalty::journal {

// The end of the journal: sequence of the last entry, chain hash and recorded time of its block. All
// zero for an empty journal.
struct Head {
  uint64_t sequence = 0;
  Digest chain{};
  int64_t recorded_us = 0;
};

// A block with its bytes; shared, immutable.
struct SharedBlock {
  std::shared_ptr<const std::string> bytes;
  BlockView view;
};

class Journal {
 public:
  explicit Journal(storage::Store* store) : store_(store) {}

  // Writes and syncs one block, and with it what is in `batch`. It must follow the one before.
  Status Append(uint64_t first_sequence, std::string_view block, storage::Batch batch = {});
  // The block that holds `sequence`; kCorruption when there is none although there should be.
  Result<SharedBlock> Find(uint64_t sequence) const;
  // Visits the blocks from the one that holds `from` to the one that holds `through`, checking each block and
  // that it follows the one before (sequence and chain). `previous` is the chain hash before the first when
  // known, else null: then the block's own word is taken. The visitor returns a fault to stop. Returns where it
  // ended.
  using Visitor = std::function<Status(const BlockView& view, std::string_view bytes)>;
  Result<Head> Scan(uint64_t from, uint64_t through, const Digest* previous,
                    const Visitor& visitor) const;
  // The end, by its last block. Zeros when empty.
  Result<Head> ReadHead() const;

 private:
  storage::Store* store_;
};

}  // namespace loyalty::journal

// Members' keys, kept beside the journal so that they can be erased: blocks never change, and have only a
// salted hash of each.
//
// Family kKeys: under the slot of the first member that a block opens (u32, big-endian), the keys of all the
// members that it opens, written with the block:
//
//   offset  bytes
//        0      4  magic "LYK1"
//        4      8  XXH3-64 of what follows
//       12      4  slot of the first member
//       16      4  members
//       20         of each: length of the key (u8), then, unless it is 0 (erased), 16 bytes of salt and the
//                  key in stored form
//
// The hash is the first 16 bytes of the SHA-256 of salt and key. Without the salt, nobody can tell by it
// whether a guess at the key was right. Two more records say how far erasing has come (Erasures).
//
// Thread safety: none is needed to read; Seal is called by one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "journal/block.h"
#include "storage/store.h"

namespace loyalty::journal {

constexpr size_t kKeyHashBytes = 16;

struct KeyRecord;

class KeyRecords {
 public:
  // Sequences: up to where members were erased, and up to where files were rid of their keys.
  struct Erasures {
    uint64_t erased = 0;
    uint64_t purged = 0;
  };

  explicit KeyRecords(storage::Store* store) : store_(store) {}

  // Before a group becomes a block: takes the keys out of the texts of its openings, leaving their hashes,
  // and puts the record of them into `batch`.
  void SealOpenings(Group* group, storage::Batch* batch);
  // Likewise of a group that erases members: their keys are in no record any more.
  Status SealErasing(Group* group, storage::Batch* batch);
  // Of a group as read from a block: puts the keys in the place of their hashes; empty when erased since.
  // kCorruption when a key is missing, or is not the one of then.
  Status Unseal(Group* group) const;

  Result<Erasures> ReadErasures() const;
  Status WritePurged(uint64_t sequence);

 private:
  // The record that has a member's key, or had it.
  Result<KeyRecord> Find(uint32_t slot) const;

  storage::Store* store_;
};

}  // namespace loyalty::journal

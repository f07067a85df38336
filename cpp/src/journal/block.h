// A journal block: many entries packed into one stored value. docs/storage_format.md has a worked example.
//
//   offset  bytes
//        0      4  magic "LYJB"
//        4      2  format version, 1
//        6      2  header bytes, 88
//        8      8  sequence of the first entry
//       16      4  entries
//       20      4  lot movements
//       24      8  recorded time, microseconds since 1970 UTC; never less than the block before
//       32      4  programme version
//       36      4  bytes of texts
//       40     32  chain hash of the block before (zeros in the first)
//       72      4  details: rows of what few entries have
//       76      4  zero, reserved
//       80      8  XXH3-64 of bytes 0 to 79 and of everything after byte 88
//       88         columns of the entries, of the movements, of the details if there are any, column of text
//                  lengths, texts
//
// All little-endian; columns as in columns.h. The chain hash of a block is the SHA-256 of all its bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "journal/columns.h"
#include "journal/details.h"
#include "journal/movements.h"
#include "loyalty/digest.h"
#include "loyalty/posting.h"
#include "loyalty/status.h"

namespace loyalty::journal {

constexpr uint16_t kBlockFormat = 1;
constexpr size_t kBlockHeaderBytes = 88;

// The content of a block, as rows.
struct Group {
  uint64_t first_sequence = 0;
  int64_t recorded_us = 0;
  uint32_t program_version = 0;
  std::vector<Entry> entries;
  std::vector<uint32_t> movement_counts;  // one an entry
  std::vector<LotMovement> movements;     // in the order of the entries
  std::vector<RowDetails> details;        // by row; none that are as in Details()
  std::vector<std::string>
      texts;  // one for each entry whose kind HasText(), in the order of the entries

  uint64_t next_sequence() const { return first_sequence + entries.size(); }
};

// Entries that come with a text: a member's key (StoredKey; in a block its salted hash, see key_records.h, or
// nothing when it was refused), a currency's name, a code, a programme, a run's name, a change of level
// (level_change.h).
constexpr bool HasText(Kind kind) {
  return kind == Kind::kOpenMember || kind == Kind::kDefineCurrency || kind == Kind::kDefineCode ||
         kind == Kind::kDefineProgram || kind == Kind::kRunStarted || kind == Kind::kRunFinished ||
         kind == Kind::kSetLevel || kind == Kind::kChangeLevel;
}

// A member's key as stored: 'i' and 8 bytes little-endian, or 't' and the text.
std::string StoredKey(const MemberKey& key);
// The view lives as long as `stored`; false when it is neither form.
bool ParseStoredKey(std::string_view stored, MemberKey* key);

// Requires at least one entry, and counts and texts that match them.
std::string EncodeBlock(const Group& group, const Digest& previous);
Digest ChainHash(std::string_view block);

// The columns of the entries. Their order is part of the format.
enum EntryColumn : size_t {
  kIdHi,
  kIdLo,
  kKind,
  kStatus,
  kCurrency,
  kMember,
  kEffective,
  kPoints,
  kMoney,
  kExpires,
  kBalance,
  kRelated,
  kTag,
  kRule,
  kChannel,
  kLocation,
  kCategory,
  kActor,
  kReason,
  kRelatedKind,
  kByProgramColumn,
  kMovements,  // how many lot movements the entry has; the others each hold a field of it
  kEntryColumns
};

// Reads a block by position. Does not own the bytes.
class BlockView {
 public:
  // kCorruption when the bytes are not a whole, undamaged block; kUnsupportedFormat for a newer one.
  static Result<BlockView> Parse(std::string_view block);

  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t last_sequence() const { return first_sequence_ + count_ - 1; }
  size_t count() const { return count_; }
  int64_t recorded_us() const { return recorded_us_; }
  uint32_t program_version() const { return program_version_; }
  const Digest& previous() const { return previous_; }

  Entry EntryAt(size_t i) const;
  // Fills `entries`, which has count() places, with all of them; quicker than one by one.
  void Entries(std::span<Entry> entries) const;
  // The ids of entries `from` to `to` - 1, in the place of what `ids` held.
  void Ids(size_t from, size_t to, std::vector<Id>* ids) const;
  uint32_t MemberAt(size_t i) const { return uint32_t(columns_[kMember][i]); }
  // All of it, as it was encoded, in the place of what `group` held.
  void Read(Group* group) const;
  Details DetailsAt(size_t i) const { return details_.Of(uint32_t(i)); }
  // The details of all entries that have some, in the place of what `all` held.
  void AllDetails(std::vector<RowDetails>* all) const { details_.Read(all); }
  // The movements and the text of entry i; walks the entries before it.
  std::vector<LotMovement> MovementsOf(size_t i) const;
  std::string_view TextOf(size_t i) const;

 private:
  Status ParseColumns(std::string_view payload, uint32_t movements, uint32_t details,
                      uint32_t text_bytes);

  uint64_t first_sequence_ = 0;
  size_t count_ = 0;
  int64_t recorded_us_ = 0;
  uint32_t program_version_ = 0;
  Digest previous_{};
  ColumnView columns_[kEntryColumns];
  MovementColumns movements_;
  DetailsColumns details_;
  ColumnView text_lengths_;
  size_t text_count_ = 0;
  std::string_view texts_;
};

}  // namespace loyalty::journal

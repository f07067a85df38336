// A piece: what one segment adds to one member range and month, by column.
//
//   byte     format: 0xC1
//   u32      count of rows (at least 1)
//   u32      columns present: bit c for column c; a column of nothing but its default is left out
//   columns  those present, by number, as in packed_column.h
//   u64      XXH3-64 of all before, XOR XXH3-64 of the key: a piece under another key is damage too
//
// Rows are ordered by member, then sequence. Columns that tier rules read come first.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "history/history.h"
#include "history/packed_column.h"
#include "history/partition.h"

namespace loyalty::history {

struct PieceKey {
  static constexpr size_t kBytes = 16;

  uint32_t range = 0;
  uint32_t month = 0;
  uint64_t first_sequence = 0;  // of the segment

  std::string Encode() const;
  static bool Decode(std::string_view bytes, PieceKey* key);
};
// For messages; of any bytes.
std::string KeyText(std::string_view key);

// Stored as bit and order of columns: numbers never change and are never reused. Defaults are 0 but
// for the first two.
enum Column : unsigned {
  kKind = 0,       // default: earn
  kStatus = 1,     // default: posted
  kMember = 2,     // offset in range
  kEffective = 3,  // microseconds since the month began
  kPoints = 4,
  kMoney = 5,
  kSequence = 6,  // above the segment's first
  kBalance = 7,
  // At most one of these: 0 is never, else microseconds since the month began (kExpires) or since
  // the effective time (kExpiresAfter). An expiry at that very time holds the number that never
  // would have had: INT64_MAX less that time.
  kExpires = 8,
  kExpiresAfter = 9,
  kRelated = 10,
  kTag = 11,
  kCurrency = 12,
  kRule = 13,
  kChannel = 14,
  kLocation = 15,
  kCategory = 16,
  kActor = 17,
  kReason = 18,
  kRelatedKind = 19,
};
constexpr unsigned kColumns = 20;

// Encodes the pieces of one segment, one after the other. Not thread-safe; owns neither argument.
class PieceEncoder {
 public:
  PieceEncoder(std::span<const Entry> segment, const Partition& partition)
      : segment_(segment), partition_(partition) {}

  // `rows` are all of one piece's, in order; the segment starts at the key's first_sequence. The
  // result lives until the next call.
  std::string_view Encode(const PieceKey& key, std::span<const Partition::Row> rows);

 private:
  void Gather(const PieceKey& key, std::span<const Partition::Row> rows);
  std::span<const int64_t> Values(unsigned column) const {
    return {values_.data() + column * stride_, count_};
  }
  void AppendColumns();
  void AppendExpiry(uint32_t* present);

  const std::span<const Entry> segment_;
  const Partition& partition_;
  std::vector<int64_t> values_;  // by column
  size_t stride_ = 0;
  size_t count_ = 0;
  std::string piece_;
};

// A piece checked and ready to read. Does not own the bytes.
class PieceView {
 public:
  // kCorruption for bytes that are not what was written under this key; kUnsupportedFormat.
  static Result<PieceView> Parse(std::string_view key, std::string_view piece);

  size_t count() const { return count_; }
  const PieceKey& key() const { return key_; }
  struct Rows {
    size_t from, to;
  };
  Rows RowsOf(uint32_t offset_in_range) const;
  // Appends rows as items, without their ids.
  void Read(Rows rows, std::vector<Item>* out) const;

 private:
  bool ParseColumns(std::string_view bytes);
  void ReadExpiry(Rows rows, Item* items) const;

  PieceKey key_;
  size_t count_ = 0;
  uint32_t present_ = 0;
  std::array<PackedColumn, kColumns> columns_;
};

}  // namespace loyalty::history

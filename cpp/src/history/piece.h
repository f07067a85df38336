// A piece: what one segment adds to one member range and month, by column, in parts that are read apart.
// Each part is a record of its own:
//
//   byte     format: 0xC2
//   u32      count of rows (at least 1)
//   u32      columns present, of all parts: bit c for column c; a column of nothing but its default is left
//            out, and a part of nothing but such columns has no record, unless it is the first one
//   columns  those of the part that are present, by number, as in packed_column.h
//   u64      XXH3-64 of all before, XOR XXH3-64 of the key: a part under another key is damage too
//
// Rows are ordered by member, then sequence.
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

// Stored, in this order: what a scan for tiers reads lies together, and apart from what it does not.
enum class Part : uint8_t { kMeasures = 0, kTimes = 1, kCodes = 2, kRest = 3 };
constexpr std::array kParts = {Part::kMeasures, Part::kTimes, Part::kCodes, Part::kRest};

struct PieceKey {
  static constexpr size_t kBytes = 17;

  Part part = Part::kMeasures;
  uint32_t range = 0;
  uint32_t month = 0;
  uint64_t first_sequence = 0;  // of the segment

  auto operator<=>(const PieceKey&) const = default;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, PieceKey* key);
};
// For messages; of any bytes.
std::string KeyText(std::string_view key);
// kCorruption, of the record with that key.
Status Damaged(std::string_view key, const char* what);

// Stored as bit and order of columns: numbers never change and are never reused. Defaults are 0 but
// for the first two.
enum Column : unsigned {
  kKind = 0,    // default: earn
  kStatus = 1,  // default: posted
  kMember = 2,  // offset in range
  kPoints = 3,
  kMoney = 4,
  kCurrency = 5,
  kRelatedKind = 6,

  kEffective = 7,  // microseconds since the month began

  kRule = 8,
  kChannel = 9,
  kLocation = 10,
  kCategory = 11,

  kSequence = 12,  // above the segment's first
  kBalance = 13,
  // At most one of these: 0 is never, else microseconds since the month began (kExpires) or since
  // the effective time (kExpiresAfter). An expiry at that very time holds the number that never
  // would have had: INT64_MAX less that time.
  kExpires = 14,
  kExpiresAfter = 15,
  kRelated = 16,
  kTag = 17,
  kActor = 18,
  kReason = 19,

  // Remarks. Of the measures:
  kRemark = 20,  // RemarkKind
  kOfTime = 21,  // microseconds since the month began
  kOfPoints = 22,
  kOfMoney = 23,
  kOfVisits = 24,
  // Of the codes:
  kOfRule = 25,
  kOfChannel = 26,
  kOfLocation = 27,
  kOfCategory = 28,
};
constexpr unsigned kColumns = 29;
constexpr unsigned kFirstRemarkColumn = kRemark;
enum RemarkKind : uint8_t { kNoRemark = 0, kWaits = 1, kCorrects = 2 };

// The columns of a part, as bits.
constexpr uint32_t ColumnsOf(Part part) {
  switch (part) {
    case Part::kMeasures: return 0x1f0'007f;
    case Part::kTimes: return 1u << kEffective;
    case Part::kCodes: return 0x1e00'0f00;
    case Part::kRest: return 0xf'f000;
  }
  return 0;
}

// Encodes the pieces of one segment, one after the other. Not thread-safe; owns neither argument.
class PieceEncoder {
 public:
  PieceEncoder(std::span<const Entry> segment, std::span<const RemarkAt> remarks,
               const Partition& partition);

  // Takes all rows of the next piece, in order.
  void Take(uint32_t month, std::span<const Partition::Row> rows);
  // Whether a part of the piece has a record.
  bool Has(Part part) const { return part == Part::kMeasures || (present_ & ColumnsOf(part)); }
  // A part of the piece; the segment starts at the key's first_sequence. The result lives until the next call.
  std::string_view Encode(const PieceKey& key);

 private:
  void Gather(uint32_t month, std::span<const Partition::Row> rows);
  // Whether there are any.
  bool GatherRemarks(uint32_t month, std::span<const Partition::Row> rows);
  void EncodeExpiry();
  std::span<const int64_t> Values(unsigned column) const {
    return {values_.data() + column * stride_, count_};
  }

  const std::span<const Entry> segment_;
  const std::span<const RemarkAt> remarks_;
  std::vector<bool> has_remark_;  // by entry; empty when there is none
  const Partition& partition_;
  std::vector<int64_t> values_;  // by column
  size_t stride_ = 0;
  size_t count_ = 0;
  uint32_t present_ = 0;
  std::string expiry_;  // its column, of the coding that takes less room
  std::string record_;
};

// A part of a piece, checked and ready to read. Does not own the bytes.
class PieceView {
 public:
  // kCorruption for bytes that are not what was written under this key; kUnsupportedFormat.
  static Result<PieceView> Parse(std::string_view key, std::string_view record);

  // A part that has none, because all its columns hold only defaults.
  static PieceView WithoutRecord(std::string_view key, const PieceView& measures);

  size_t count() const { return count_; }
  const PieceKey& key() const { return key_; }
  // Whether another part of the piece has a record.
  bool Has(Part part) const { return present_ & ColumnsOf(part); }
  struct Rows {
    size_t from, to;
  };
  // Of the measures.
  Rows RowsOf(uint32_t offset_in_range) const;
  // A column of the part, and whether it holds nothing but its default.
  const PackedColumn& column(Column column) const { return columns_[column]; }
  bool IsDefault(Column column) const { return !(present_ >> column & 1); }
  // Fills the fields of rows that the part has; the rest needs the times to be there. An item's id stays as
  // it is.
  void Read(Rows rows, Item* items) const;

 private:
  bool ParseColumns(std::string_view bytes);
  void ReadMeasures(Rows rows, Item* items) const;
  void ReadCodes(Rows rows, Item* items) const;
  void ReadRest(Rows rows, Item* items) const;
  void ReadExpiry(Rows rows, Item* items) const;
  template <typename Put>
  void ReadColumn(unsigned column, Rows rows, Item* items, Put put) const {
    columns_[column].ForEach(rows.from, rows.to,
                             [&](size_t i, int64_t value) { put(items[i], value); });
  }

  PieceKey key_;
  size_t count_ = 0;
  uint32_t present_ = 0;
  std::array<PackedColumn, kColumns> columns_;
};

}  // namespace loyalty::history

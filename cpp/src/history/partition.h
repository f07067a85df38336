// Puts the entries of a segment into the order in which pieces hold them.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "history/history.h"
#include "loyalty/posting.h"
#include "loyalty/status.h"

namespace loyalty::history {

class Partition {
 public:
  // Range, month above the segment's first, member in range; then the entry's index. One word,
  // because the sort is bound by memory.
  using Row = uint64_t;

  // Orders the entries that have a member by range, month of effective time, member, and index. A
  // radix sort of only the bits in use: 2 passes for 1 M members and 2 months. kInternal for an
  // effective time outside of [kMinTime_us, kMaxTime_us), naming the index, and for rows that do
  // not fit their word: any 2^20 entries do, and 2^30 members in 2^22 entries.
  static Result<Partition> Make(std::span<const Entry> entries);

  std::span<const Row> rows() const { return rows_; }
  uint32_t IndexOf(Row row) const { return uint32_t(row & Ones(index_bits_)); }
  // Rows of the same piece share this number.
  uint64_t PieceOf(Row row) const { return row >> (index_bits_ + kMemberBits); }
  uint32_t RangeOf(Row row) const { return uint32_t(PieceOf(row) >> month_bits_); }
  uint32_t MonthOf(Row row) const {
    return first_month_ + uint32_t(PieceOf(row) & Ones(month_bits_));
  }

 private:
  static constexpr unsigned kMemberBits = std::countr_zero(kRangeMembers);
  static uint64_t Ones(unsigned bits) { return (uint64_t(1) << bits) - 1; }

  Status Collect(std::span<const Entry> entries);
  Status Pack();
  void Sort();

  std::vector<Row> rows_;
  uint32_t first_month_ = UINT32_MAX;
  uint32_t last_month_ = 0;
  uint32_t members_ = 0;  // all bits in use
  unsigned index_bits_ = 0;
  unsigned month_bits_ = 0;
  unsigned place_bits_ = 0;  // of a row without its index
};

}  // namespace loyalty::history

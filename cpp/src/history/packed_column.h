// Column codec of history pieces: integers as bit-packed steps above the least of them.
//
//   byte     bits 0-6: width, the bits a value: 0 to 56, or 64. Bit 7: sparse
//   varint   base: the least value, zigzag
//   varint   step: the greatest common divisor of (value - base); 1 when width is 0
//   present  sparse only: one bit a row, least significant first, to a whole byte: 1 when the row
//            has a value below, 0 when it holds the column's default
//   values   (value - base) / step, width bits each, least significant first, to a whole byte
//
// Against journal/columns.h (whole bytes, 9-byte heads) this halves a piece, to 12.6 from 26.2
// bytes an entry on the data of benchmarks/cpp/history_bench.cpp: the step takes the zeros out of
// times in whole seconds and makes any column of two values one bit wide; the sparse form keeps
// rare wide values (reversals, adjustments) from widening every row. Any row of a column that is
// not sparse is read by position. Every 8 values fill whole bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace loyalty::history {

enum class Layout { kByPosition, kSparseWhenSmaller };

// True when every value is `value`.
bool AllEqual(std::span<const int64_t> values, int64_t value);

// Appends a column of at least one value. The default is what a sparse column leaves out.
void AppendColumn(std::span<const int64_t> values, int64_t default_value, Layout layout,
                  std::string* out);

// Reads a column in place. Reads up to 7 bytes behind the column: a piece ends in 8 bytes of
// checksum.
class PackedColumn {
 public:
  // Takes the column off the front of `bytes`; false if it does not fit there.
  bool Parse(size_t rows, int64_t default_value, Layout layout, std::string_view* bytes);
  // A column that a piece leaves out.
  static PackedColumn Constant(int64_t value);

  // Requires Layout::kByPosition.
  int64_t operator[](size_t row) const {
    const uint64_t bit = uint64_t(row) * width_;
    uint64_t word;
    std::memcpy(&word, values_ + (bit >> 3), sizeof word);
    return int64_t(base_ + ((word >> (bit & 7)) & mask_) * step_);
  }

  // Writes the values of the first `rows` rows, all of them if that is what there are; those that do not fit T are
  // cut to it. T: uint8_t, uint16_t, uint32_t or int64_t.
  template <typename T>
  void Unpack(size_t rows, T* out) const;

  // No value is outside of them.
  struct Bounds {
    int64_t low;
    int64_t high;
  };
  Bounds bounds() const;
  // Whether each value is one of the bounds.
  bool HasTwoValues() const { return mask_ <= 1 && !present_; }
  // The same column, with other values in place of these two.
  PackedColumn WithValues(int64_t low, int64_t high) const;

  // Calls put(row - from, value) for every row in [from, to).
  template <typename Put>
  void ForEach(size_t from, size_t to, Put put) const {
    if (!present_) {
      for (size_t row = from; row < to; ++row) put(row - from, (*this)[row]);
      return;
    }
    size_t rank = PresentBefore(from);
    for (size_t row = from; row < to; ++row) {
      const bool is_present = (present_[row >> 3] >> (row & 7)) & 1;
      put(row - from, is_present ? (*this)[rank++] : default_);
    }
  }

  // Calls put(row, value) for every row < rows that a sparse column has a value of; of another column, for every
  // row.
  template <typename Put>
  void ForEachPresent(size_t rows, Put put) const {
    if (!present_) {
      for (size_t row = 0; row < rows; ++row) put(row, (*this)[row]);
      return;
    }
    size_t rank = 0;
    for (size_t first = 0; first < rows; first += 8) {
      for (unsigned bits = uint8_t(present_[first >> 3]); bits; bits &= bits - 1, ++rank) {
        put(first + size_t(std::countr_zero(bits)), (*this)[rank]);
      }
    }
  }

 private:
  size_t PresentBefore(size_t row) const;

  // A column without values still reads (and masks out) one word.
  static constexpr char kNothing[8] = {};

  const char* values_ = kNothing;
  const char* present_ = nullptr;  // the bits of a sparse column
  uint64_t base_ = 0;
  uint64_t step_ = 1;
  uint64_t mask_ = 0;
  int64_t default_ = 0;
  unsigned width_ = 0;
};

}  // namespace loyalty::history

// Column codec: n integers as (width, base, n fixed-width offsets from the base).
//
//   byte 0      width w: 0 to 8 bytes an offset
//   bytes 1-8   base: the least value, little-endian
//   then        n * w bytes: value - base, little-endian, w bytes each (none when w == 0)
//
// So a constant column costs 9 bytes whatever its length, any value is read by position, and encoding
// needs no tables. Signed values are ordered as signed: Encode<int64_t> takes the signed minimum.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace loyalty::journal {

static_assert(std::endian::native == std::endian::little, "stored integers are little-endian");

constexpr size_t kColumnHeaderBytes = 9;

// What a column's values lie between.
template <typename T>
struct ColumnRange {
  T low = 0;
  T high = 0;

  void Include(T v) {
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
};

// The bytes that an offset takes in a column of values from `low` to `high`.
inline unsigned OffsetWidth(uint64_t low, uint64_t high) {
  return unsigned(std::bit_width(high - low) + 7) / 8;
}

// Calls with_width(std::integral_constant<unsigned, w>) for the width w of 0 to 8, so that loops over
// offsets are compiled for each.
template <typename WithWidth>
void SwitchWidth(unsigned width, WithWidth with_width) {
  switch (width) {
    case 0: return with_width(std::integral_constant<unsigned, 0>());
    case 1: return with_width(std::integral_constant<unsigned, 1>());
    case 2: return with_width(std::integral_constant<unsigned, 2>());
    case 3: return with_width(std::integral_constant<unsigned, 3>());
    case 4: return with_width(std::integral_constant<unsigned, 4>());
    case 5: return with_width(std::integral_constant<unsigned, 5>());
    case 6: return with_width(std::integral_constant<unsigned, 6>());
    case 7: return with_width(std::integral_constant<unsigned, 7>());
    default: return with_width(std::integral_constant<unsigned, 8>());
  }
}

// Appends the column's header and room for its offsets; returns where in `out` these begin.
inline size_t AppendColumnHeader(unsigned width, uint64_t base, size_t count, std::string* out) {
  const size_t start = out->size();
  out->resize(start + kColumnHeaderBytes + count * width);
  (*out)[start] = char(width);
  std::memcpy(out->data() + start + 1, &base, sizeof base);
  return start + kColumnHeaderBytes;
}

// Writes the offsets of value(from) to value(to - 1) into a column whose offsets begin at `offsets`.
template <typename Value>
void PackOffsets(unsigned width, uint64_t base, size_t from, size_t to, Value value,
                 char* offsets) {
  SwitchWidth(width, [&](auto w) {
    for (size_t i = from; i < to; ++i) {
      const uint64_t offset = uint64_t(value(i)) - base;
      std::memcpy(offsets + i * w, &offset, w);
    }
  });
}

// Appends `count` values, value(i) for i in [0, count), to `out`.
template <typename T, typename Value>
void EncodeColumn(size_t count, std::string* out, Value value) {
  const T first = count ? T(value(0)) : T(0);
  ColumnRange<T> range{first, first};
  for (size_t i = 1; i < count; ++i) range.Include(T(value(i)));
  const auto base = uint64_t(range.low);
  const unsigned width = OffsetWidth(base, uint64_t(range.high));
  const size_t at = AppendColumnHeader(width, base, count, out);
  PackOffsets(
      width, base, 0, count, [&](size_t i) { return T(value(i)); }, out->data() + at);
}

// Reads one column of `count` values; requires Parse() to have returned true.
class ColumnView {
 public:
  // Takes the column off the front of `bytes`; false if it does not fit there.
  bool Parse(size_t count, std::string_view* bytes) {
    if (bytes->size() < kColumnHeaderBytes) return false;
    width_ = uint8_t((*bytes)[0]);
    if (width_ > 8 || (width_ && count > (bytes->size() - kColumnHeaderBytes) / width_))
      return false;
    std::memcpy(&base_, bytes->data() + 1, 8);
    values_ = bytes->data() + kColumnHeaderBytes;
    count_ = count;
    bytes->remove_prefix(kColumnHeaderBytes + count * width_);
    return true;
  }

  uint64_t operator[](size_t i) const {
    uint64_t offset = 0;
    SwitchWidth(width_, [&](auto w) { std::memcpy(&offset, values_ + i * w, w); });
    return base_ + offset;
  }

  // Whether all values are the same.
  bool constant() const { return width_ == 0; }

  // Calls put(i, value) for from <= i < to; quicker than indexing one by one.
  template <typename Put>
  void ForEach(size_t from, size_t to, Put put) const {
    SwitchWidth(width_, [&](auto w) {
      for (size_t i = from; i < to; ++i) {
        uint64_t offset = 0;
        std::memcpy(&offset, values_ + i * w, w);
        put(i, base_ + offset);
      }
    });
  }
  template <typename Put>
  void ForEach(Put put) const {
    ForEach(0, count_, put);
  }

 private:
  const char* values_ = nullptr;
  uint64_t base_ = 0;
  size_t count_ = 0;
  unsigned width_ = 0;
};

}  // namespace loyalty::journal

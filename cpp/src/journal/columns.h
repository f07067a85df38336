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

namespace loyalty::journal {

static_assert(std::endian::native == std::endian::little, "stored integers are little-endian");

constexpr size_t kColumnHeaderBytes = 9;

// Appends `count` values, value(i) for i in [0, count), to `out`.
template <typename T, typename Value>
void EncodeColumn(size_t count, std::string* out, Value value) {
  T low = count ? T(value(0)) : T(0);
  T high = low;
  for (size_t i = 1; i < count; ++i) {
    const T v = value(i);
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  const uint64_t base = uint64_t(low);
  const unsigned width = (std::bit_width(uint64_t(high) - base) + 7) / 8;
  const size_t start = out->size();
  out->resize(start + kColumnHeaderBytes + count * width + (width ? 8 : 0));
  char* to = out->data() + start;
  *to = char(width);
  std::memcpy(to + 1, &base, 8);
  to += kColumnHeaderBytes;
  if (width == 0) return;
  for (size_t i = 0; i < count; ++i, to += width) {
    const uint64_t offset = uint64_t(T(value(i))) - base;
    std::memcpy(to, &offset, 8);  // the next value overwrites what is beyond `width`
  }
  out->resize(start + kColumnHeaderBytes + count * width);
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
    if (width_ == 0) return base_;
    uint64_t offset = 0;
    std::memcpy(&offset, values_ + i * width_, width_);
    return base_ + offset;
  }

  // Calls put(i, value) for every value; quicker than indexing one by one.
  template <typename Put>
  void ForEach(Put put) const {
    switch (width_) {
      case 0:
        for (size_t i = 0; i < count_; ++i) put(i, base_);
        return;
      case 1: return Walk<1>(put);
      case 2: return Walk<2>(put);
      case 3: return Walk<3>(put);
      case 4: return Walk<4>(put);
      case 5: return Walk<5>(put);
      case 6: return Walk<6>(put);
      case 7: return Walk<7>(put);
      default: return Walk<8>(put);
    }
  }

 private:
  template <unsigned kWidth, typename Put>
  void Walk(Put put) const {
    const char* from = values_;
    for (size_t i = 0; i < count_; ++i, from += kWidth) {
      uint64_t offset = 0;
      std::memcpy(&offset, from, kWidth);
      put(i, base_ + offset);
    }
  }

  const char* values_ = nullptr;
  uint64_t base_ = 0;
  size_t count_ = 0;
  unsigned width_ = 0;
};

}  // namespace loyalty::journal

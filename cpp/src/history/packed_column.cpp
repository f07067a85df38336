#include "history/packed_column.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "base/varint.h"

namespace loyalty::history {
namespace {

// Eight values at a time, which begin and end with a byte, and lie where the compiler knows: two to three times
// as fast as one by one. The number of rows is a multiple of eight.
template <unsigned kWidth, typename T, typename Map>
void UnpackEights(const char* bytes, size_t rows, Map map, T* out) {
  constexpr uint64_t kMask = kWidth == 0 ? 0 : ~uint64_t(0) >> (64 - kWidth);
  const auto eight = [&]<size_t... kPlace>(std::index_sequence<kPlace...>) {
    const auto at = [&](size_t bit) {
      uint64_t word;
      std::memcpy(&word, bytes + (bit >> 3), sizeof word);
      return (word >> (bit & 7)) & kMask;
    };
    ((out[kPlace] = T(map(at(kPlace * kWidth)))), ...);
  };
  for (size_t row = 0; row < rows; row += 8, bytes += kWidth, out += 8) {
    eight(std::make_index_sequence<8>());
  }
}

template <unsigned kWidth, typename T>
void UnpackWidth(const char* bytes, size_t rows, uint64_t base, uint64_t step, T* out) {
  if (step == 1) {
    UnpackEights<kWidth>(
        bytes, rows, [=](uint64_t v) { return base + v; }, out);
  } else {
    UnpackEights<kWidth>(
        bytes, rows, [=](uint64_t v) { return base + v * step; }, out);
  }
}

template <typename T>
using Unpacker = void (*)(const char*, size_t, uint64_t, uint64_t, T*);
template <typename T, size_t... kWidths>
constexpr std::array<Unpacker<T>, sizeof...(kWidths)> Unpackers(std::index_sequence<kWidths...>) {
  return {UnpackWidth<kWidths, T>...};
}

constexpr unsigned kSparseFlag = 0x80;
constexpr unsigned kMaxPackedBits = 56;  // with a shift of up to 7 bits it still fits a word

// Divides multiples of one number by a multiplication with its inverse modulo 2^64 (Hacker's
// Delight, second edition, 10-16 and 10-17): a division for every value would cost more than the
// packing.
class ExactDivider {
 public:
  explicit ExactDivider(uint64_t divisor)
      : divisor_(divisor), limit_(UINT64_MAX / divisor), shift_(std::countr_zero(divisor)) {
    const uint64_t odd = divisor >> shift_;
    inverse_ = (3 * odd) ^ 2;  // right in 5 bits; every round of Newton's doubles them
    for (int round = 0; round < 4; ++round) inverse_ *= 2 - odd * inverse_;
  }

  uint64_t divisor() const { return divisor_; }
  uint64_t Quotient(uint64_t multiple) const { return std::rotr(multiple * inverse_, shift_); }
  bool Divides(uint64_t value) const { return Quotient(value) <= limit_; }

 private:
  uint64_t divisor_;
  uint64_t limit_;
  uint64_t inverse_;
  int shift_;
};

struct Packing {
  uint64_t base;
  ExactDivider step;
  unsigned width;
};

ExactDivider CommonStep(std::span<const int64_t> values, uint64_t base, uint64_t range) {
  ExactDivider step(range);
  for (const int64_t value : values) {
    const uint64_t offset = uint64_t(value) - base;
    if (step.Divides(offset)) continue;
    step = ExactDivider(std::gcd(step.divisor(), offset));
    if (step.divisor() == 1) break;
  }
  return step;
}

Packing Plan(std::span<const int64_t> values) {
  // Two lanes: a minimum waits for the one before.
  int64_t low = values[0];
  int64_t high = values[0];
  int64_t low2 = low;
  int64_t high2 = high;
  for (size_t i = 1; i + 1 < values.size(); i += 2) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
    low2 = std::min(low2, values[i + 1]);
    high2 = std::max(high2, values[i + 1]);
  }
  low = std::min({low, low2, values.back()});
  high = std::max({high, high2, values.back()});
  const uint64_t range = uint64_t(high) - uint64_t(low);
  if (range <= 1) return {uint64_t(low), ExactDivider(1), unsigned(range)};
  const ExactDivider step = CommonStep(values, uint64_t(low), range);
  const unsigned width = unsigned(std::bit_width(range / step.divisor()));
  return {uint64_t(low), step, width > kMaxPackedBits ? 64 : width};
}

size_t PackedBytes(size_t values, unsigned width) { return (uint64_t(values) * width + 7) / 8; }

void AppendHead(const Packing& packing, unsigned flags, std::string* out) {
  out->push_back(char(packing.width | flags));
  AppendVarint(ZigZag(int64_t(packing.base)), out);
  AppendVarint(packing.step.divisor(), out);
}

// Packs up to 8 values from `to` on. Stores whole words: what is beyond the last value is zero, and
// overwritten by the next eight. Eights do not depend on each other, so the processor overlaps
// them.
inline void PackEight(const int64_t* values, size_t count, const Packing& packing, char* to) {
  uint64_t word = 0;
  unsigned used = 0;
#pragma GCC unroll 8
  for (size_t i = 0; i < count; ++i) {
    word |= packing.step.Quotient(uint64_t(values[i]) - packing.base) << used;
    std::memcpy(to, &word, sizeof word);
    used += packing.width;
    to += used >> 3;
    word >>= used & ~7u;
    used &= 7;
  }
}

void AppendValues(std::span<const int64_t> values, const Packing packing, std::string* out) {
  if (packing.width == 0) return;
  const size_t start = out->size();
  out->resize(start + PackedBytes(values.size(), packing.width) + 8);
  char* to = out->data() + start;
  if (packing.width == 64) {
    for (size_t i = 0; i < values.size(); ++i) {
      const uint64_t quotient = packing.step.Quotient(uint64_t(values[i]) - packing.base);
      std::memcpy(to + 8 * i, &quotient, sizeof quotient);
    }
  } else {
    size_t i = 0;
    for (; i + 8 <= values.size(); i += 8, to += packing.width)
      PackEight(&values[i], 8, packing, to);
    if (i < values.size()) PackEight(&values[i], values.size() - i, packing, to);
  }
  out->resize(start + PackedBytes(values.size(), packing.width));
}

// Appends the sparse form and returns true if it is smaller than `dense`.
bool AppendSparse(std::span<const int64_t> values, int64_t default_value, const Packing& dense,
                  std::string* out) {
  const auto defaults = size_t(std::count(values.begin(), values.end(), default_value));
  if (dense.width < 2 || defaults < values.size() / 4 || defaults == values.size()) return false;
  std::string present((values.size() + 7) / 8, '\0');
  std::vector<int64_t> kept;
  kept.reserve(values.size() - defaults);
  for (size_t row = 0; row < values.size(); ++row) {
    if (values[row] == default_value) continue;
    present[row >> 3] = char(present[row >> 3] | 1 << (row & 7));
    kept.push_back(values[row]);
  }
  const Packing packing = Plan(kept);
  if (present.size() + PackedBytes(kept.size(), packing.width) >=
      PackedBytes(values.size(), dense.width)) {
    return false;
  }
  AppendHead(packing, kSparseFlag, out);
  out->append(present);
  AppendValues(kept, packing, out);
  return true;
}

}  // namespace

bool AllEqual(std::span<const int64_t> values, int64_t value) {
  return values.empty() ||
         (values[0] == value &&
          std::memcmp(&values[0], &values[0] + 1, (values.size() - 1) * sizeof value) == 0);
}

void AppendColumn(std::span<const int64_t> values, int64_t default_value, Layout layout,
                  std::string* out) {
  const Packing packing = Plan(values);
  if (layout == Layout::kSparseWhenSmaller && AppendSparse(values, default_value, packing, out)) {
    return;
  }
  AppendHead(packing, 0, out);
  AppendValues(values, packing, out);
}

PackedColumn PackedColumn::Constant(int64_t value) {
  PackedColumn column;
  column.base_ = uint64_t(value);
  return column;
}

bool PackedColumn::Parse(size_t rows, int64_t default_value, Layout layout,
                         std::string_view* bytes) {
  if (bytes->empty()) return false;
  const unsigned head = uint8_t(bytes->front());
  bytes->remove_prefix(1);
  uint64_t base = 0;
  if (!TakeVarint(bytes, &base) || !TakeVarint(bytes, &step_)) return false;
  base_ = uint64_t(UnZigZag(base));
  default_ = default_value;
  width_ = head & ~kSparseFlag;
  if (width_ > kMaxPackedBits && width_ != 64) return false;
  mask_ = width_ == 64 ? UINT64_MAX : (uint64_t(1) << width_) - 1;
  size_t values = rows;
  if (head & kSparseFlag) {
    const size_t present_bytes = (rows + 7) / 8;
    if (layout == Layout::kByPosition || bytes->size() < present_bytes) return false;
    present_ = bytes->data();
    values = PresentBefore(rows);
    bytes->remove_prefix(present_bytes);
  }
  const size_t value_bytes = PackedBytes(values, width_);
  if (bytes->size() < value_bytes) return false;
  values_ = bytes->data();
  bytes->remove_prefix(value_bytes);
  return true;
}

size_t PackedColumn::PresentBefore(size_t row) const {
  size_t count = 0;
  size_t byte = 0;
  for (; byte + 8 <= row / 8; byte += 8) {
    uint64_t word;
    std::memcpy(&word, present_ + byte, sizeof word);
    count += size_t(std::popcount(word));
  }
  for (; byte < row / 8; ++byte) count += size_t(std::popcount(uint8_t(present_[byte])));
  if (row % 8) count += size_t(std::popcount(uint8_t(present_[byte] & ((1 << row % 8) - 1))));
  return count;
}

template <typename T>
void PackedColumn::Unpack(size_t rows, T* out) const {
  static constexpr auto kUnpackers = Unpackers<T>(std::make_index_sequence<kMaxPackedBits + 1>());
  size_t done = 0;
  if (!present_ && width_ < kUnpackers.size()) {
    done = rows / 8 * 8;
    kUnpackers[width_](values_, done, base_, step_, out);
  }
  ForEach(done, rows, [=](size_t i, int64_t value) { out[done + i] = T(value); });
}
template void PackedColumn::Unpack(size_t, uint8_t*) const;
template void PackedColumn::Unpack(size_t, uint16_t*) const;
template void PackedColumn::Unpack(size_t, uint32_t*) const;
template void PackedColumn::Unpack(size_t, int64_t*) const;

PackedColumn::Bounds PackedColumn::bounds() const {
  const auto low = int64_t(base_);
  uint64_t most = 0;
  int64_t high = 0;
  if (__builtin_mul_overflow(mask_, step_, &most) || most > uint64_t(INT64_MAX) ||
      __builtin_add_overflow(low, int64_t(most), &high)) {
    return {INT64_MIN, INT64_MAX};
  }
  return present_ ? Bounds{std::min(low, default_), std::max(high, default_)} : Bounds{low, high};
}

PackedColumn PackedColumn::WithValues(int64_t low, int64_t high) const {
  PackedColumn other = *this;
  other.base_ = uint64_t(low);
  other.step_ = uint64_t(high) - uint64_t(low);
  return other;
}

}  // namespace loyalty::history

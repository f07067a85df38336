#include "history/packed_column.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/varint.h"

namespace loyalty::history {
namespace {

constexpr std::string_view kBehind = "8 behind";  // where a piece has its checksum

std::string Encoded(const std::vector<int64_t>& values, int64_t default_value, Layout layout) {
  std::string bytes;
  AppendColumn(values, default_value, layout, &bytes);
  return bytes;
}

// Encodes, decodes every way there is, and returns the size.
size_t ExpectRoundTrip(const std::vector<int64_t>& values, int64_t default_value, Layout layout) {
  const std::string bytes = Encoded(values, default_value, layout);
  const std::string stored = bytes + std::string(kBehind);
  std::string_view rest = stored;
  PackedColumn column;
  EXPECT_TRUE(column.Parse(values.size(), default_value, layout, &rest));
  EXPECT_EQ(rest, kBehind);
  for (const size_t from : {size_t(0), values.size() / 3, values.size() - 1}) {
    std::vector<int64_t> decoded(values.size() - from);
    column.ForEach(from, values.size(), [&](size_t i, int64_t value) { decoded.at(i) = value; });
    EXPECT_EQ(decoded, std::vector<int64_t>(values.begin() + ptrdiff_t(from), values.end()));
  }
  const PackedColumn::Bounds bounds = column.bounds();
  for (const int64_t value : values) EXPECT_TRUE(bounds.low <= value && value <= bounds.high);
  for (const size_t rows : {values.size(), values.size() / 2}) {
    std::vector<int64_t> all(rows);
    column.Unpack(rows, all.data());
    EXPECT_EQ(all, std::vector<int64_t>(values.begin(), values.begin() + ptrdiff_t(rows)));
    std::vector<uint16_t> cut(rows);
    column.Unpack(rows, cut.data());
    EXPECT_EQ(cut, std::vector<uint16_t>(all.begin(), all.end()));
  }
  if (layout == Layout::kByPosition) {
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(column[i], values[i]);
  }
  return bytes.size();
}

TEST(PackedColumnTest, EveryWidthCountAndStep) {
  std::mt19937_64 random(1);
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (const size_t count : {1, 2, 7, 8, 9, 64, 100}) {
      for (const uint64_t step : {1, 3, 1000, 1'000'000}) {
        std::vector<int64_t> values(count);
        const uint64_t base = random();
        for (int64_t& value : values) {
          const uint64_t offset = bits ? random() >> (64 - bits) : 0;
          value = int64_t(base + offset / step * step);
        }
        ExpectRoundTrip(values, 0, Layout::kByPosition);
        ExpectRoundTrip(values, values[0], Layout::kSparseWhenSmaller);
      }
    }
  }
}

TEST(PackedColumnTest, TwoValuesMayBeOthers) {
  for (const auto& [low, high] : {std::pair(2, 3), std::pair(-7, 40), std::pair(5, 5)}) {
    std::vector<int64_t> values;
    for (int i = 0; i < 19; ++i) values.push_back(i % 3 == 0 ? low : high);
    const std::string stored = Encoded(values, 0, Layout::kByPosition) + std::string(kBehind);
    std::string_view rest = stored;
    PackedColumn column;
    ASSERT_TRUE(column.Parse(values.size(), 0, Layout::kByPosition, &rest));
    ASSERT_TRUE(column.HasTwoValues());
    std::vector<int64_t> others(values.size());
    column.WithValues(-1, low == high ? -1 : 0).Unpack(others.size(), others.data());
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(others[i], values[i] == low ? -1 : 0);
  }
  const std::string stored = Encoded({1, 2, 3}, 0, Layout::kByPosition) + std::string(kBehind);
  std::string_view rest = stored;
  PackedColumn column;
  ASSERT_TRUE(column.Parse(3, 0, Layout::kByPosition, &rest));
  EXPECT_FALSE(column.HasTwoValues());
}

TEST(PackedColumnTest, Extremes) {
  ExpectRoundTrip({INT64_MIN, INT64_MAX, 0, -1, 1}, 0, Layout::kByPosition);
  ExpectRoundTrip({INT64_MAX}, 0, Layout::kByPosition);
  ExpectRoundTrip({INT64_MIN}, 0, Layout::kSparseWhenSmaller);
}

TEST(PackedColumnTest, StepsMakeColumnsNarrow) {
  std::vector<int64_t> seconds;
  std::vector<int64_t> either;
  for (int64_t i = 0; i < 800; ++i) {
    seconds.push_back(1'704'067'200'000'000 + i * i % 1024 * 1'000'000);
    either.push_back(i % 3 ? 1 : 66);
  }
  EXPECT_LE(ExpectRoundTrip(seconds, 0, Layout::kByPosition), 800u * 10 / 8 + 16);
  EXPECT_LE(ExpectRoundTrip(either, 1, Layout::kByPosition), 800u / 8 + 4);
}

TEST(PackedColumnTest, RareValuesDoNotWidenEveryRow) {
  std::mt19937_64 random(2);
  std::vector<int64_t> values(10'000, 7);
  for (int i = 0; i < 100; ++i) values[random() % values.size()] = int64_t(random() >> 24);
  EXPECT_LE(ExpectRoundTrip(values, 7, Layout::kSparseWhenSmaller), 10'000u / 8 + 100 * 5 + 32);
  EXPECT_GE(ExpectRoundTrip(values, 7, Layout::kByPosition), 10'000u * 40 / 8);
}

TEST(PackedColumnTest, ACutColumnDoesNotParse) {
  const std::vector<int64_t> dense = {5, 1'000'000, -3, 17};
  std::vector<int64_t> rare(100, 0);
  rare[50] = 123'456'789;
  rare[51] = 1;
  for (const std::vector<int64_t>& values : {dense, rare}) {
    const std::string bytes = Encoded(values, 0, Layout::kSparseWhenSmaller);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      std::string_view rest = cut;
      PackedColumn column;
      EXPECT_FALSE(column.Parse(values.size(), 0, Layout::kSparseWhenSmaller, &rest)) << size;
    }
  }
}

TEST(PackedColumnTest, OddHeadsDoNotParse) {
  const auto parses = [](std::string bytes, Layout layout) {
    bytes += std::string(64, '\x01');
    std::string_view rest = bytes;
    return PackedColumn().Parse(8, 0, layout, &rest);
  };
  EXPECT_TRUE(parses(std::string("\x08", 1), Layout::kByPosition));
  EXPECT_FALSE(parses(std::string("\x39", 1), Layout::kByPosition));  // 57 bits
  EXPECT_FALSE(parses(std::string("\x88", 1), Layout::kByPosition));  // sparse
  EXPECT_TRUE(parses(std::string("\x88", 1), Layout::kSparseWhenSmaller));
}

TEST(PackedColumnTest, AllEqual) {
  EXPECT_TRUE(AllEqual(std::vector<int64_t>{}, 1));
  EXPECT_TRUE(AllEqual(std::vector<int64_t>{1, 1, 1}, 1));
  EXPECT_FALSE(AllEqual(std::vector<int64_t>{1, 1, 2}, 1));
  EXPECT_FALSE(AllEqual(std::vector<int64_t>{2, 2}, 1));
}

TEST(VarintTest, RoundTripAndCut) {
  for (const uint64_t value : {uint64_t(0), uint64_t(127), uint64_t(128), UINT64_MAX}) {
    std::string bytes;
    AppendVarint(value, &bytes);
    std::string_view rest = bytes;
    uint64_t read = 1;
    EXPECT_TRUE(TakeVarint(&rest, &read));
    EXPECT_EQ(read, value);
    EXPECT_TRUE(rest.empty());
    rest = std::string_view(bytes).substr(0, bytes.size() - 1);
    EXPECT_FALSE(TakeVarint(&rest, &read));
  }
}

}  // namespace
}  // namespace loyalty::history

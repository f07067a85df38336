#include "journal/columns.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace loyalty::journal {
namespace {

template <typename T>
void ExpectRoundTrip(const std::vector<T>& values) {
  std::string bytes = "before";
  EncodeColumn<T>(values.size(), &bytes, [&](size_t i) { return values[i]; });
  bytes += "after";
  std::string_view rest = std::string_view(bytes).substr(6);
  ColumnView view;
  ASSERT_TRUE(view.Parse(values.size(), &rest));
  EXPECT_EQ(rest, "after");
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(T(view[i]), values[i]) << i;
  size_t visited = 0;
  view.ForEach([&](size_t i, uint64_t v) {
    ASSERT_EQ(i, visited++);
    ASSERT_EQ(T(v), values[i]);
  });
  EXPECT_EQ(visited, values.size());
}

TEST(Columns, RoundTripOfEveryWidth) {
  std::mt19937_64 random(7);
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (size_t count : {0, 1, 2, 100}) {
      std::vector<uint64_t> values(count);
      for (uint64_t& v : values) v = bits == 0 ? 42 : random() >> (64 - bits);
      ExpectRoundTrip(values);
    }
  }
}

TEST(Columns, RoundTripOfSignedExtremes) {
  ExpectRoundTrip<int64_t>({INT64_MIN, INT64_MAX, 0, -1, 1});
  ExpectRoundTrip<int64_t>({-5, -5, -5});
  ExpectRoundTrip<int64_t>({INT64_MAX, INT64_MAX - 1});
}

TEST(Columns, AConstantColumnTakesNineBytes) {
  std::string bytes;
  EncodeColumn<int64_t>(10'000, &bytes, [](size_t) { return -3; });
  EXPECT_EQ(bytes.size(), kColumnHeaderBytes);
}

TEST(Columns, RefusesWhatIsCutShort) {
  std::string bytes;
  EncodeColumn<uint64_t>(100, &bytes, [](size_t i) { return i * 300; });
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::string_view cut(bytes.data(), length);
    ColumnView view;
    EXPECT_FALSE(view.Parse(100, &cut)) << length;
  }
  bytes[0] = 9;
  std::string_view wide(bytes);
  ColumnView view;
  EXPECT_FALSE(view.Parse(100, &wide));
}

}  // namespace
}  // namespace loyalty::journal

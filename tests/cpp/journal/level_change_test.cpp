#include "journal/level_change.h"

#include <gtest/gtest.h>

namespace loyalty::journal {
namespace {

constexpr int64_t kAt_us = 1'700'000'000'000'000;

LevelChange Some() {
  return {7,
          300,
          {.level = 70'000,
           .since_us = kAt_us,
           .until_us = kAt_us + 86'400'000'000,
           .kept = 9,
           .kept_until_us = kNever_us,
           .for_life = 70'001,
           .lifetime_from_us = kAt_us - 1},
          kAt_us - 5,
          {0, -1, INT64_MAX, INT64_MIN, 1234}};
}

TEST(LevelChange, RoundTrip) {
  for (const LevelChange& change : {LevelChange(), Some()}) {
    EXPECT_EQ(DecodeLevelChange(EncodeLevelChange(change, kAt_us), kAt_us), change);
  }
}

TEST(LevelChange, TheBoundsOfTimeHaveNumbersOfTheirOwn) {
  LevelChange change;
  change.to.since_us = kMinTime_us;
  change.to.until_us = kNever_us;
  for (const int64_t at_us : {kMinTime_us, kMinTime_us + 1, kMaxTime_us - 1}) {
    EXPECT_EQ(DecodeLevelChange(EncodeLevelChange(change, at_us), at_us), change);
  }
}

TEST(LevelChange, AUsualOneIsShort) {
  LevelChange change{12, 13, {.level = 14, .since_us = kAt_us}, kAt_us, {50'000}};
  EXPECT_LT(EncodeLevelChange(change, kAt_us).size(), 16u);
}

TEST(LevelChange, OtherTextsAreNone) {
  const std::string text = EncodeLevelChange(Some(), kAt_us);
  EXPECT_FALSE(DecodeLevelChange(text + "x", kAt_us).has_value());
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(DecodeLevelChange(text.substr(0, length), kAt_us).has_value()) << length;
  }
}

}  // namespace
}  // namespace loyalty::journal

#include "history/walk.h"

#include <gtest/gtest.h>

#include <set>

#include "history_fixture.h"

namespace loyalty::history {
namespace {

class WalkTest : public HistoryFixture {
 protected:
  // The sequences that a walk over an extent comes by.
  std::vector<uint64_t> Sequences(const Extent& extent) {
    std::vector<uint64_t> sequences;
    Walk walk(*store_, extent);
    while (walk.Next()) {
      const PieceView* const rest = walk.Get(Part::kRest);
      EXPECT_NE(rest, nullptr);
      std::vector<Item> items(rest->count());
      rest->Read({0, rest->count()}, items.data());
      for (const Item& item : items) sequences.push_back(item.sequence);
    }
    EXPECT_TRUE(Check(walk.status()));
    return sequences;
  }
  std::vector<uint64_t> Expected(const Extent& extent) const {
    std::vector<uint64_t> sequences;
    for (const Item& item : model_) {
      const uint32_t range = item.entry.member / kRangeMembers;
      const uint32_t month = MonthOf(item.entry.effective_us);
      if (range >= extent.first_range && range < extent.end_range && month >= extent.first_month &&
          month < extent.end_month) {
        sequences.push_back(item.sequence);
      }
    }
    return sequences;
  }
};

TEST_F(WalkTest, ComesByWhatIsWithinItsExtent) {
  EntryMaker maker(1);
  for (int i = 0; i < 5; ++i) Add(maker.Segment(3000, 5 * kRangeMembers, 200));
  const uint32_t start = MonthOf(kStart_us);
  for (const Extent& extent :
       {Extent{}, Extent{1, 3, 0, UINT32_MAX}, Extent{0, 5, start + 2, start + 4},
        Extent{2, 3, start + 1, start + 2}, Extent{4, 9, start + 3, UINT32_MAX},
        Extent{7, 9, 0, UINT32_MAX}, Extent{1, 1, 0, UINT32_MAX}, Extent{0, 5, start, start}}) {
    std::vector<uint64_t> found = Sequences(extent);
    std::vector<uint64_t> expected = Expected(extent);
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(found, expected);
  }
  EXPECT_FALSE(Sequences({}).empty());
}

TEST_F(WalkTest, IsInTheOrderOfRangeMonthAndSegment) {
  EntryMaker maker(2);
  for (int i = 0; i < 3; ++i) Add(maker.Segment(2000, 3 * kRangeMembers, 100));
  Walk walk(*store_, {});
  std::vector<PieceKey> keys;
  while (walk.Next()) keys.push_back(walk.measures().key());
  EXPECT_GT(keys.size(), 20u);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::set<PieceKey>(keys.begin(), keys.end()).size(), keys.size());
}

TEST_F(WalkTest, PartsAreFoundWhateverWasPassedOver) {
  EntryMaker maker(3);
  for (int i = 0; i < 10; ++i) Add(maker.Segment(1000, 3 * kRangeMembers, 100));
  for (const uint64_t step : {1, 2, 7, 40}) {
    Walk walk(*store_, {});
    for (uint64_t i = 0; walk.Next(); ++i) {
      if (i % step != 0) continue;
      const PieceView* const times = walk.Get(Part::kTimes);
      ASSERT_NE(times, nullptr);
      EXPECT_EQ(times->key().first_sequence, walk.measures().key().first_sequence);
      EXPECT_EQ(walk.Get(Part::kTimes), times);
    }
    EXPECT_TRUE(Check(walk.status()));
  }
}

TEST_F(WalkTest, WhatIsAddedMeanwhileIsNotTakenForDamage) {
  EntryMaker maker(4);
  Add(maker.Segment(2000, 3 * kRangeMembers, 100));
  Walk walk(*store_, {});
  ASSERT_TRUE(walk.Next());
  Add(maker.Segment(2000, 3 * kRangeMembers, 100));
  do {
    ASSERT_NE(walk.Get(Part::kTimes), nullptr);
    EXPECT_EQ(walk.measures().key().first_sequence, 1u);
  } while (walk.Next());
  EXPECT_TRUE(Check(walk.status()));
}

}  // namespace
}  // namespace loyalty::history

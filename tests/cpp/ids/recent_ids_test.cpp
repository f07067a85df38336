#include <gtest/gtest.h>

#include "ids/id_kinds.h"
#include "ids/recent_ids.h"

namespace loyalty::ids {
namespace {

TEST(RecentIds, FindsWhatWasAppendedAndNothingElse) {
  constexpr uint64_t kFirst = 1000, kCount = 30'000;
  for (const IdKind& kind : kIdKinds) {
    SCOPED_TRACE(kind.name);
    RecentIds recent(kFirst);
    for (uint64_t s = kFirst; s < kFirst + kCount; ++s) {
      const Id id = kind.make(s);
      recent.Prefetch(id);
      ASSERT_EQ(recent.Find(id), 0u);
      ASSERT_EQ(recent.next_sequence(), s);
      recent.Append(id);
    }
    for (uint64_t s = kFirst; s < kFirst + kCount; ++s) {
      ASSERT_EQ(recent.Find(kind.make(s)), s);
      ASSERT_EQ(recent.ids()[s - kFirst], kind.make(s));
      ASSERT_EQ(recent.Find(kind.make(s + kCount)), 0u);
    }
  }
}

TEST(RecentIds, CountsZeroIdsWithoutFindingThem) {
  RecentIds recent(1);
  for (uint64_t s = 1; s <= 10'000; ++s) recent.Append(s % 3 ? Id{} : Id{1, s});
  EXPECT_EQ(recent.next_sequence(), 10'001u);
  EXPECT_EQ(recent.Find(Id{}), 0u);
  EXPECT_EQ(recent.Find(Id{1, 3}), 3u);
  EXPECT_EQ(recent.Find(Id{1, 9'999}), 9'999u);
}

TEST(RecentIds, GrowsBeyondWhatWasExpected) {
  for (size_t expected : {0, 1, 5'000, 8'192, 100'000}) {
    RecentIds recent(1, expected);
    for (uint64_t s = 1; s <= 20'000; ++s) recent.Append({s, s});
    for (uint64_t s = 1; s <= 20'000; ++s) ASSERT_EQ(recent.Find({s, s}), s);
  }
}

}  // namespace
}  // namespace loyalty::ids

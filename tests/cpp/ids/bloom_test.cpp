#include "ids/bloom.h"

#include <gtest/gtest.h>

#include "ids/id_hash.h"
#include "ids/id_kinds.h"

namespace loyalty::ids {
namespace {

TEST(BloomFilter, HoldsWhatWasAddedAndLittleElse) {
  constexpr uint64_t kCount = 200'000;
  for (const IdKind& kind : kIdKinds) {
    SCOPED_TRACE(kind.name);
    BloomFilter filter(kCount);
    for (uint64_t s = 1; s <= kCount; ++s) filter.Add(HashId(kind.make(s)));
    uint64_t passed = 0;
    for (uint64_t s = 1; s <= kCount; ++s) {
      ASSERT_TRUE(filter.MayContain(HashId(kind.make(s))));
      passed += filter.MayContain(HashId(kind.make(s + kCount)));
    }
    EXPECT_LT(passed, kCount * 15 / 10'000);
  }
}

TEST(BloomFilter, OfFewIdsIsOneBlock) {
  EXPECT_EQ(BloomFilter(0).bytes().size(), 64u);
  EXPECT_EQ(BloomFilter(1).bytes().size(), 64u);
  EXPECT_FALSE(BloomFilter(0).MayContain(HashId({1, 2})));
}

}  // namespace
}  // namespace loyalty::ids

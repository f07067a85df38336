#include "base/slab.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace loyalty {
namespace {

TEST(Slab, BlocksDoNotOverlapAndComeBack) {
  constexpr size_t kBytes = 40'960;
  Slab slab(kBytes);
  std::mt19937_64 random(1);
  std::vector<std::pair<unsigned char*, unsigned char>> blocks;
  for (int step = 0; step < 5000; ++step) {
    if (blocks.empty() || random() % 100 < (step < 2500 ? 60 : 40)) {
      auto* block = static_cast<unsigned char*>(slab.Allocate());
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u);
      const auto mark = static_cast<unsigned char>(random());
      std::memset(block, mark, kBytes);
      blocks.emplace_back(block, mark);
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      const auto [block, mark] = blocks.back();
      ASSERT_EQ(block[0], mark);
      ASSERT_EQ(block[kBytes - 1], mark);
      slab.Free(block);
      blocks.pop_back();
    }
  }
  for (const auto& [block, mark] : blocks) {
    EXPECT_EQ(block[kBytes / 2], mark);
    slab.Free(block);
  }
}

}  // namespace
}  // namespace loyalty

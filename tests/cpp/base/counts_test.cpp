#include "base/counts.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace loyalty::base {
namespace {

TEST(CountsTest, AValueAtABoundIsBelowIt) {
  Counts counts({1, 10});
  for (const double value : {0.5, 1.0, 1.5, 10.0, 11.0, 1e9}) counts.Add(value);
  const Histogram read = counts.Read();
  EXPECT_EQ(read.bounds, (std::vector<double>{1, 10}));
  EXPECT_EQ(read.counts, (std::vector<uint64_t>{2, 2, 2}));
  EXPECT_DOUBLE_EQ(read.sum, 0.5 + 1 + 1.5 + 10 + 11 + 1e9);
}

TEST(CountsTest, ManyThreadsLoseNothing) {
  Counts counts({1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) counts.Add(2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counts.Read().counts[1], 40'000u);
  EXPECT_EQ(counts.Read().sum, 80'000);
}

}  // namespace
}  // namespace loyalty::base

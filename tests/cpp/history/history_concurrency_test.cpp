#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "history_fixture.h"

namespace loyalty::history {
namespace {

class HistoryConcurrencyTest : public HistoryFixture {};

// What a reader sees is every entry up to the end of some segment, and of none before the
// sequence() that it saw first.
TEST_F(HistoryConcurrencyTest, ReadersSeeWholeSegmentsAndNeverLessThanTheSequence) {
  constexpr uint32_t kMembers = 2000;
  constexpr uint64_t kSegment = 1000;
  constexpr uint64_t kSegments = 40;
  const std::vector<Entry> all = EntryMaker(1).Segment(kSegment * kSegments, kMembers, 62);
  std::vector<std::vector<uint64_t>> sequences(kMembers);
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].member != Entry::kNoMember) sequences[all[i].member].push_back(i + 1);
  }

  std::atomic<bool> done = false;
  const auto read = [&](uint64_t seed) {
    EntryMaker maker(seed);
    do {
      const auto member = uint32_t(maker.Below(kMembers));
      const uint64_t before = history_->sequence();
      std::vector<uint64_t> seen;
      for (const Item& item : Read(member)) seen.push_back(item.sequence);
      std::sort(seen.begin(), seen.end());
      const uint64_t last = seen.empty() ? 0 : (seen.back() + kSegment - 1) / kSegment * kSegment;
      std::vector<uint64_t> expected = sequences[member];
      std::erase_if(expected, [&](uint64_t s) { return s > std::max(before, last); });
      ASSERT_EQ(seen, expected);
    } while (!done);
  };
  std::thread first(read, 1);
  std::thread second(read, 2);
  for (uint64_t i = 0; i < kSegments; ++i) {
    EXPECT_TRUE(
        Check(history_->Add(std::span(all).subspan(i * kSegment, kSegment), {}, i * kSegment + 1)));
    if (i % 16 == 15) {
      EXPECT_TRUE(Check(history_->Flush()));
    }
  }
  done = true;
  first.join();
  second.join();
  EXPECT_EQ(history_->sequence(), kSegment * kSegments);
}

}  // namespace
}  // namespace loyalty::history

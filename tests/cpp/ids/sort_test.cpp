#include "ids/sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ids/id_kinds.h"

namespace loyalty::ids {
namespace {

bool IsSorted(std::span<const IdAt> ids) {
  return std::is_sorted(ids.begin(), ids.end(),
                        [](const IdAt& a, const IdAt& b) { return a.id < b.id; });
}

std::vector<IdAt> Shuffled(const IdKind& kind, size_t count, uint64_t seed) {
  std::vector<IdAt> ids;
  for (uint64_t s = 1; s <= count; ++s) ids.push_back({kind.make(s), s});
  std::shuffle(ids.begin(), ids.end(), std::mt19937_64(seed));
  return ids;
}

TEST(SortById, SortsAndKeepsEachSequenceWithItsId) {
  for (const IdKind& kind : kIdKinds) {
    for (size_t count : {0, 1, 2, 63, 64, 65, 1000, 50'000}) {
      SCOPED_TRACE(kind.name + " " + std::to_string(count));
      auto ids = Shuffled(kind, count, count);
      SortById(&ids);
      ASSERT_EQ(ids.size(), count);
      ASSERT_TRUE(IsSorted(ids));
      for (const IdAt& at : ids) ASSERT_EQ(at.id, kind.make(at.sequence));
    }
  }
}

TEST(SpanMerger, MergesAnyNumberOfSpans) {
  SpanMerger merger;
  for (const IdKind& kind : kIdKinds) {
    for (size_t parts : {0, 1, 2, 3, 5, 8}) {
      SCOPED_TRACE(kind.name + " " + std::to_string(parts));
      auto ids = Shuffled(kind, parts * 100, parts);
      std::vector<std::span<const IdAt>> spans;
      for (size_t i = 0; i < parts; ++i) {
        const auto part = std::span(ids).subspan(i * 100, i % 2 ? 100 : 37);
        std::sort(part.begin(), part.end(),
                  [](const IdAt& a, const IdAt& b) { return a.id < b.id; });
        spans.push_back(part);
      }
      size_t total = 0;
      for (const auto& span : spans) total += span.size();
      const auto merged = merger.Merge(&spans);
      ASSERT_EQ(merged.size(), total);
      ASSERT_TRUE(IsSorted(merged));
      for (const IdAt& at : merged) ASSERT_EQ(at.id, kind.make(at.sequence));
    }
  }
}

}  // namespace
}  // namespace loyalty::ids

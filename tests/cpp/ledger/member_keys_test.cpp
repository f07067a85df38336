#include "ledger/member_keys.h"

#include <gtest/gtest.h>

#include <thread>

namespace loyalty::ledger {
namespace {

TEST(MemberKeys, FindsWhatWasAdded) {
  MemberKeys keys;
  std::vector<std::string> texts;
  for (int i = 0; i < 70'000; ++i) texts.push_back("member-" + std::to_string(i));
  for (int64_t i = 0; i < 70'000; ++i) {
    EXPECT_EQ(keys.Find(MemberKey(i - 100)), MemberKeys::kNone);
    ASSERT_EQ(keys.Add(MemberKey(i - 100)), uint32_t(2 * i));
    ASSERT_EQ(keys.Add(MemberKey(texts[size_t(i)])), uint32_t(2 * i + 1));
  }
  std::vector<uint32_t> slots(texts.size());
  keys.FindAll([&](size_t i) { return MemberKey(texts[i]); }, slots);
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(slots[i], uint32_t(2 * i + 1));
    ASSERT_EQ(keys.At(slots[i]), MemberKey(texts[i]));
    ASSERT_EQ(keys.Find(MemberKey(int64_t(i) - 100)), uint32_t(2 * i));
  }
  EXPECT_EQ(keys.Find(MemberKey("member-70000")), MemberKeys::kNone);
  EXPECT_EQ(keys.Find(MemberKey(int64_t(70'000))), MemberKeys::kNone);
}

TEST(MemberKeys, FewKeysACallAreFoundToo) {
  MemberKeys keys;
  keys.Add(MemberKey(int64_t(5)));
  for (size_t count : {1, 2, 16, 17}) {
    std::vector<uint32_t> slots(count, 99);
    keys.FindAll([](size_t i) { return MemberKey(int64_t(i == 0 ? 5 : 6)); }, slots);
    EXPECT_EQ(slots[0], 0u);
    if (count > 1) {
      EXPECT_EQ(slots[count - 1], MemberKeys::kNone);
    }
  }
}

TEST(MemberKeys, ReadersBesideTheWriter) {
  MemberKeys keys;
  constexpr int64_t kCount = 30'000;
  std::thread reader([&] {
    while (keys.size() < kCount) {
      const uint32_t size = keys.size();
      if (size == 0) continue;
      ASSERT_EQ(keys.Find(MemberKey(int64_t(size) - 1)), size - 1);
      ASSERT_EQ(keys.Find(MemberKey(kCount)), MemberKeys::kNone);
    }
  });
  for (int64_t i = 0; i < kCount; ++i) keys.Add(MemberKey(i));
  reader.join();
}

}  // namespace
}  // namespace loyalty::ledger

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
    ASSERT_EQ(keys.At(slots[i]), OwnedKey(MemberKey(texts[i])));
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

TEST(MemberKeys, AnErasedOneLeadsNowhere) {
  MemberKeys keys;
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back("member-" + std::to_string(i));
    keys.Add(MemberKey(texts.back()));
    keys.Add(MemberKey(int64_t(i)));
  }
  const auto is_erased = [](uint32_t slot) { return slot % 5 == 1; };
  for (uint32_t slot = 0; slot < 6000; ++slot) {
    if (is_erased(slot)) keys.Erase(slot, 100 + slot);
  }
  EXPECT_EQ(keys.erased_sequence(), 100u + 5996);
  keys.Erase(1, 7000);  // again
  const auto check = [&] {
    for (uint32_t slot = 0; slot < 6000; ++slot) {
      const MemberKey key =
          slot % 2 == 0 ? MemberKey(texts[slot / 2]) : MemberKey(int64_t(slot / 2));
      ASSERT_EQ(keys.Find(key), is_erased(slot) ? MemberKeys::kNone : slot);
      ASSERT_EQ(keys.At(slot), is_erased(slot) ? OwnedKey() : OwnedKey(key));
    }
  };
  check();
  for (int64_t i = 3000; i < 9000; ++i) keys.Add(MemberKey(i));  // the index grows
  check();
  // Opened again, it is another member.
  EXPECT_EQ(keys.Add(MemberKey(int64_t(0))), 12'000u);
  EXPECT_EQ(keys.Find(MemberKey(int64_t(0))), 12'000u);
}

TEST(MemberKeys, LoadedWithErasedOnes) {
  MemberKeys keys;
  for (int64_t i = 0; i < 200'000; ++i) {
    if (i % 3 == 0) {
      keys.AddErased();
    } else {
      keys.AddUnindexed(MemberKey(i));
    }
  }
  keys.Index();
  for (int64_t i = 0; i < 200'000; ++i) {
    ASSERT_EQ(keys.Find(MemberKey(i)), i % 3 == 0 ? MemberKeys::kNone : uint32_t(i));
  }
  size_t erased = 0;
  keys.ForEach(0, keys.size(), [&](const MemberKey* key) { erased += key == nullptr; });
  EXPECT_EQ(erased, 66'667u);
}

TEST(MemberKeys, ReadersBesideErasing) {
  MemberKeys keys;
  constexpr uint32_t kCount = 20'000;
  const std::string name(40, 'x');
  for (uint32_t i = 0; i < kCount; ++i) keys.Add(MemberKey(name + std::to_string(i)));
  std::thread reader([&] {
    uint32_t whole = 0;
    do {
      whole = 0;
      for (uint32_t slot = 0; slot < kCount; slot += 7) {
        const OwnedKey key = keys.At(slot);
        if (key.sort == OwnedKey::kErased) continue;
        ++whole;
        ASSERT_EQ(key.text, name + std::to_string(slot));
      }
    } while (whole > 0);
  });
  for (uint32_t slot = 0; slot < kCount; ++slot) keys.Erase(slot, slot + 1);
  reader.join();
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

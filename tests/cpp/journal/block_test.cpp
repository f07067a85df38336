#include "journal/block.h"

#include <gtest/gtest.h>

#include <random>

namespace loyalty::journal {
namespace {

bool SameEntry(const Entry& a, const Entry& b) {
  return a.id == b.id && a.effective_us == b.effective_us && a.points == b.points &&
         a.money == b.money && a.expires_us == b.expires_us && a.balance == b.balance &&
         a.related == b.related && a.tag == b.tag && a.member == b.member && a.codes == b.codes &&
         a.currency == b.currency && a.status == b.status && a.kind == b.kind &&
         a.related_kind == b.related_kind;
}

Group RandomGroup(size_t count, std::mt19937_64* random) {
  Group group;
  group.first_sequence = (*random)() >> 20;
  group.recorded_us = int64_t((*random)() >> 12);
  group.program_version = 3;
  constexpr Kind kKinds[] = {Kind::kOpenMember, Kind::kEarn, Kind::kRedeem, Kind::kDefineCode};
  for (size_t i = 0; i < count; ++i) {
    Entry e;
    e.id = {(*random)(), (*random)()};
    e.kind = kKinds[(*random)() % 4];
    e.status = PostingStatus::kPosted;
    e.points = int64_t((*random)());
    e.money = int64_t((*random)() >> 40);
    e.effective_us = int64_t((*random)() >> 10);
    e.member = uint32_t((*random)());
    e.balance = int64_t((*random)() >> 30);
    e.codes = {uint32_t(i), 1, 2, 3, 4, 5};
    e.tag = (*random)();
    e.related = i;
    e.related_kind = Kind::kRedeem;
    group.entries.push_back(e);
    group.movement_counts.push_back(uint32_t((*random)() % 3));
    for (uint32_t m = 0; m < group.movement_counts.back(); ++m) {
      group.movements.push_back({-int64_t(m), kNever_us, e.effective_us, (*random)() >> 16});
    }
    if (HasText(e.kind)) group.texts.push_back(std::string((*random)() % 20, 'x'));
  }
  return group;
}

TEST(Block, RoundTrip) {
  std::mt19937_64 random(11);
  for (size_t count : {1, 2, 63, 1000}) {
    const Group group = RandomGroup(count, &random);
    Digest previous{};
    previous[5] = 9;
    const std::string bytes = EncodeBlock(group, previous);
    const auto view = BlockView::Parse(bytes);
    ASSERT_TRUE(view.ok()) << view.status().message();
    EXPECT_EQ(view->previous(), previous);
    Group back = RandomGroup(3, &random);  // what a view reads into may hold another block
    view->Read(&back);
    EXPECT_EQ(back.first_sequence, group.first_sequence);
    EXPECT_EQ(back.recorded_us, group.recorded_us);
    EXPECT_EQ(back.program_version, group.program_version);
    EXPECT_EQ(back.movement_counts, group.movement_counts);
    EXPECT_EQ(back.movements, group.movements);
    EXPECT_EQ(back.texts, group.texts);
    ASSERT_EQ(back.entries.size(), count);
    size_t text = 0;
    for (size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(SameEntry(back.entries[i], group.entries[i])) << i;
      EXPECT_TRUE(SameEntry(view->EntryAt(i), group.entries[i])) << i;
      const bool has_text = HasText(group.entries[i].kind);
      EXPECT_EQ(view->TextOf(i), has_text ? group.texts[text] : "");
      text += has_text;
      EXPECT_EQ(view->MovementsOf(i).size(), group.movement_counts[i]);
    }
  }
}

TEST(Block, EveryFlippedBitIsNoticed) {
  std::mt19937_64 random(12);
  const std::string bytes = EncodeBlock(RandomGroup(20, &random), Digest{});
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] ^= char(1 << (at % 8));
    EXPECT_FALSE(BlockView::Parse(damaged).ok()) << "byte " << at;
  }
}

TEST(Block, EveryShorterBlockIsRefused) {
  std::mt19937_64 random(13);
  const std::string bytes = EncodeBlock(RandomGroup(5, &random), Digest{});
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(BlockView::Parse(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
}

TEST(Block, ANewerFormatIsNamed) {
  std::mt19937_64 random(14);
  std::string bytes = EncodeBlock(RandomGroup(5, &random), Digest{});
  bytes[4] = 2;
  const auto view = BlockView::Parse(bytes);
  ASSERT_FALSE(view.ok());
  EXPECT_EQ(view.status().code(), StatusCode::kUnsupportedFormat);
}

TEST(StoredKey, RoundTripAndRefusals) {
  for (const MemberKey& key : {MemberKey(int64_t(-7)), MemberKey("tx"), MemberKey("i2345678")}) {
    const std::string stored = StoredKey(key);
    MemberKey back;
    ASSERT_TRUE(ParseStoredKey(stored, &back));
    EXPECT_EQ(back, key);
  }
  MemberKey key;
  EXPECT_FALSE(ParseStoredKey("", &key));
  EXPECT_FALSE(ParseStoredKey("t", &key));
  EXPECT_FALSE(ParseStoredKey("i1234567", &key));
}

}  // namespace
}  // namespace loyalty::journal

#include "ledger/page.h"

#include <gtest/gtest.h>

#include <random>

namespace loyalty::ledger {
namespace {

std::unique_ptr<Page> RandomPage(uint64_t seed) {
  std::mt19937_64 random(seed);
  auto page = std::make_unique<Page>();
  page->sequence = random() >> 20;
  for (int i = 0; i < 3000; ++i) {
    Account& account =
        page->MutableAccount(uint32_t(random() % kPageMembers), uint16_t(random() % 3 * 2));
    const auto points = int64_t(random() % 1000 + 1);
    account.total += points;
    account.lifetime_earned += points;
    account.sequence = uint64_t(i);
    const LotOrder order{int64_t(random() % 5), int64_t(random() % 5), uint64_t(i) + 1};
    EXPECT_TRUE(page->lots.Move(&account, order, points));
  }
  for (uint64_t original : {90, 5, 70})
    page->Add({original, int64_t(original), int64_t(original) % 8});
  page->latest_us = 77;
  page->opening_minutes[3] = OpeningMinute(90 * kMinute_us);
  for (uint32_t member : {7, 3, 1000}) {
    page->SetLevel({member, 12, member + 1u, {.level = member + 2, .since_us = member - 9}});
  }
  page->SetLevel({7, 11, 5, {.level = 4, .kept = 4, .kept_until_us = kNever_us}});
  for (uint32_t m = 0; m < 20; ++m) {
    Extra& extra = page->extras.Mutable(&page->MutableAccount(m * 31, uint16_t(m % 2 * 2)));
    extra.arrears = m;
    if (m % 3 == 0) extra.ceiling = 1000 + m;
    if (m % 4 == 0) extra.pending.push_back({m + 1, 50, kNever_us, Kind::kEarn});
    for (uint64_t h = 0; h < m % 5; ++h) {
      extra.holds.push_back({h + 1, 70, 9, 4, {{-4, 3, 2, 1}, {-5, kNever_us, 2, 2}}});
    }
  }
  return page;
}

TEST(Page, RoundTripOfItsStoredForm) {
  const auto page = RandomPage(1);
  const std::string bytes = EncodePage(*page);
  const auto back = DecodePage(bytes);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(EncodePage(**back), bytes);
  EXPECT_EQ((*back)->sequence, page->sequence);
  EXPECT_EQ((*back)->FindReversal(70)->points, 70);
  EXPECT_EQ((*back)->FindReversal(71), nullptr);
  EXPECT_EQ((*back)->extras.CountHolds(), page->extras.CountHolds());
  EXPECT_EQ((*back)->latest_us, 77);
  EXPECT_EQ(OpeningOf_us((*back)->opening_minutes[3]), 90 * kMinute_us);
  EXPECT_EQ((*back)->levels.size(), 4u);
  EXPECT_EQ((*back)->FindLevel(7, 11)->standing, page->FindLevel(7, 11)->standing);
  EXPECT_EQ((*back)->FindLevel(7, 12)->sequence, 8u);
  EXPECT_EQ((*back)->FindLevel(8, 12), nullptr);
  for (uint32_t m = 0; m < kPageMembers; ++m) {
    EXPECT_EQ((*back)->GetAccount(m, 2).total, page->GetAccount(m, 2).total);
  }
}

TEST(Page, TheStoredFormDoesNotTellTheOrderOfChanges) {
  Page one;
  Page other;
  for (uint64_t source : {1, 2, 3}) {
    ASSERT_TRUE(one.lots.Move(&one.MutableAccount(7, 0), {10, 10, source}, 5));
    ASSERT_TRUE(other.lots.Move(&other.MutableAccount(7, 0), {10, 10, 4 - source}, 5));
  }
  ASSERT_TRUE(one.lots.Move(&one.MutableAccount(8, 0), {10, 10, 9}, 5));
  ASSERT_TRUE(one.lots.Move(&one.MutableAccount(8, 0), {10, 10, 9}, -5));
  EXPECT_EQ(EncodePage(one), EncodePage(other));
}

TEST(Page, EveryFlippedBitIsNoticed) {
  const std::string bytes = EncodePage(*RandomPage(2));
  std::mt19937_64 random(3);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    damaged[i < 40 ? size_t(i) : random() % bytes.size()] ^= char(1 << (i % 8));
    EXPECT_FALSE(DecodePage(damaged).ok());
  }
}

TEST(PagePtr, SharesUntilWritten) {
  PagePtr page(RandomPage(4));
  EXPECT_TRUE(page.unique());
  {
    const PagePtr snapshot = page;
    EXPECT_FALSE(page.unique());
    PagePtr copy(std::make_unique<Page>(*page.get()));
    EXPECT_EQ(EncodePage(*copy.get()), EncodePage(*snapshot.get()));
    copy.get()->MutableAccount(0, 0).total += 1;
    EXPECT_NE(EncodePage(*copy.get()), EncodePage(*snapshot.get()));
  }
  EXPECT_TRUE(page.unique());
}

}  // namespace
}  // namespace loyalty::ledger

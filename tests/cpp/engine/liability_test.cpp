// What became of points, by when they were issued and when they expire.
#include <tuple>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

constexpr int64_t kDay_us = 86'400'000'000;
constexpr int64_t kJanuary_us = 1'704'067'200'000'000;  // 2024
constexpr int32_t kMonth = 2024 * 12;                   // likewise

class LiabilityTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    Post({At(Open(1, 7), 0), At(Open(2, 8), 0)});
  }
  Posting At(Posting posting, int64_t day) {
    posting.effective_us = kJanuary_us + day * kDay_us;
    return posting;
  }
  Posting Expiring(Posting posting, int64_t day) {
    posting.expires_us = kJanuary_us + day * kDay_us;
    return posting;
  }
  Liability AsOfDay(int64_t day) {
    auto liability =
        ledger_->LiabilityAsOf(AsOf{.effective_us = kJanuary_us + day * kDay_us}, {}, nullptr);
    EXPECT_TRUE(liability.ok()) << liability.status().message();
    return std::move(liability).value();
  }
  using Flows = std::tuple<int64_t, int64_t, int64_t, int64_t>;
  static Flows FlowsOf(const Cohort& c) { return {c.issued, c.redeemed, c.expired, c.other}; }
};

TEST_F(LiabilityTest, CohortsAreMonthsOfIssueAndExpiry) {
  Post({Expiring(At(Earn(3, 7, 100), 1), 40), Expiring(At(Earn(4, 7, 50), 2), 45),
        At(Earn(5, 8, 10), 35), At(Redeem(6, 7, 120), 20)});
  const Liability january = AsOfDay(25);
  ASSERT_EQ(january.cohorts.size(), 1u);
  EXPECT_EQ(january.cohorts[0].issue_month, kMonth);
  EXPECT_EQ(january.cohorts[0].expiry_month, kMonth + 1);
  EXPECT_EQ(FlowsOf(january.cohorts[0]), Flows(150, 120, 0, 0));
  EXPECT_EQ(january.cohorts[0].active, 30);
  const Liability march = AsOfDay(70);
  ASSERT_EQ(march.cohorts.size(), 2u);
  EXPECT_EQ(FlowsOf(march.cohorts[0]), Flows(150, 120, 30, 0));
  EXPECT_EQ(march.cohorts[1].issue_month, kMonth + 1);
  EXPECT_EQ(march.cohorts[1].expiry_month, Cohort::kNever);
  EXPECT_EQ(march.cohorts[1].active, 10);
}

TEST_F(LiabilityTest, AnExpiryRunChangesNothing) {
  Post({Expiring(At(Earn(3, 7, 100), 1), 40), At(Redeem(4, 7, 30), 2)});
  const auto before = AsOfDay(50).cohorts;
  ASSERT_OK(ledger_->Expire(kJanuary_us + 60 * kDay_us, false, nullptr).status());
  const auto after = AsOfDay(50).cohorts;
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(FlowsOf(after[0]), Flows(100, 30, 70, 0));
  EXPECT_EQ(FlowsOf(after[0]), FlowsOf(before[0]));
}

TEST_F(LiabilityTest, AReversalAfterTheExpiryIsNoBreakage) {
  Post({Expiring(At(Earn(3, 7, 100), 1), 40), At(Redeem(4, 7, 30), 2)});
  ASSERT_OK(ledger_->Expire(kJanuary_us + 60 * kDay_us, false, nullptr).status());
  Post({At(Reverse(5, 7, 3), 65)});
  const Liability march = AsOfDay(70);
  ASSERT_EQ(march.cohorts.size(), 1u);
  EXPECT_EQ(FlowsOf(march.cohorts[0]), Flows(100, 30, 0, 70));
  EXPECT_EQ(march.arrears[0], 30);
}

TEST_F(LiabilityTest, WhatRepaysArrearsWasIssuedAndIsNotThere) {
  Post({At(Earn(3, 7, 100), 1), At(Redeem(4, 7, 100), 2), At(Reverse(5, 7, 3), 3),
        At(Earn(6, 7, 60), 40)});
  const Liability march = AsOfDay(70);
  ASSERT_EQ(march.cohorts.size(), 2u);
  EXPECT_EQ(FlowsOf(march.cohorts[0]), Flows(100, 100, 0, 0));
  EXPECT_EQ(FlowsOf(march.cohorts[1]), Flows(60, 0, 0, 60));
  EXPECT_EQ(march.arrears[0], 40);
}

TEST_F(LiabilityTest, TransfersCancelOutAndHoldsAreHeld) {
  const MemberKey other(int64_t(8));
  Posting transfer = At(Request(Kind::kTransfer, 4, MemberKey(int64_t(7)), 60), 5);
  transfer.other = &other;
  const Terms terms{.deadline_us = kJanuary_us + 20 * kDay_us};
  Posting hold = At(Request(Kind::kHold, 5, MemberKey(int64_t(7)), 15), 6);
  hold.terms = &terms;
  Post({At(Earn(3, 7, 100), 1), transfer, hold});
  const Liability held = AsOfDay(10);
  ASSERT_EQ(held.cohorts.size(), 1u);
  EXPECT_EQ(FlowsOf(held.cohorts[0]), Flows(100, 0, 0, 0));
  EXPECT_EQ(held.cohorts[0].held, 15);
  EXPECT_EQ(held.cohorts[0].active, 85);
  EXPECT_EQ(AsOfDay(20).cohorts[0].active, 100);
}

}  // namespace
}  // namespace loyalty::engine

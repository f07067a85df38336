// How long points live beyond what their lot says: reinstating, and expiry by inactivity.
#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

class ReinstateTest : public ProgramTest {
 protected:
  // Member 7 has earned 100, of which 30 are spent and 70 expire a day later.
  void Begin(const Shop& shop) {
    Start(shop);
    who_ = *Intern("clerk");
    Posting earn = Buy(2, 1000);
    earn.expires_us = earn.effective_us + kDay_us;
    Post({earn, Redeem(3, 7, 30)});
  }
  Posting Reinstate(uint64_t id, int days_after_expiry, int64_t points = 0, uint64_t of = 2) {
    Posting posting = Request(Kind::kReinstate, id, MemberKey(int64_t{7}), points);
    posting.effective_us = kNoon_us + 2 + (1 + days_after_expiry) * kDay_us;
    posting.related = {0x0190'0000'0000'7000, of};
    posting.codes.actor = posting.codes.reason = who_;
    return posting;
  }
  uint32_t who_ = 0;
};

TEST_F(ReinstateTest, ExpiredPointsComeBackWithAnotherExpiry) {
  Begin({.expiry = R"({"model":"rolling","days":10,"months":0,"round_up":"none"})",
         .reinstate_within_days = 30});
  const Posting part = Reinstate(4, 5, 20);
  const Reply reply = PostOne(part);  // it journals what has expired first
  EXPECT_EQ(reply.status, kPosted);
  EXPECT_EQ(reply.points, 20);
  EXPECT_EQ(reply.balance.active, 20);
  const Record record = RecordOf(reply.sequence);
  EXPECT_EQ(record.entry.expires_us, part.effective_us + 10 * kDay_us);
  EXPECT_EQ(RecordOf(reply.sequence - 1).entry.kind, Kind::kExpire);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).expired, 50);
  EXPECT_EQ(PostOne(Reinstate(5, 6, 51)).limit, 50);
  Posting rest = Reinstate(6, 30);
  rest.expires_us = kNever_us;
  EXPECT_EQ(PostOne(rest).points, 70);  // the 20 have expired again, and are among them
  EXPECT_EQ(PostOne(part).status, kAlreadyExists);
  EXPECT_EQ(PostOne(Reinstate(7, 30)).status, kNothingExpired);
  ExpectVerified();
}

TEST_F(ReinstateTest, OnlyWithinTheWindow) {
  Begin({.reinstate_within_days = 30});
  EXPECT_EQ(PostOne(Reinstate(4, -1)).status, kNothingExpired);
  EXPECT_EQ(PostOne(Reinstate(5, 31)).status, kReinstatementTooLate);
  EXPECT_EQ(PostOne(Reinstate(6, 5, 0, 3)).status, kRelatedNotACredit);
  EXPECT_EQ(PostOne(Reinstate(7, 5, 0, 99)).status, kRelatedNotFound);
  Change({.reinstate_within_days = 40});
  EXPECT_EQ(PostOne(Reinstate(8, 31)).points, 70);
  Posting nameless = Reinstate(9, 5);
  nameless.codes.reason = 0;
  EXPECT_EQ(PostOne(nameless).status, kReasonMissing);
}

TEST_F(ReinstateTest, NeverWithoutAWindow) {
  Begin({});
  EXPECT_EQ(PostOne(Reinstate(4, 0)).status, kReinstatementTooLate);
}

// What was reinstated within the window does not let through what expired long before it.
TEST_F(ReinstateTest, WhatExpiredLastComesBackFirst) {
  Begin({.expiry = R"({"model":"rolling","days":10,"months":0,"round_up":"none"})",
         .reinstate_within_days = 30});
  EXPECT_EQ(PostOne(Reinstate(4, 5, 20)).points, 20);  // they expire once more after ten days
  EXPECT_EQ(PostOne(Reinstate(5, 40)).points, 20);
  EXPECT_EQ(PostOne(Reinstate(6, 41)).status, kReinstatementTooLate);
}

TEST_F(ReinstateTest, HeedsDebtAndCeiling) {
  Begin({.reinstate_within_days = 30});
  Posting earn = Buy(4, 500);
  earn.effective_us += 3 * kDay_us;
  earn.expires_us = kNever_us;
  Posting spend = Redeem(5, 7, 50);
  Posting undo = Reverse(6, 7, 4);
  spend.effective_us = undo.effective_us = earn.effective_us;
  EXPECT_EQ(Post({earn, spend, undo})[2].balance.arrears, 50);
  const Reply reply = PostOne(Reinstate(7, 5, 60));
  EXPECT_EQ(reply.repaid, 50);
  EXPECT_EQ(reply.balance, (BalanceParts{10, 0, 0, 0}));
  Change({.ceiling = "15", .reinstate_within_days = 30});
  EXPECT_EQ(PostOne(Reinstate(8, 5)).limit, 5);
  EXPECT_EQ(PostOne(Reverse(9, 7, 7)).status, kRelatedNotReversible);
  // What was reinstated is not expired any more: a reversal finds it in its own lot.
  Posting all = Reverse(10, 7, 2);
  all.effective_us = kNoon_us + 10 * kDay_us;
  const Reply reversed = PostOne(all);
  EXPECT_EQ(reversed.balance, (BalanceParts{0, 0, 0, 80}));
  ExpectVerified();
}

// Points live for a month after the last activity.
class InactivityTest : public ProgramTest {
 protected:
  static constexpr const char* kMonth = R"({"model":"inactivity","months":1})";

  void Begin() { Start({.expiry = kMonth}); }
  // kNoon_us is 14 November 2023, 22:13 UTC; a month later is 30 days later.
  static int64_t Day(int day) { return kNoon_us + day * kDay_us; }
  static Posting On(int day, Posting posting) {
    posting.effective_us = Day(day);
    return posting;
  }
};

TEST_F(InactivityTest, AMergedMembersActivityCountsForTheSurvivor) {
  Begin();
  const uint32_t clerk = *Intern("clerk");
  const MemberKey eight(int64_t(8));
  Posting buy = On(0, Buy(3, 100));
  buy.member = eight;
  Posting merge = On(2, Request(Kind::kMergeMembers, 5, MemberKey(int64_t(7))));
  merge.other = &eight;
  merge.codes.actor = merge.codes.reason = clerk;
  // He has spent all that he had, and gets it back when he is another one's already.
  Post({Open(2, 8), buy, On(1, Redeem(4, 8, 10)), merge, On(3, Reverse(6, 8, 4))});
  EXPECT_EQ(At(Day(31) - 1).parts.active, 10);
  EXPECT_EQ(At(Day(31)).parts.active, 0);
  ExpectVerified();
}

TEST_F(InactivityTest, AnActivityPutsOffTheExpiryOfAll) {
  Begin();
  Post({On(0, Buy(2, 100)), On(20, Buy(3, 200))});
  EXPECT_EQ(At(Day(30)).parts.active, 30);
  EXPECT_EQ(At(Day(51)).expiring_points, 0);
  EXPECT_EQ(At(Day(20)).expiring_us, Day(51));  // 4 December, and 31 days
  EXPECT_EQ(At(Day(20)).expiring_points, 30);
  const Reply spent = PostOne(On(40, Redeem(4, 7, 5)));
  EXPECT_EQ(spent.balance.active, 25);
  EXPECT_EQ(RecordOf(spent.sequence).entry.expires_us, Day(71));  // 24 December, and 31 days
  EXPECT_EQ(At(Day(71) - 1).parts.active, 25);
  EXPECT_EQ(At(Day(71)).parts.active, 0);
  Posting late = On(10, Buy(5, 10));  // counts, but puts nothing off
  EXPECT_EQ(PostOne(late).balance.active, 26);
  EXPECT_EQ(At(Day(60)).expiring_us, Day(71));
  Reopen();
  EXPECT_EQ(At(Day(60)).expiring_points, 26);
  const auto report = ledger_->Expire(Day(71), false, nullptr);
  ASSERT_OK(report.status());
  EXPECT_EQ(report->lines.at(0).points, 26);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).expired, 26);
  ExpectVerified();
}

TEST_F(InactivityTest, WhatHasExpiredIsJournaledBeforeTheNextActivity) {
  Begin();
  Post({On(0, Buy(2, 100))});
  const Reply next = PostOne(On(35, Buy(3, 50)));
  EXPECT_EQ(next.balance.active, 5);
  const Record expired = RecordOf(next.sequence - 1);
  EXPECT_EQ(expired.entry.kind, Kind::kExpire);
  EXPECT_EQ(expired.entry.effective_us, Day(30));
  EXPECT_EQ(expired.entry.points, -10);
  EXPECT_EQ(PostOne(On(40, Redeem(4, 7, 6))).limit, 5);
  ExpectVerified();
}

TEST_F(InactivityTest, PointsWithAnExpiryOfTheirOwnStandBeside) {
  Begin();
  Posting dated = On(0, Buy(2, 100));
  dated.expires_us = Day(10);
  Posting never = On(5, Buy(3, 100));
  never.expires_us = kNever_us;
  Post({On(0, Buy(4, 1000)), dated, never});
  EXPECT_EQ(At(Day(9)).expiring_us, Day(10));
  EXPECT_EQ(At(Day(9)).expiring_points, 10);
  EXPECT_EQ(At(Day(10)).expiring_us, Day(35));  // put off by the one that never expires
  EXPECT_EQ(At(Day(10)).expiring_points, 100);
  EXPECT_EQ(At(Day(35)).parts.active, 10);
  EXPECT_EQ(PostOne(never).status, kAlreadyExists);
  EXPECT_EQ(PostOne(dated).status, kAlreadyExists);
  // In spending order: the dated ones, those by inactivity, those for ever.
  EXPECT_EQ(PostOne(On(9, Redeem(5, 7, 111))).balance.active, 9);
  EXPECT_EQ(At(Day(100)).parts.active, 9);
  ExpectVerified();
}

TEST_F(InactivityTest, HoldsReversalsAndTransfers) {
  Begin();
  Post({Open(2, 8), On(0, Buy(3, 1000))});
  Posting hold = On(1, Request(Kind::kHold, 4, MemberKey(int64_t{7}), 40));
  const Terms until{.deadline_us = Day(60)};
  hold.terms = &until;
  Posting capture = On(20, Request(Kind::kCapture, 5, MemberKey(int64_t{7}), 10));
  capture.related = hold.id;
  EXPECT_EQ(Post({hold, capture})[1].balance.active, 90);
  EXPECT_EQ(At(Day(51) - 1).parts.active, 90);
  EXPECT_EQ(At(Day(51)).parts.active, 0);
  const MemberKey other(int64_t{8});
  Posting transfer = On(21, Request(Kind::kTransfer, 6, MemberKey(int64_t{7}), 30));
  transfer.other = &other;
  PostOne(transfer);
  EXPECT_EQ(At(Day(30), 8).expiring_us, At(Day(30)).expiring_us);
  Posting undo = On(22, Reverse(7, 7, 5));
  EXPECT_EQ(PostOne(undo).balance.active, 70);
  Posting extend = On(23, Request(Kind::kExtend, 8, MemberKey(int64_t{7})));
  extend.codes.actor = extend.codes.reason = base_;
  extend.related = {0x0190'0000'0000'7000, 3};
  extend.expires_us = Day(40);
  EXPECT_EQ(PostOne(extend).status, kExpiryNotLater);
  extend.expires_us = Day(400);
  extend.id.lo = 9;
  EXPECT_EQ(PostOne(extend).status, kPosted);
  EXPECT_EQ(At(Day(300)).parts.active, 70);
  // Taken back as though nothing had been.
  Posting linked = On(24, Redeem(10, 7, 5));
  linked.linked = true;
  EXPECT_EQ(Post({linked, On(24, Redeem(11, 8, 99))})[1].status, kInsufficientPoints);
  ExpectVerified();
}

TEST_F(InactivityTest, ARuleMayExpireByInactivityWhereTheCurrencyDoesNot) {
  Shop shop;
  shop.rule_expiry = kMonth;
  Start(shop);
  Post({On(0, Buy(2, 100)), On(5, Earn(3, 7, 7)), On(6, Redeem(4, 7, 1))});
  EXPECT_EQ(At(Day(29)).expiring_us, Day(30));  // the redemption puts nothing off
  EXPECT_EQ(At(Day(30)).parts.active, 7);
  Change({.expiry = kMonth});  // from now on all that is earned, and redemptions count
  EXPECT_EQ(PostOne(On(20, Redeem(5, 7, 1))).balance.active, 15);
  EXPECT_EQ(At(Day(49)).parts.active, 15);
  EXPECT_EQ(At(Day(51)).parts.active, 7);
  ExpectVerified();
}

TEST_F(InactivityTest, TheCurrencysActivityCountsAlsoWhereARuleSaysLess) {
  Start({.expiry = R"({"model":"inactivity","months":3})", .rule_expiry = kMonth});
  Post({On(0, Buy(2, 100))});
  EXPECT_EQ(At(Day(91)).parts.active, 10);  // until 14 February
  EXPECT_EQ(At(Day(92)).parts.active, 0);
}

// From 2200 on is beyond all times: but what was put off until then is not put back.
TEST_F(InactivityTest, WhatIsPutOffForCenturiesStaysSo) {
  Begin();
  Post({On(0, Buy(2, 100))});
  Change({.expiry = R"({"model":"inactivity","months":3600})"});
  PostOne(On(1, Redeem(3, 7, 1)));
  EXPECT_EQ(At(Day(60)).parts.active, 9);
  Change({.expiry = kMonth});
  Post({On(2, Redeem(4, 7, 1)), On(2, Buy(5, 10))});
  EXPECT_EQ(At(kMaxTime_us - 2).parts.active, 9);
  EXPECT_EQ(At(kMaxTime_us - 1).parts.active, 0);
  ExpectVerified();
}

// What the journal says of the past agrees with what the state said then.
TEST_F(InactivityTest, ThePastKnowsOfActivities) {
  Begin();
  Post({On(0, Buy(2, 100)), On(20, Redeem(3, 7, 4))});
  const MemberKey key(int64_t{7});
  const auto as_of = [&](int64_t effective_us) {
    Balance balance;
    const AsOf then{.effective_us = effective_us};
    EXPECT_TRUE(ledger_->BalancesAsOf({&key, 1}, 0, then, {&balance, 1}).ok());
    return balance;
  };
  EXPECT_EQ(as_of(Day(10)).expiring_us, Day(30));
  EXPECT_EQ(as_of(Day(20)).expiring_us, Day(51));
  EXPECT_EQ(as_of(Day(40)).parts.active, 6);
  EXPECT_EQ(as_of(Day(51)).parts.active, 0);
  Post({On(60, Buy(4, 100))});  // journals what has expired
  EXPECT_EQ(as_of(Day(40)).parts.active, 6);
  EXPECT_EQ(as_of(Day(55)).parts.active, 0);
  EXPECT_EQ(as_of(Day(60)).parts.active, 10);
}

}  // namespace
}  // namespace loyalty::engine

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

}  // namespace
}  // namespace loyalty::engine

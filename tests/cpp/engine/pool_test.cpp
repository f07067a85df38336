// Pools: several members contribute to an account and spend from it.
#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

// Members 7 and 8, and the household 100 that is their pool.
class PoolTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    Post({Open(1, 7), Open(2, 8), Open(3, 100), Earn(4, 7, 50), Earn(5, 8, 30)});
  }
  // A posting on `member` that names another one.
  Posting Between(Kind kind, uint64_t id, int64_t member, int64_t other, int64_t points = 0) {
    Posting posting = Request(kind, id, MemberKey(member), points);
    keys_.push_back(std::make_unique<MemberKey>(other));
    posting.other = keys_.back().get();
    return posting;
  }
  Posting Join(uint64_t id, int64_t member, int64_t limit) {
    Posting posting = Between(Kind::kJoinPool, id, 100, member);
    terms_.push_back(std::make_unique<Terms>());
    terms_.back()->ceiling = limit;
    posting.terms = terms_.back().get();
    return posting;
  }
  Posting Spend(uint64_t id, int64_t member, int64_t points) {
    return Between(Kind::kRedeem, id, 100, member, points);
  }
  PostingStatus End(const Posting& posting) { return PostOne(posting).status; }

  std::vector<std::unique_ptr<MemberKey>> keys_;
  std::vector<std::unique_ptr<Terms>> terms_;
};

TEST_F(PoolTest, MembersContributeAndSpendUpToTheirLimits) {
  const auto replies =
      Post({Join(10, 7, kNoCeiling), Join(11, 8, 25), Between(Kind::kTransfer, 12, 7, 100, 40),
            Between(Kind::kTransfer, 13, 8, 100, 20), Spend(14, 8, 20)});
  EXPECT_EQ(replies[4].status, kPosted);
  EXPECT_EQ(replies[4].balance.active, 40);
  const Reply refused = PostOne(Spend(15, 8, 6));
  EXPECT_EQ(refused.status, kPoolLimitPassed);
  EXPECT_EQ(refused.limit, 5);
  EXPECT_EQ(End(Spend(16, 7, 6)), kPosted);
  EXPECT_EQ(End(Spend(17, 7, 99)), kInsufficientPoints);
  EXPECT_EQ(End(Redeem(18, 100, 4)), kPosted);  // by nobody in particular
  EXPECT_EQ(End(Join(19, 8, 40)), kPosted);     // another limit; what he has spent counts
  EXPECT_EQ(PostOne(Spend(20, 8, 21)).limit, 20);
  Posting undo = Reverse(21, 100, 14);
  undo.points = 15;
  EXPECT_EQ(End(undo), kPosted);
  Reopen();
  EXPECT_EQ(PostOne(Spend(22, 8, 36)).limit, 35);
  EXPECT_EQ(End(Spend(14, 8, 20)), kAlreadyExists);
  EXPECT_EQ(End(Spend(14, 7, 20)), kExistsWithDifferentOtherMember);
  ExpectVerified();
}

TEST_F(PoolTest, HoldsCountUntilTheyEnd) {
  Post({Join(10, 8, 25), Between(Kind::kTransfer, 11, 7, 100, 50)});
  const Terms until{.deadline_us = kNoon_us + 1000};
  Posting hold = Between(Kind::kHold, 12, 100, 8, 20);
  hold.terms = &until;
  EXPECT_EQ(End(hold), kPosted);
  EXPECT_EQ(PostOne(Spend(13, 8, 6)).limit, 5);
  Posting capture = Request(Kind::kCapture, 14, MemberKey(int64_t{100}), 8);
  capture.related = hold.id;
  EXPECT_EQ(End(capture), kPosted);
  EXPECT_EQ(End(capture), kAlreadyExists);
  EXPECT_EQ(PostOne(Spend(15, 8, 18)).limit, 17);
  EXPECT_EQ(End(Reverse(16, 100, 14)), kPosted);
  hold.id.lo = 17;
  EXPECT_EQ(End(hold), kPosted);
  Posting late = Spend(18, 8, 26);
  late.effective_us = kNoon_us + 2000;  // the second hold has timed out
  EXPECT_EQ(PostOne(late).limit, 25);
  ExpectVerified();
}

TEST_F(PoolTest, LeavingTakesTheMembersOwnRemainder) {
  Posting soon = Earn(9, 7, 10);
  soon.expires_us = kNoon_us + 5000;
  Post({soon, Join(10, 7, kNoCeiling), Join(11, 8, kNoCeiling),
        Between(Kind::kTransfer, 12, 7, 100, 60), Between(Kind::kTransfer, 13, 8, 100, 20),
        Earn(14, 100, 5), Spend(15, 8, 25)});  // 10 that expire soon, and 15 of member 7's
  const Posting leave = Between(Kind::kLeavePool, 16, 100, 7);
  const Reply left = PostOne(leave);
  EXPECT_EQ(left.status, kPosted);
  EXPECT_EQ(left.points, -35);
  EXPECT_EQ(BalanceOf(7), 35);
  EXPECT_EQ(BalanceOf(100), 25);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, 70);
  EXPECT_EQ(End(leave), kAlreadyExists);
  EXPECT_EQ(End(Spend(17, 7, 1)), kNotInPool);
  EXPECT_EQ(End(Between(Kind::kLeavePool, 18, 100, 7)), kNotInPool);
  ASSERT_OK(ledger_->Checkpoint());
  Reopen();
  EXPECT_EQ(PostOne(Between(Kind::kLeavePool, 19, 100, 8)).points, -20);
  EXPECT_EQ(BalanceOf(100), 5);
  ExpectVerified();
}

TEST_F(PoolTest, Refusals) {
  EXPECT_EQ(End(Join(10, 100, 5)), kOtherMemberInvalid);
  EXPECT_EQ(End(Join(10, 7, -1)), kLimitsInvalid);
  EXPECT_EQ(End(Request(Kind::kJoinPool, 10, MemberKey(int64_t{100}))), kOtherMemberInvalid);
  EXPECT_EQ(End(Join(10, 99, 5)), kOtherMemberNotFound);
  EXPECT_EQ(End(Spend(11, 99, 5)), kInsufficientPoints);
  EXPECT_EQ(End(Between(Kind::kLeavePool, 12, 100, 99)), kOtherMemberNotFound);
  Post({Between(Kind::kTransfer, 13, 7, 100, 20)});
  EXPECT_EQ(End(Spend(14, 99, 5)), kOtherMemberNotFound);
  EXPECT_EQ(End(Spend(15, 8, 5)), kNotInPool);
  const uint32_t who = *Intern("clerk");
  Posting close = Request(Kind::kCloseMember, 16, MemberKey(int64_t{8}));
  close.codes.actor = close.codes.reason = who;
  Post({close});
  EXPECT_EQ(End(Join(17, 8, 5)), kOtherMemberClosed);
  // Not even when it is taken back.
  Posting join = Join(18, 7, 10);
  join.linked = true;
  EXPECT_EQ(Post({join, Redeem(19, 8, 1)})[0].status, kLinkedPostingFailed);
  EXPECT_EQ(End(Spend(20, 7, 1)), kNotInPool);
  Posting nobodys = Spend(21, 99, 1);
  nobodys.linked = true;
  const Reply failed = Post({nobodys, Redeem(22, 8, 1)})[1];
  EXPECT_EQ(failed.status, kLinkedPostingFailed);
  EXPECT_EQ(ledger_->Changes(failed.sequence - 1, 1)->at(0).details.other, Details::kNoOther);
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

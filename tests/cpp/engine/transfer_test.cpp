// Points between members, and members that are closed.
#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

class TransferTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    Post({Open(1, 7), Open(2, 8)});
    who_ = *Intern("clerk");
  }
  Posting Transfer(uint64_t id, int64_t from, int64_t to, int64_t points) {
    Posting posting = Request(Kind::kTransfer, id, MemberKey(from), points);
    keys_.push_back(std::make_unique<MemberKey>(to));
    posting.other = keys_.back().get();
    return posting;
  }
  Posting Audited(Kind kind, uint64_t id, int64_t member) {
    Posting posting = Request(kind, id, MemberKey(member));
    posting.codes.actor = posting.codes.reason = who_;
    return posting;
  }

  uint32_t who_ = 0;
  std::vector<std::unique_ptr<MemberKey>> keys_;
};

TEST_F(TransferTest, LotsMoveWithTheirExpiry) {
  Posting soon = Earn(3, 7, 10);
  soon.expires_us = kNoon_us + 1'000'000;
  const auto replies = Post({soon, Earn(4, 7, 20), Transfer(5, 7, 8, 25), Earn(6, 7, 1)});
  EXPECT_EQ(replies[2].balance.active, 5);
  EXPECT_EQ(replies[2].points, -25);
  EXPECT_EQ(replies[3].sequence, replies[2].sequence + 2);
  const Balance other = At(kNoon_us, 8);
  EXPECT_EQ(other.parts.active, 25);
  EXPECT_EQ(other.expiring_points, 10);
  EXPECT_EQ(other.expiring_us, soon.expires_us);
  EXPECT_EQ(At(kNoon_us, 7).expiring_points, 0);
  const auto second = ledger_->Changes(replies[2].sequence + 1, 1)->at(0);
  EXPECT_EQ(second.entry.related, replies[2].sequence);
  EXPECT_EQ(second.entry.points, 25);
  EXPECT_EQ(second.details.other, 0);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, 31);
  Reopen();
  EXPECT_EQ(PostOne(Transfer(5, 7, 8, 25)).status, kAlreadyExists);
  EXPECT_EQ(PostOne(Transfer(5, 7, 8, 24)).status, kExistsWithDifferentPoints);
  Post({Open(7, 9)});
  EXPECT_EQ(PostOne(Transfer(5, 7, 9, 25)).status, kExistsWithDifferentOtherMember);
  ExpectVerified();
}

TEST_F(TransferTest, WhatTheReceiverOwesIsRepaidFirst) {
  Post({Earn(3, 8, 10), Redeem(4, 8, 10), Reverse(5, 8, 3), Earn(6, 7, 30)});
  EXPECT_EQ(At(kNoon_us, 8).parts.arrears, 10);
  Post({Transfer(7, 7, 8, 15)});
  EXPECT_EQ(At(kNoon_us, 8).parts, (BalanceParts{.active = 5}));
  ExpectVerified();
}

TEST_F(TransferTest, Refusals) {
  Post({Earn(3, 7, 10)});
  EXPECT_EQ(PostOne(Transfer(4, 7, 7, 1)).status, kOtherMemberInvalid);
  EXPECT_EQ(PostOne(Transfer(5, 7, 99, 1)).status, kOtherMemberNotFound);
  EXPECT_EQ(PostOne(Transfer(6, 99, 7, 1)).status, kMemberNotFound);
  const Reply short_of = PostOne(Transfer(7, 7, 8, 11));
  EXPECT_EQ(short_of.status, kInsufficientPoints);
  EXPECT_EQ(short_of.limit, 10);
  Posting without = Transfer(8, 7, 8, 1);
  without.other = nullptr;
  EXPECT_EQ(PostOne(without).status, kOtherMemberInvalid);
  Posting with = Earn(9, 7, 1);
  const MemberKey other(int64_t(8));
  with.other = &other;
  EXPECT_EQ(PostOne(with).status, kOtherMemberInvalid);
  Terms limits{.ceiling = 5};
  Posting set = Audited(Kind::kSetLimits, 10, 8);
  set.terms = &limits;
  Post({set});
  const Reply over = PostOne(Transfer(11, 7, 8, 6));
  EXPECT_EQ(over.status, kOverCeiling);
  EXPECT_EQ(over.limit, 5);
  EXPECT_EQ(At(kNoon_us, 7).parts.active, 10);
  // The other member may have been opened in the same batch.
  EXPECT_EQ(Post({Open(12, 20), Transfer(13, 7, 20, 6)})[1].status, kPosted);
  EXPECT_EQ(At(kNoon_us, 20).parts.active, 6);
  ExpectVerified();
}

TEST_F(TransferTest, AClosedMemberTakesNoNewBusiness) {
  Terms until{.deadline_us = kNoon_us + 1'000'000};
  Posting hold = Request(Kind::kHold, 4, MemberKey(int64_t(7)), 6);
  hold.terms = &until;
  Post({Earn(3, 7, 10), hold, Earn(5, 8, 10)});
  EXPECT_EQ(PostOne(Audited(Kind::kReopenMember, 6, 7)).status, kMemberNotClosed);
  EXPECT_EQ(PostOne(Audited(Kind::kCloseMember, 7, 7)).status, kPosted);
  EXPECT_EQ(PostOne(Audited(Kind::kCloseMember, 8, 7)).status, kMemberClosed);
  Reopen();
  EXPECT_EQ(PostOne(Earn(9, 7, 1)).status, kMemberClosed);
  EXPECT_EQ(PostOne(Redeem(10, 7, 1)).status, kMemberClosed);
  EXPECT_EQ(PostOne(Transfer(11, 8, 7, 1)).status, kOtherMemberClosed);
  // The checkout under way, and a refund, still go through.
  Posting capture = Reverse(12, 7, 4);
  capture.kind = Kind::kCapture;
  EXPECT_EQ(PostOne(capture).status, kPosted);
  EXPECT_EQ(PostOne(Reverse(13, 7, 12)).balance.active, 10);
  EXPECT_EQ(PostOne(Audited(Kind::kReopenMember, 14, 7)).status, kPosted);
  EXPECT_EQ(PostOne(Earn(15, 7, 1)).balance.active, 11);
  ASSERT_OK(ledger_->Checkpoint());
  Reopen();
  EXPECT_EQ(PostOne(Earn(16, 7, 1)).balance.active, 12);
  ExpectVerified();
}

TEST_F(TransferTest, ClosingAMemberJournalsNothingElse) {
  Posting hold = Request(Kind::kHold, 4, MemberKey(int64_t(7)), 6);
  Terms until{.deadline_us = hold.effective_us + 1};
  hold.terms = &until;
  ASSERT_EQ(Post({Earn(3, 7, 10), hold})[1].status, kPosted);
  Posting close = Audited(Kind::kCloseMember, 5, 7);
  close.effective_us = until.deadline_us;
  const uint64_t before = ledger_->GetInfo()->sequence;
  EXPECT_EQ(PostOne(close).sequence, before + 1);
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

// Linked postings: all are posted, or none.
#include <atomic>
#include <thread>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

Posting Linked(Posting posting) {
  posting.linked = true;
  return posting;
}

class LinkedTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    Post({Open(1, 7), Open(2, 8), Earn(3, 7, 100)});
  }
  std::vector<PostingStatus> Statuses(const std::vector<Posting>& postings) {
    std::vector<PostingStatus> statuses;
    for (const Reply& reply : Post(postings)) statuses.push_back(reply.status);
    return statuses;
  }
  uint64_t Sequence() { return ledger_->GetInfo()->sequence; }
};

TEST_F(LinkedTest, AllArePostedAndEachHasItsOwnEntry) {
  Posting status = Earn(11, 7, 5);
  status.currency = 1;
  const uint64_t before = Sequence();
  EXPECT_EQ(Statuses({Linked(Redeem(10, 7, 30)), Linked(status), Earn(12, 8, 1), Redeem(13, 8, 9)}),
            (std::vector{kPosted, kPosted, kPosted, kInsufficientPoints}));
  EXPECT_EQ(Sequence(), before + 4);
  EXPECT_EQ(BalanceOf(7), 70);
  EXPECT_EQ(BalanceOf(7, 1), 5);
  EXPECT_EQ(BalanceOf(8), 1);
}

TEST_F(LinkedTest, WhenOneIsRefusedNoneIsPostedAndAllIdsAreUsedUp) {
  const std::vector<Posting> chain = {Linked(Earn(10, 7, 50)), Linked(Redeem(11, 7, 151)),
                                      Linked(Redeem(12, 7, 999)), Earn(13, 8, 1)};
  const auto replies = Post(chain);
  EXPECT_EQ(replies[0].status, kLinkedPostingFailed);
  EXPECT_EQ(replies[0].balance.active, 100);
  EXPECT_EQ(replies[1].status, kInsufficientPoints);
  EXPECT_EQ(replies[1].limit, 150);  // with the 50 before it
  EXPECT_EQ(replies[1].balance.active, 100);
  EXPECT_EQ(replies[2].status, kLinkedPostingFailed);
  EXPECT_EQ(replies[3].status, kLinkedPostingFailed);
  EXPECT_EQ(BalanceOf(7), 100);
  EXPECT_EQ(BalanceOf(8), 0);
  const auto records = ledger_->Changes(replies[0].sequence, 4);
  EXPECT_EQ(records->at(0).entry.points, 50);
  EXPECT_EQ(records->at(2).entry.points, -999);
  EXPECT_EQ(Statuses(chain), std::vector(4, kIdAlreadyFailed));
  EXPECT_EQ(PostOne(Earn(13, 8, 1)).status, kIdAlreadyFailed);
  ExpectVerified();
}

// Holds that end, reversals, lots of all sorts: a replay that never saw the chain gives the same bytes.
TEST_F(LinkedTest, ACurrencyThatNobodyElseHasUsedIsUnusedAgain) {
  Posting first = Earn(20, 7, 10);
  first.currency = 1;
  first.linked = true;
  EXPECT_EQ(Statuses({first, Redeem(21, 8, 1'000'000)})[0], kLinkedPostingFailed);
  ExpectVerified();
}

TEST_F(LinkedTest, WhatIsTakenBackLeavesNoTrace) {
  Posting hold = Request(Kind::kHold, 20, MemberKey(int64_t{7}), 40);
  const Terms until{.deadline_us = kNoon_us + 1000};
  hold.terms = &until;
  Posting expiring = Earn(21, 7, 9);
  expiring.expires_us = kNoon_us + 5000;
  Posting pending = Earn(22, 7, 3);
  const Terms later{.activates_us = kNoon_us + 3000};
  pending.terms = &later;
  Post({hold, expiring, pending, Redeem(23, 7, 20)});
  Posting first = Earn(2000, 7, 1);  // after the hold's end
  Posting second_hold = Request(Kind::kHold, 2001, MemberKey(int64_t{7}), 10);
  const Terms second_until{.deadline_us = kNoon_us + 9000};
  second_hold.terms = &second_until;
  Posting capture = Request(Kind::kCapture, 2002, MemberKey(int64_t{7}), 4);
  capture.related = second_hold.id;
  Posting partial = Reverse(2003, 7, 23);
  partial.points = 5;
  Posting part_of_first = Reverse(2004, 7, 2000);
  MemberKey other(int64_t{8});
  Posting transfer = Request(Kind::kTransfer, 2005, MemberKey(int64_t{7}), 50);
  transfer.other = &other;
  const std::vector<Posting> all = {first, second_hold, capture, partial, part_of_first, transfer};
  for (size_t length = 1; length <= all.size(); ++length) {
    std::vector<Posting> chain(all.begin(), all.begin() + ptrdiff_t(length));
    for (Posting& posting : chain) {
      posting.linked = true;
      posting.id.lo += 10'000 * length;
      if (posting.related.lo >= 2000) posting.related.lo += 10'000 * length;
    }
    chain.push_back(Redeem(9000 + length, 8, 1'000'000));
    std::vector<PostingStatus> expected(length, kLinkedPostingFailed);
    expected.push_back(kInsufficientPoints);
    EXPECT_EQ(Statuses(chain), expected) << length;
    ExpectVerified();
  }
  EXPECT_EQ(BalanceOf(7), 49);
  Reopen();
  std::vector<Posting> chain = all;
  for (size_t i = 0; i + 1 < chain.size(); ++i) chain[i].linked = true;
  EXPECT_EQ(Statuses(chain), std::vector(6, kPosted));
  EXPECT_EQ(Statuses(chain), std::vector(6, kAlreadyExists));
  ExpectVerified();
}

TEST_F(LinkedTest, MalformedOnesLeaveNoTrace) {
  const uint64_t before = Sequence();
  EXPECT_EQ(Statuses({Linked(Earn(10, 7, 50)), Linked(Redeem(11, 7, 0)), Redeem(12, 7, 1)}),
            (std::vector{kLinkedPostingMalformed, kPointsInvalid, kLinkedPostingMalformed}));
  EXPECT_EQ(Statuses({Linked(Open(10, 9)), Earn(11, 9, 1)}),
            (std::vector{kLinkedNotAllowed, kLinkedPostingMalformed}));
  EXPECT_EQ(Statuses({Linked(Earn(10, 7, 50)), Linked(Earn(11, 7, 1))}),
            (std::vector{kLinkedPostingMalformed, kLinkedChainOpen}));
  EXPECT_EQ(Statuses({Linked(Earn(10, 7, 50))}), std::vector{kLinkedChainOpen});
  EXPECT_EQ(Statuses({Linked(Earn(10, 7, -1))}), std::vector{kPointsInvalid});
  EXPECT_EQ(Sequence(), before);
  EXPECT_EQ(PostOne(Earn(10, 7, 50)).status, kPosted);  // the id is unused
}

TEST_F(LinkedTest, OneThatIsThereAlreadyFailsTheOthers) {
  Post({Earn(10, 7, 50)});
  EXPECT_EQ(Statuses({Linked(Earn(10, 7, 50)), Redeem(11, 7, 1)}),
            (std::vector{kAlreadyExists, kLinkedPostingFailed}));
  EXPECT_EQ(Statuses({Linked(Redeem(12, 7, 1)), Earn(10, 7, 51)}),
            (std::vector{kLinkedPostingFailed, kExistsWithDifferentPoints}));
  EXPECT_EQ(Statuses({Linked(Redeem(13, 7, 1)), Redeem(13, 7, 1)}),
            (std::vector{kLinkedPostingFailed, kIdAlreadyFailed}));
  ASSERT_OK(ledger_->Checkpoint());  // the ids are sealed, and found in preparation
  EXPECT_EQ(Statuses({Linked(Earn(10, 7, 50)), Redeem(14, 7, 1)}),
            (std::vector{kAlreadyExists, kLinkedPostingFailed}));
  EXPECT_EQ(BalanceOf(7), 150);
  ExpectVerified();
}

TEST_F(LinkedTest, OneThatIsThereAlreadyIsKnownAfterARefusedOne) {
  Posting undo = Reverse(10, 7, 3);
  undo.points = 5;
  PostOne(undo);
  EXPECT_EQ(Statuses({Linked(Redeem(11, 7, 999)), undo}),
            (std::vector{kInsufficientPoints, kAlreadyExists}));
}

TEST_F(LinkedTest, ARefusalNamesWhatItIsAbout) {
  Posting hold = Request(Kind::kHold, 10, MemberKey(int64_t{7}), 40);
  const Terms until{.deadline_us = kNoon_us + 1000};
  hold.terms = &until;
  PostOne(hold);
  Posting undo = Reverse(2001, 7, 2000);
  undo.points = 6;
  const auto replies = Post({Linked(Earn(2000, 7, 5)), undo});  // after the hold's end
  EXPECT_EQ(replies[1].status, kReversalExceedsOriginal);
  EXPECT_EQ(ledger_->Changes(replies[1].sequence, 1)->at(0).entry.related, replies[0].sequence);
}

TEST_F(LinkedTest, AllNameAMemberWhoWasOpenedInTheSameBatch) {
  const auto replies = Post({Open(10, 9), Linked(Redeem(11, 9, 1)), Earn(12, 9, 1)});
  EXPECT_EQ(replies[2].status, kLinkedPostingFailed);
  const auto records = ledger_->Changes(replies[1].sequence, 2);
  EXPECT_NE(records->at(0).entry.member, Entry::kNoMember);
  EXPECT_EQ(records->at(1).entry.member, records->at(0).entry.member);
}

TEST_F(LinkedTest, ReadersSeeAllOfItOrNothing) {
  std::atomic<bool> over = false;
  std::thread reader([&] {
    while (!over) {
      const int64_t balance = BalanceOf(7);
      ASSERT_TRUE(balance == 100 || balance == 95) << balance;
    }
  });
  for (uint64_t i = 0; i < 300; ++i) {
    const uint64_t id = 100 + 10 * i;
    std::vector<Posting> chain;
    for (uint64_t j = 0; j < 5; ++j) chain.push_back(Linked(Redeem(id + j, 7, 1)));
    chain.push_back(Redeem(id + 5, 8, 1));  // refused
    EXPECT_EQ(Post(chain)[5].status, kInsufficientPoints);
    chain.pop_back();
    for (Posting& posting : chain) posting.id.lo += 100'000;
    chain.back().linked = false;
    EXPECT_EQ(Post(chain)[4].balance.active, 95);
    EXPECT_EQ(PostOne(Earn(id + 6, 7, 5)).balance.active, 100);
  }
  over = true;
  reader.join();
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

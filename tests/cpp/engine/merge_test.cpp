// Two members made one, and one made two again.
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

constexpr int64_t kHour_us = 3'600'000'000;
using Two = std::pair<int64_t, int64_t>;

// Members 7 (who stays) and 8 (whose key leads to him), and 9.
class MergeTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    Post({Open(1, 7), Open(2, 8), Open(3, 9)});
    who_ = *Intern("clerk");
  }
  Posting Between(Kind kind, uint64_t id, int64_t member, int64_t other, int64_t points = 0) {
    Posting posting = Request(kind, id, MemberKey(member), points);
    keys_.push_back(std::make_unique<MemberKey>(other));
    posting.other = keys_.back().get();
    return posting;
  }
  Posting Merge(uint64_t id, int64_t member, int64_t other) {
    return Audited(Between(Kind::kMergeMembers, id, member, other));
  }
  Posting Unmerge(uint64_t id, int64_t member, uint64_t of) {
    return Audited(About(Kind::kUnmergeMembers, id, member, of));
  }
  Posting About(Kind kind, uint64_t id, int64_t member, uint64_t of, int64_t points = 0) {
    Posting posting = Reverse(id, member, of);
    posting.kind = kind;
    posting.points = points;
    return posting;
  }
  Posting Audited(Posting posting) const {
    posting.codes.actor = posting.codes.reason = who_;
    return posting;
  }
  Posting Expiring(Posting posting, int64_t hours) {
    posting.expires_us = kNoon_us + hours * kHour_us;
    return posting;
  }
  Posting With(Posting posting, const Terms& terms) {
    terms_.push_back(std::make_unique<Terms>(terms));
    posting.terms = terms_.back().get();
    return posting;
  }
  Posting Hold(uint64_t id, int64_t member, int64_t points) {
    return With(Request(Kind::kHold, id, MemberKey(member), points),
                {.deadline_us = kNoon_us + 50 * kHour_us});
  }
  Posting Waiting(uint64_t id, int64_t member, int64_t points) {
    return With(Earn(id, member, points),
                {.activates_us = kNever_us, .deadline_us = kNoon_us + 60 * kHour_us});
  }
  Posting Late(Posting posting, int64_t hours) {
    posting.effective_us = kNoon_us + hours * kHour_us;
    return posting;
  }
  PostingStatus End(const Posting& posting) { return PostOne(posting).status; }
  BalanceParts PartsOf(int64_t member, int64_t hours = 0) {
    return At(kNoon_us + 1 + hours * kHour_us, member).parts;
  }
  void ExpectTheSameAfterReopening() {
    std::vector<Balance> before;
    for (int64_t member : {7, 8, 9}) before.push_back(At(kNoon_us, member));
    Reopen();
    size_t i = 0;
    for (int64_t member : {7, 8, 9}) EXPECT_EQ(At(kNoon_us, member), before[i++]);
    ExpectVerified();
  }

  uint32_t who_ = 0;
  std::vector<std::unique_ptr<MemberKey>> keys_;
  std::vector<std::unique_ptr<Terms>> terms_;
};

TEST_F(MergeTest, BothKeysLeadToOneMemberWithAllThatBothHad) {
  Post({Earn(10, 7, 100), Expiring(Earn(11, 8, 40), 5), Earn(12, 8, 20), Redeem(13, 8, 10),
        Hold(14, 8, 15), Waiting(15, 8, 7)});
  EXPECT_EQ(End(Merge(16, 7, 8)), kPosted);
  const BalanceParts all{.active = 135, .pending = 7, .held = 15};
  EXPECT_EQ(PartsOf(7), all);
  EXPECT_EQ(PartsOf(8), all);
  const Balance balance = At(kNoon_us + 1, 8);
  EXPECT_EQ(balance.expiring_points, 15);
  EXPECT_EQ(balance.lifetime_earned, 167);
  EXPECT_EQ(balance.lifetime_redeemed, 10);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, 157);
  EXPECT_EQ(ledger_->AllBalances({.at_us = kNoon_us + 1})->members.size(), 2);
  ExpectTheSameAfterReopening();
  EXPECT_EQ(End(Redeem(17, 8, 130)), kPosted);
  EXPECT_EQ(PartsOf(7).active, 5);
}

TEST_F(MergeTest, WhatIsAboutAnEarlierPostingGoesOn) {
  Post({Earn(10, 8, 50), Redeem(11, 8, 20), Hold(12, 8, 10), Waiting(13, 8, 7), Waiting(14, 8, 6),
        Merge(15, 7, 8)});
  EXPECT_EQ(End(About(Kind::kCapture, 16, 8, 12, 4)), kPosted);
  EXPECT_EQ(End(About(Kind::kReverse, 17, 7, 11, 5)), kPosted);
  EXPECT_EQ(PostOne(About(Kind::kReverse, 18, 8, 11, 16)).limit, 15);
  EXPECT_EQ(End(About(Kind::kConfirm, 19, 7, 13)), kPosted);
  EXPECT_EQ(End(About(Kind::kCancel, 20, 7, 14)), kPosted);
  EXPECT_EQ(End(About(Kind::kReverse, 21, 7, 14)), kRelatedAlreadyReversed);
  EXPECT_EQ(PartsOf(7), (BalanceParts{.active = 50 - 20 - 4 + 5 + 7}));
  ExpectTheSameAfterReopening();
  EXPECT_EQ(End(Unmerge(22, 8, 15)), kPosted);
  EXPECT_EQ(PostOne(About(Kind::kReverse, 23, 8, 11, 16)).limit, 15);
  EXPECT_EQ(End(About(Kind::kReverse, 24, 8, 14)), kRelatedAlreadyReversed);
}

TEST_F(MergeTest, ARepeatedIdIsKnownByEitherKey) {
  Post({Earn(10, 8, 50), Merge(11, 7, 8), Earn(12, 8, 5)});
  EXPECT_EQ(End(Earn(10, 8, 50)), kAlreadyExists);
  EXPECT_EQ(End(Earn(10, 7, 50)), kExistsWithDifferentMember);  // he was another one then
  EXPECT_EQ(End(Earn(12, 7, 5)), kAlreadyExists);
  EXPECT_EQ(End(Merge(11, 7, 8)), kAlreadyExists);
  EXPECT_EQ(End(Merge(11, 7, 9)), kExistsWithDifferentOtherMember);
  Post({Unmerge(13, 8, 11), Merge(14, 9, 8)});
  EXPECT_EQ(End(Earn(12, 8, 5)), kAlreadyExists);
  EXPECT_EQ(End(Earn(12, 9, 5)), kExistsWithDifferentMember);
  ASSERT_OK(ledger_->Checkpoint());
  EXPECT_EQ(End(Earn(12, 8, 5)), kAlreadyExists);
  EXPECT_EQ(End(Unmerge(13, 7, 11)), kAlreadyExists);
}

TEST_F(MergeTest, UndoingItRestoresWhatHeHad) {
  Post({Earn(10, 7, 100), Expiring(Earn(11, 8, 40), 5), Earn(12, 8, 20), Hold(13, 8, 15),
        Waiting(14, 8, 7)});
  const Balance seven = At(kNoon_us + 1, 7);
  const Balance eight = At(kNoon_us + 1, 8);
  Post({Merge(15, 7, 8), Unmerge(16, 7, 15)});
  EXPECT_EQ(At(kNoon_us + 1, 7).parts, seven.parts);
  const Balance now = At(kNoon_us + 1, 8);
  EXPECT_EQ(now.parts, eight.parts);
  EXPECT_EQ(now.expiring_points, eight.expiring_points);
  EXPECT_EQ(now.lifetime_earned, eight.lifetime_earned);
  EXPECT_EQ(At(kNoon_us + 1, 7).lifetime_earned, 100);
  EXPECT_EQ(End(About(Kind::kRelease, 17, 8, 13)), kPosted);
  ExpectTheSameAfterReopening();
}

TEST_F(MergeTest, WhatWasPostedSinceIsTheSurvivors) {
  Post({Earn(10, 7, 10), Expiring(Earn(11, 8, 40), 5), Earn(12, 8, 20), Merge(13, 7, 8),
        Redeem(14, 8, 45), Earn(15, 8, 3), Unmerge(16, 8, 13)});
  // Spent were his 40, and 5 of the survivor's, who has 8 others now and owes the rest.
  EXPECT_EQ(PartsOf(8), (BalanceParts{.active = 60}));
  EXPECT_EQ(PartsOf(7), (BalanceParts{.arrears = 40 - 8}));
  EXPECT_EQ(At(kNoon_us, 8).expiring_points, 40);
  EXPECT_EQ(End(About(Kind::kReverse, 17, 8, 14)), kRelatedOfOtherMember);
  ExpectTheSameAfterReopening();
}

TEST_F(MergeTest, WhatHasExpiredSinceDoesNotComeBack) {
  Post({Expiring(Earn(10, 8, 40), 5), Expiring(Earn(11, 8, 30), 50), Earn(12, 7, 100),
        Merge(13, 7, 8), Late(Redeem(14, 7, 15), 1)});
  EXPECT_EQ(End(Late(Unmerge(15, 8, 13), 10)), kPosted);
  EXPECT_EQ(PartsOf(8, 10), (BalanceParts{.active = 30}));
  EXPECT_EQ(PartsOf(7, 10), (BalanceParts{.active = 100}));
  ExpectVerified();
}

TEST_F(MergeTest, DebtsGoOverAndBack) {
  Post({Earn(10, 8, 30), Redeem(11, 8, 30), Reverse(12, 8, 10), Earn(13, 7, 100), Merge(14, 7, 8)});
  EXPECT_EQ(PartsOf(7), (BalanceParts{.active = 100, .arrears = 30}));
  EXPECT_EQ(PostOne(Earn(15, 8, 12)).repaid, 12);
  EXPECT_EQ(PostOne(Redeem(16, 8, 83)).limit, 82);
  Post({Unmerge(17, 7, 14)});
  EXPECT_EQ(PartsOf(8), (BalanceParts{.arrears = 30}));
  EXPECT_EQ(PartsOf(7), (BalanceParts{.active = 112}));
  ExpectTheSameAfterReopening();
}

TEST_F(MergeTest, ARowOfMergesIsUndoneFromItsEnd) {
  Post({Earn(10, 7, 1), Earn(11, 8, 2), Earn(12, 9, 4), Merge(13, 8, 9), Merge(14, 7, 8)});
  EXPECT_EQ(PartsOf(9).active, 7);
  EXPECT_EQ(End(Unmerge(15, 9, 13)), kMergedSince);
  EXPECT_EQ(End(Unmerge(16, 7, 14)), kPosted);
  EXPECT_EQ(PartsOf(9).active, 6);
  EXPECT_EQ(PartsOf(7).active, 1);
  EXPECT_EQ(End(Unmerge(17, 9, 13)), kPosted);
  EXPECT_EQ(PartsOf(9).active, 4);
  EXPECT_EQ(End(Unmerge(18, 8, 13)), kRelatedAlreadyReversed);
  EXPECT_EQ(End(Unmerge(19, 9, 13)), kRelatedOfOtherMember);
  ExpectTheSameAfterReopening();
}

TEST_F(MergeTest, Refusals) {
  Post({Earn(10, 8, 5), Between(Kind::kJoinPool, 11, 9, 8)});
  EXPECT_EQ(End(Merge(12, 7, 7)), kOtherMemberInvalid);
  EXPECT_EQ(End(Merge(13, 7, 99)), kOtherMemberNotFound);
  EXPECT_EQ(End(Merge(14, 99, 7)), kMemberNotFound);
  EXPECT_EQ(End(Merge(15, 7, 9)), kOtherMemberIsPool);
  EXPECT_EQ(End(Unmerge(16, 7, 10)), kRelatedNotAMerge);
  EXPECT_EQ(End(Unmerge(17, 7, 999)), kRelatedNotFound);
  Posting nobody = Between(Kind::kMergeMembers, 18, 7, 8);
  EXPECT_EQ(End(nobody), kActorMissing);
  EXPECT_EQ(End(Merge(19, 7, 8)), kPosted);
  EXPECT_EQ(End(Merge(20, 7, 8)), kSameMember);
  EXPECT_EQ(End(Merge(21, 8, 7)), kSameMember);  // in a circle
  EXPECT_EQ(End(Between(Kind::kTransfer, 22, 7, 8, 1)), kSameMember);
  Post({Audited(Request(Kind::kCloseMember, 23, MemberKey(int64_t(8))))});
  EXPECT_EQ(End(Merge(24, 7, 9)), kMemberClosed);
  EXPECT_EQ(End(Merge(25, 9, 8)), kOtherMemberClosed);
  Posting linked = Merge(26, 9, 8);
  linked.linked = true;
  EXPECT_EQ(Post({linked, Earn(27, 9, 1)})[0].status, kLinkedNotAllowed);
  ExpectTheSameAfterReopening();
}

TEST_F(MergeTest, SumsThatLeave64BitsRefuseIt) {
  constexpr int64_t kMost = INT64_MAX - 10;
  Post({Earn(10, 7, kMost), (Audited(Request(Kind::kAdjust, 11, MemberKey(int64_t(7)), -kMost))),
        Earn(12, 8, 9)});
  EXPECT_EQ(End(Merge(13, 7, 8)), kPosted);
  EXPECT_EQ(End(Earn(14, 7, 5)), kBalanceWouldOverflow);  // of what he earned in his life
  EXPECT_EQ(End(Merge(15, 9, 7)), kPosted);
  ExpectVerified();
}

TEST_F(MergeTest, MembershipsOfPoolsStay) {
  Post({Earn(10, 9, 100), With(Between(Kind::kJoinPool, 11, 9, 8), {.ceiling = 30}),
        Merge(12, 7, 8)});
  EXPECT_EQ(End(Between(Kind::kRedeem, 13, 9, 7, 20)), kPosted);
  EXPECT_EQ(PostOne(Between(Kind::kRedeem, 14, 9, 8, 11)).limit, 10);
  Post({Earn(15, 7, 50), Between(Kind::kTransfer, 16, 7, 9, 40)});
  EXPECT_EQ(PostOne(Between(Kind::kLeavePool, 17, 9, 7)).points, -40);
  EXPECT_EQ(PartsOf(7).active, 50);
  EXPECT_EQ(End(Between(Kind::kRedeem, 18, 9, 7, 1)), kNotInPool);
  ExpectTheSameAfterReopening();
}

TEST_F(MergeTest, ErasingAMemberErasesAllHisKeys) {
  Post({Earn(10, 7, 5), Earn(11, 8, 7), Merge(12, 7, 8), Earn(13, 9, 1)});
  const Reply erased = PostOne(Audited(Request(Kind::kEraseMember, 14, MemberKey(int64_t(8)))));
  EXPECT_EQ(erased.status, kPosted);
  EXPECT_EQ(ledger_->GetInfo()->sequence, erased.sequence + 1);
  for (int64_t member : {7, 8}) {
    EXPECT_FALSE(At(kNoon_us, member).found);
    EXPECT_EQ(End(Earn(uint64_t(20 + member), member, 1)), kMemberNotFound);
  }
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, 13);
  ExpectVerified();
  Reopen();
  EXPECT_FALSE(At(kNoon_us, 8).found);
  ExpectVerified();
}

TEST_F(MergeTest, ThePastKnowsWhoTheyWere) {
  Post({Earn(10, 7, 10), Earn(11, 8, 20)});
  const uint64_t before = ledger_->GetInfo()->sequence;
  Post({Late(Merge(12, 7, 8), 5), Late(Earn(13, 8, 4), 6)});
  const uint64_t merged = ledger_->GetInfo()->sequence;
  const MemberKey keys[] = {MemberKey(int64_t(7)), MemberKey(int64_t(8))};
  const auto as_of = [&](const AsOf& when) {
    std::vector<Balance> balances(2);
    EXPECT_TRUE(ledger_->BalancesAsOf(keys, 0, when, balances).ok());
    return Two(balances[0].parts.active, balances[1].parts.active);
  };
  Post({Late(Unmerge(14, 7, 12), 8)});
  EXPECT_EQ(as_of({.sequence = before}), Two(10, 20));
  EXPECT_EQ(as_of({.sequence = merged}), Two(34, 34));
  EXPECT_EQ(as_of({.effective_us = kNoon_us + 7 * kHour_us, .sequence = merged}), Two(34, 34));
  // What had happened before they were merged, of those who are one by now.
  EXPECT_EQ(as_of({.effective_us = kNoon_us + 2 * kHour_us, .sequence = merged}), Two(30, 30));
  EXPECT_EQ(as_of({.effective_us = kNoon_us + 2 * kHour_us}), Two(10, 20));
  EXPECT_EQ(as_of({.effective_us = kNoon_us + 9 * kHour_us}), Two(14, 20));
  const auto all = ledger_->AllBalancesAsOf(0, {.sequence = merged}, nullptr);
  ASSERT_OK(all.status());
  EXPECT_EQ(all->members.size(), 2);
}

TEST_F(MergeTest, ReadersSeeOneMemberOrTwo) {
  Post({Earn(10, 7, 10), Earn(11, 8, 20)});
  std::atomic<bool> over = false;
  std::thread reader([&] {
    const MemberKey keys[] = {MemberKey(int64_t(7)), MemberKey(int64_t(8))};
    while (!over) {
      std::vector<Balance> found(2);
      EXPECT_TRUE(ledger_->Balances(keys, {.at_us = kNoon_us}, found).ok());
      const Two active(found[0].parts.active, found[1].parts.active);
      EXPECT_TRUE(active == Two(10, 20) || active == Two(30, 30))
          << active.first << " and " << active.second;
    }
  });
  for (uint64_t id = 100; id < 300; id += 2) Post({Merge(id, 7, 8), Unmerge(id + 1, 8, id)});
  over = true;
  reader.join();
  ExpectVerified();
}

TEST_F(MergeTest, AStatementHasTheEntriesOfBoth) {
  const auto replies = Post(
      {Earn(10, 7, 10), Earn(11, 8, 20), Late(Merge(12, 7, 8), 1), Late(Redeem(13, 8, 15), 2)});
  const auto page = ledger_->Statement(MemberKey(int64_t(8)), {});
  ASSERT_OK(page.status());
  EXPECT_EQ(page->running.back(), 15);
  EXPECT_EQ(std::count_if(page->records.begin(), page->records.end(),
                          [](const Record& r) { return r.entry.kind == Kind::kEarn; }),
            2);
  const auto explained = ledger_->Explain(replies[1].sequence);
  ASSERT_OK(explained.status());
  ASSERT_EQ(explained->left.size(), 1);
  EXPECT_EQ(explained->left[0].member, 0);  // the slot of 7
  EXPECT_EQ(explained->left[0].points, 15);
  EXPECT_EQ(explained->used.back().points, -5);
}

}  // namespace
}  // namespace loyalty::engine

// Points in time: expiry, pending lots, holds, arrears, limits.
#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

constexpr int64_t kHour_us = 3'600'000'000;

class PointsTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    Post({Open(1, 7)});
    actor_ = *Intern("auditor");
  }
  Posting At(Posting posting, int64_t hours) {
    posting.effective_us = kNoon_us + hours * kHour_us;
    return posting;
  }
  // Points that an earn at hour `from` gives until hour `until`.
  Posting Expiring(uint64_t id, int64_t points, int64_t from, int64_t until) {
    Posting posting = At(Earn(id, 7, points), from);
    posting.expires_us = kNoon_us + until * kHour_us;
    return posting;
  }
  Posting WithTerms(Posting posting, const Terms& terms) {
    terms_.push_back(std::make_unique<Terms>(terms));
    posting.terms = terms_.back().get();
    return posting;
  }
  Posting HoldUntil(uint64_t id, int64_t points, int64_t at, int64_t until) {
    return WithTerms(At(Request(Kind::kHold, id, MemberKey(int64_t(7)), points), at),
                     {.deadline_us = kNoon_us + until * kHour_us});
  }
  Posting About(Kind kind, uint64_t id, uint64_t of, int64_t at, int64_t points = 0) {
    Posting posting = At(Reverse(id, 7, of), at);
    posting.kind = kind;
    posting.points = points;
    return posting;
  }
  Posting Limits(uint64_t id, int64_t floor, int64_t ceiling) {
    Posting posting = WithTerms(Request(Kind::kSetLimits, id, MemberKey(int64_t(7))),
                                {.floor = floor, .ceiling = ceiling});
    posting.codes.actor = posting.codes.reason = actor_;
    return posting;
  }
  Balance At(int64_t hours) { return LedgerTest::At(kNoon_us + hours * kHour_us); }
  BalanceParts PartsAt(int64_t hours) { return At(hours).parts; }

  uint32_t actor_ = 0;
  std::vector<std::unique_ptr<Terms>> terms_;
};

TEST_F(PointsTest, ExpiryShowsAtItsInstant) {
  Post({Expiring(2, 10, 0, 5), Expiring(3, 20, 0, 9), At(Earn(4, 7, 1), 0)});
  EXPECT_EQ(PartsAt(4).active, 31);
  EXPECT_EQ(PartsAt(5).active, 21);
  EXPECT_EQ(PartsAt(9).active, 1);
  const Balance next = At(5);
  EXPECT_EQ(next.expiring_points, 20);
  EXPECT_EQ(next.expiring_us, kNoon_us + 9 * kHour_us);
  const auto replies = Post({At(Redeem(5, 7, 22), 6), At(Redeem(6, 7, 21), 6)});
  EXPECT_EQ(replies[0].status, kInsufficientPoints);
  EXPECT_EQ(replies[0].limit, 21);
  EXPECT_EQ(replies[1].status, kPosted);
  EXPECT_EQ(replies[1].balance.active, 0);
  // A posting that happened before the expiry, and is recorded after it, still finds the points.
  EXPECT_EQ(PostOne(At(Redeem(7, 7, 10), 4)).status, kPosted);
  ExpectVerified();
}

TEST_F(PointsTest, PendingPointsAreShownAndNotSpendable) {
  const auto replies =
      Post({WithTerms(At(Earn(2, 7, 30), 0), {.activates_us = kNoon_us + 5 * kHour_us}),
            At(Redeem(3, 7, 1), 4), At(Redeem(4, 7, 10), 5)});
  EXPECT_EQ(replies[0].balance, (BalanceParts{.pending = 30}));
  EXPECT_EQ(replies[1].status, kInsufficientPoints);
  EXPECT_EQ(replies[2].balance, (BalanceParts{.active = 20}));
  EXPECT_EQ(PartsAt(4), (BalanceParts{.pending = 20}));
  Reopen();
  EXPECT_EQ(PartsAt(4), (BalanceParts{.pending = 20}));
  ExpectVerified();
}

TEST_F(PointsTest, ConfirmOrCancelBeforeTheDeadline) {
  const Terms waits{.activates_us = kNever_us, .deadline_us = kNoon_us + 5 * kHour_us};
  Post({WithTerms(At(Earn(2, 7, 1), 0), waits), WithTerms(At(Earn(3, 7, 10), 0), waits),
        WithTerms(At(Earn(4, 7, 100), 0), waits), WithTerms(At(Earn(5, 7, 1000), 0), waits)});
  EXPECT_EQ(PartsAt(4).pending, 1111);
  EXPECT_EQ(PartsAt(5), BalanceParts());  // too late: never confirmed
  Posting confirm = About(Kind::kConfirm, 10, 2, 2);
  confirm.expires_us = kNoon_us + 9 * kHour_us;
  const auto replies =
      Post({confirm, About(Kind::kCancel, 11, 3, 2), About(Kind::kConfirm, 12, 4, 5),
            About(Kind::kConfirm, 13, 3, 2), About(Kind::kConfirm, 14, 10, 2),
            About(Kind::kReverse, 15, 3, 2), About(Kind::kReverse, 16, 5, 3)});
  EXPECT_EQ(replies[0].balance, (BalanceParts{.active = 1, .pending = 1110}));
  EXPECT_EQ(replies[1].points, -10);
  EXPECT_EQ(replies[1].balance.pending, 1100);
  EXPECT_EQ(replies[2].status, kConfirmationTooLate);
  EXPECT_EQ(replies[3].status, kRelatedNotPending);
  EXPECT_EQ(replies[4].status, kRelatedNotPending);
  EXPECT_EQ(replies[5].status, kRelatedAlreadyReversed);
  EXPECT_EQ(replies[6].balance, (BalanceParts{.active = 1, .pending = 100}));
  EXPECT_EQ(PartsAt(9).active, 0);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).issued, -101);
  ExpectVerified();
}

TEST_F(PointsTest, AHoldIsCapturedReleasedOrTimesOut) {
  Post({Expiring(2, 10, 0, 6), At(Earn(3, 7, 100), 0)});
  auto replies = Post({HoldUntil(4, 50, 1, 5), HoldUntil(5, 61, 1, 5), HoldUntil(6, 20, 1, 9)});
  EXPECT_EQ(replies[0].balance, (BalanceParts{.active = 60, .held = 50}));
  EXPECT_EQ(replies[1].status, kInsufficientPoints);
  EXPECT_EQ(replies[1].limit, 60);
  EXPECT_EQ(replies[2].balance, (BalanceParts{.active = 40, .held = 70}));
  Reopen();
  EXPECT_EQ(PartsAt(5), (BalanceParts{.active = 90, .held = 20}));
  EXPECT_EQ(PartsAt(6), (BalanceParts{.active = 80, .held = 20}));  // ten of the held ones expire
  replies = Post({About(Kind::kCapture, 7, 6, 2, 21), About(Kind::kCapture, 8, 6, 2, 5),
                  About(Kind::kCapture, 9, 6, 3), About(Kind::kRelease, 10, 3, 3),
                  About(Kind::kCapture, 11, 4, 5), About(Kind::kCapture, 12, 4, 4)});
  EXPECT_EQ(replies[0].status, kCaptureExceedsHold);
  EXPECT_EQ(replies[0].limit, 20);
  EXPECT_EQ(replies[1].points, -5);
  EXPECT_EQ(replies[1].balance, (BalanceParts{.active = 55, .held = 50}));
  EXPECT_EQ(replies[2].status, kHoldAlreadyClosed);
  EXPECT_EQ(replies[3].status, kRelatedNotAHold);
  EXPECT_EQ(replies[4].status, kHoldExpired);  // and so it has ended by itself
  EXPECT_EQ(replies[4].balance, (BalanceParts{.active = 105}));
  EXPECT_EQ(replies[5].status, kHoldAlreadyClosed);
  EXPECT_EQ(PartsAt(7), (BalanceParts{.active = 95}));
  // A capture is a redemption: it is reversed like one.
  replies = Post({About(Kind::kReverse, 13, 8, 4, 2), About(Kind::kReverse, 14, 8, 4, 4),
                  About(Kind::kReverse, 15, 8, 4), About(Kind::kReverse, 16, 8, 4)});
  EXPECT_EQ(replies[0].points, 2);
  EXPECT_EQ(replies[1].status, kReversalExceedsOriginal);
  EXPECT_EQ(replies[1].limit, 3);
  EXPECT_EQ(replies[2].points, 3);
  EXPECT_EQ(replies[3].status, kRelatedAlreadyReversed);
  EXPECT_EQ(PartsAt(4).active, 110);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).redeemed, 0);
  ExpectVerified();
}

TEST_F(PointsTest, AHoldThatTimesOutInTheSameBatch) {
  const auto replies = Post({At(Earn(2, 7, 10), 0), HoldUntil(3, 10, 1, 2), At(Redeem(4, 7, 10), 1),
                             At(Redeem(5, 7, 10), 2), At(Earn(6, 7, 1), 3)});
  EXPECT_EQ(replies[2].status, kInsufficientPoints);
  EXPECT_EQ(replies[3].status, kPosted);
  EXPECT_EQ(replies[3].sequence, replies[2].sequence + 2);  // after the time-out
  const auto changes = ledger_->Changes(replies[2].sequence + 1, 1);
  EXPECT_EQ(changes->at(0).entry.kind, Kind::kTimeOut);
  EXPECT_EQ(changes->at(0).entry.effective_us, kNoon_us + 2 * kHour_us);
  EXPECT_EQ(changes->at(0).details.held, -10);
  ExpectVerified();
}

TEST_F(PointsTest, AReversalOfSpentPointsGoesIntoArrears) {
  Post({At(Earn(2, 7, 100), 0), At(Redeem(3, 7, 70), 1)});
  Reply reply = PostOne(About(Kind::kReverse, 4, 2, 2, 40));
  EXPECT_EQ(reply.points, -40);
  EXPECT_EQ(reply.balance, (BalanceParts{.arrears = 10}));
  EXPECT_EQ(PostOne(At(Redeem(5, 7, 1), 2)).status, kInsufficientPoints);
  reply = PostOne(At(Earn(6, 7, 4), 3));
  EXPECT_EQ(reply.repaid, 4);
  EXPECT_EQ(reply.balance, (BalanceParts{.arrears = 6}));
  reply = PostOne(At(Earn(7, 7, 10), 3));
  EXPECT_EQ(reply.repaid, 6);
  EXPECT_EQ(reply.balance, (BalanceParts{.active = 4}));
  Reopen();
  EXPECT_EQ(PostOne(At(Earn(7, 7, 10), 3)).repaid, 6);  // said again to a retry
  EXPECT_EQ(PartsAt(4).active, 4);
  ExpectVerified();
}

TEST_F(PointsTest, PartialReversalsGiveBackWhatWasTakenLast) {
  Post({Expiring(2, 10, 0, 6), At(Earn(3, 7, 10), 0), At(Redeem(4, 7, 15), 1)});
  Post({About(Kind::kReverse, 5, 4, 2, 5)});
  EXPECT_EQ(PartsAt(6).active, 10);  // all of the lot that never expires
  Post({About(Kind::kReverse, 6, 4, 2)});
  EXPECT_EQ(PartsAt(5).active, 20);
  EXPECT_EQ(PartsAt(6).active, 10);
  ExpectVerified();
}

TEST_F(PointsTest, ExtendingMovesTheExpiry) {
  Post({Expiring(2, 10, 0, 6), At(Redeem(3, 7, 3), 1), At(Earn(4, 7, 1), 1)});
  const auto extend = [&](uint64_t id, uint64_t of, int64_t at, int64_t until) {
    Posting posting = About(Kind::kExtend, id, of, at);
    posting.expires_us = kNoon_us + until * kHour_us;
    posting.codes.actor = posting.codes.reason = actor_;
    return posting;
  };
  const auto replies = Post({extend(5, 2, 2, 6), extend(6, 2, 2, 20), extend(7, 4, 2, 20),
                             extend(8, 3, 2, 20), extend(9, 2, 30, 40)});
  EXPECT_EQ(replies[0].status, kExpiryNotLater);
  EXPECT_EQ(replies[1].status, kPosted);
  EXPECT_EQ(replies[2].status, kExpiryNotLater);  // it never expires
  EXPECT_EQ(replies[3].status, kRelatedNotACredit);
  EXPECT_EQ(replies[4].status, kNothingLeft);
  EXPECT_EQ(PartsAt(6).active, 8);
  EXPECT_EQ(PartsAt(20).active, 1);
  ExpectVerified();
}

TEST_F(PointsTest, FloorsAndCeilings) {
  Post({At(Earn(2, 7, 100), 0), Limits(3, 20, 150)});
  auto replies = Post({At(Redeem(4, 7, 81), 0), At(Redeem(5, 7, 80), 0), At(Earn(6, 7, 131), 0),
                       At(Earn(7, 7, 130), 0)});
  EXPECT_EQ(replies[0].limit, 80);
  EXPECT_EQ(replies[1].status, kPosted);
  EXPECT_EQ(replies[2].status, kOverCeiling);
  EXPECT_EQ(replies[2].limit, 130);
  EXPECT_EQ(replies[3].balance.active, 150);
  // Below zero there is debt. A hold cannot set aside what is not there.
  replies = Post({Limits(8, -50, INT64_MAX), At(Redeem(9, 7, 201), 0), HoldUntil(10, 151, 0, 9),
                  At(Redeem(11, 7, 190), 0), About(Kind::kReverse, 12, 11, 1, 60)});
  EXPECT_EQ(replies[1].limit, 200);
  EXPECT_EQ(replies[2].limit, 150);
  EXPECT_EQ(replies[3].balance, (BalanceParts{.arrears = 40}));
  EXPECT_EQ(replies[4].balance, (BalanceParts{.active = 20}));
  EXPECT_EQ(replies[4].repaid, 40);
  Post({Limits(13, 0, INT64_MAX)});
  ExpectVerified();
}

TEST_F(PointsTest, ReversingAnExpiredEarnCostsOnlyWhatWasSpent) {
  for (bool journaled : {false, true}) {
    const uint64_t id = journaled ? 100 : 200;
    Post({Expiring(id, 100, 0, 5), At(Earn(id + 1, 7, 50), 0), At(Redeem(id + 2, 7, 30), 1)});
    if (journaled) {
      ASSERT_OK(ledger_->Expire(kNoon_us + 6 * kHour_us, false, nullptr).status());
      Reopen();
    }
    const int64_t before = PartsAt(8).active;
    // 70 expired, 30 were spent: the member has to give back 30, from the other earn.
    EXPECT_EQ(PostOne(About(Kind::kReverse, id + 3, id, 7, 40)).balance.active, before);
    EXPECT_EQ(PostOne(About(Kind::kReverse, id + 4, id, 7)).balance.active, before - 30);
    EXPECT_EQ(PostOne(About(Kind::kReverse, id + 5, id + 2, 7)).balance.active, before - 30);
    EXPECT_EQ(PostOne(About(Kind::kReverse, id + 6, id + 1, 7)).points, -50);
  }
  ASSERT_OK(ledger_->Expire(kNoon_us + 9 * kHour_us, false, nullptr).status());
  ExpectVerified();
}

TEST_F(PointsTest, ExpiryRunsChangeNoAnswer) {
  Post({Open(50, 8), Expiring(2, 10, 0, 5), Expiring(3, 20, 0, 900), At(Earn(4, 7, 5), 0),
        WithTerms(Expiring(5, 40, 0, 8), {.activates_us = kNoon_us + 3 * kHour_us}),
        WithTerms(At(Earn(6, 7, 80), 0),
                  {.activates_us = kNever_us, .deadline_us = kNoon_us + 4 * kHour_us}),
        HoldUntil(7, 12, 1, 6)});
  const auto all = [&] {
    std::vector<BalanceParts> parts;
    for (int64_t hour : {0, 2, 3, 4, 5, 6, 7, 8, 899, 900}) parts.push_back(PartsAt(hour));
    return parts;
  };
  const std::vector<BalanceParts> before = all();
  const auto dry = ledger_->Expire(kNoon_us + 7 * kHour_us, true, nullptr);
  ASSERT_OK(dry.status());
  const auto run = ledger_->Expire(kNoon_us + 7 * kHour_us, false, nullptr);
  ASSERT_OK(run.status());
  ASSERT_EQ(run->lines.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(run->lines[i].kind, dry->lines[i].kind);
    EXPECT_EQ(run->lines[i].points, dry->lines[i].points);
    EXPECT_EQ(run->lines[i].month, 2023 * 12 + 10);  // November
  }
  EXPECT_EQ(run->lines[0].kind, Kind::kCancel);
  EXPECT_EQ(run->lines[0].points, 80);
  EXPECT_EQ(run->lines[1].kind, Kind::kExpire);
  // The hold took all of the first lot and two points of another, and gave them back when it ended.
  EXPECT_EQ(run->lines[1].points, 10);
  EXPECT_EQ(run->lines[2].points, 12);
  EXPECT_EQ(run->lines[3].points, 40);
  Reopen();
  // What is over cannot be asked of the state any more; what is to come is the same.
  const std::vector<BalanceParts> after = all();
  for (size_t i = 6; i < before.size(); ++i) EXPECT_EQ(after[i], before[i]) << i;
  const auto again = ledger_->Expire(kNoon_us + 7 * kHour_us, false, nullptr);
  EXPECT_TRUE(again->lines.empty());
  EXPECT_EQ(ledger_->TrialBalance()->at(0).expired, 10);
  const auto changes = ledger_->Changes(run->started_sequence, 100);
  EXPECT_EQ(changes->front().text, "expire");
  EXPECT_EQ(changes->at(run->finished_sequence - run->started_sequence).entry.related,
            run->started_sequence);
  EXPECT_EQ(ledger_->Expire(kMaxTime_us - 1, false, nullptr).status().code(),
            StatusCode::kInvalidArgument);
  ExpectVerified();
}

TEST_F(PointsTest, AStoppedExpiryRunGoesOn) {
  std::vector<Posting> postings;
  for (int64_t member = 100; member < 200; ++member) {
    postings.push_back(Open(uint64_t(member), member));
    postings.push_back(At(Earn(uint64_t(member) + 1000, member, 10), 0));
    postings.back().expires_us = kNoon_us + kHour_us;
  }
  Post(postings);
  const auto stopped =
      ledger_->Expire(kNoon_us + 2 * kHour_us, false, [](uint64_t, uint64_t) { return false; });
  EXPECT_EQ(stopped.status().code(), StatusCode::kInterrupted);
  const auto rest = ledger_->Expire(kNoon_us + 2 * kHour_us, false, nullptr);
  ASSERT_OK(rest.status());
  EXPECT_EQ(rest->lines.at(0).entries, 100u);
  EXPECT_EQ(rest->lines.at(0).points, 1000);
  ExpectVerified();
}

TEST_F(PointsTest, AnotherTermIsAnotherPosting) {
  Post({At(Earn(2, 7, 100), 0), HoldUntil(3, 10, 0, 5), Limits(4, 1, 9)});
  EXPECT_EQ(PostOne(HoldUntil(3, 10, 0, 5)).status, kAlreadyExists);
  EXPECT_EQ(PostOne(HoldUntil(3, 11, 0, 5)).status, kExistsWithDifferentPoints);
  EXPECT_EQ(PostOne(HoldUntil(3, 10, 0, 6)).status, kExistsWithDifferentDeadline);
  EXPECT_EQ(PostOne(Limits(4, 1, 8)).status, kExistsWithDifferentLimits);
  EXPECT_EQ(PostOne(WithTerms(At(Earn(2, 7, 100), 0), {.activates_us = kNoon_us + 1})).status,
            kExistsWithDifferentActivation);
}

TEST_F(PointsTest, MalformedTerms) {
  const auto with = [&](Posting posting, const Terms& terms) {
    return PostOne(WithTerms(At(posting, 0), terms)).status;
  };
  const int64_t later = kNoon_us + 1;
  EXPECT_EQ(with(Earn(2, 7, 1), {.activates_us = kNoon_us - 1}), kActivationInvalid);
  EXPECT_EQ(with(Redeem(2, 7, 1), {.activates_us = later}), kActivationInvalid);
  EXPECT_EQ(with(Earn(2, 7, 1), {.activates_us = kNever_us}), kDeadlineInvalid);
  EXPECT_EQ(with(Earn(2, 7, 1), {.activates_us = later, .deadline_us = later}), kDeadlineInvalid);
  EXPECT_EQ(with(Request(Kind::kHold, 2, MemberKey(int64_t(7)), 1), {}), kDeadlineInvalid);
  EXPECT_EQ(with(Earn(2, 7, 1), {.floor = 1}), kLimitsInvalid);
  EXPECT_EQ(PostOne(Limits(2, 10, 9)).status, kLimitsInvalid);
  Posting early = Expiring(2, 1, 0, 1);
  EXPECT_EQ(PostOne(WithTerms(early, {.activates_us = early.expires_us})).status, kExpiryInvalid);
}

}  // namespace
}  // namespace loyalty::engine

// What an entry that undoes or confirms an earlier one changes of what that one counts for on ladders.
#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

class CorrectionTest : public ProgramTest {
 protected:
  void Begin(const Shop& shop = {}) {
    Start(shop);
    food_ = *Intern("food");
  }
  // A purchase for 1,000 that gives 100 points.
  Posting Bought(uint64_t id) {
    Posting posting = Buy(id, 1'000);
    posting.codes.category = food_;
    posting.effective_us = kNoon_us;
    return posting;
  }
  Correction CorrectionOf(const Posting& posting) {
    const Reply reply = Post({posting}).at(0);
    EXPECT_TRUE(IsPosted(reply.status)) << ToString(reply.status);
    return RecordOf(reply.sequence).details.correction;
  }
  Correction Of(int64_t points, int64_t money, int64_t visits) const {
    return {.of_us = kNoon_us,
            .points = points,
            .money = money,
            .visits = visits,
            .rule = base_,
            .category = food_};
  }
  Posting Back(uint64_t id, uint64_t original, int64_t points, int64_t money = 0) {
    Posting posting = Reverse(id, 7, original);
    posting.points = points;
    posting.money = money;
    posting.effective_us = kNoon_us + kDay_us;
    return posting;
  }

  uint32_t food_ = 0;
};

TEST_F(CorrectionTest, WhatIsPostedCorrectsNothing) {
  Begin();
  EXPECT_EQ(CorrectionOf(Bought(10)), Correction());
  EXPECT_EQ(CorrectionOf(Redeem(11, 7, 20)), Correction());
}

TEST_F(CorrectionTest, AReversalTakesAwayAtTheTimeOfItsOriginal) {
  Begin();
  Post({Bought(10)});
  EXPECT_EQ(CorrectionOf(Back(11, 10, 30)), Of(-30, 0, 0));
  EXPECT_EQ(CorrectionOf(Back(12, 10, 20, 150)), Of(-20, -150, 0));
  EXPECT_EQ(CorrectionOf(Back(13, 10, 0)), Of(-50, -850, -1));  // the rest, and its money
}

TEST_F(CorrectionTest, WhatExpiresBeforeItIsConfirmedIsCancelledThen) {
  Begin({.pending = R"({"confirm_within_days":30})"});
  Posting posting = Bought(10);
  posting.expires_us = kNoon_us + 5 * kDay_us;
  Post({posting});
  ASSERT_OK(ledger_->Expire(kNoon_us + 6 * kDay_us, false, nullptr).status());
  Posting back = Back(11, 10, 0);
  back.effective_us = kNoon_us + 10 * kDay_us;
  EXPECT_EQ(PostOne(back).status, PostingStatus::kRelatedAlreadyReversed);
}

TEST_F(CorrectionTest, MoneyPaidBack) {
  Begin();
  Post({Bought(10)});
  EXPECT_EQ(CorrectionOf(Back(11, 10, kByProgram, 400)), Of(-40, -400, 0));
  EXPECT_EQ(CorrectionOf(Back(12, 10, kByProgram, 3)), Of(-1, -3, 0));
  EXPECT_EQ(CorrectionOf(Back(13, 10, kByProgram, 597)), Of(-59, -597, -1));
}

TEST_F(CorrectionTest, AVisitWithoutPointsIsUndoneWithItsMoney) {
  Begin();
  Posting visit = Bought(10);
  visit.points = 0;
  Post({visit});
  EXPECT_EQ(CorrectionOf(Back(11, 10, kByProgram, 300)), Of(0, -300, 0));
  Posting other = Bought(20);
  other.points = 0;
  Post({other});
  EXPECT_EQ(CorrectionOf(Back(21, 20, 0)), Of(0, -1'000, -1));
}

TEST_F(CorrectionTest, AReversedDebitComesBack) {
  Begin();
  Post({Bought(10), Redeem(11, 7, 40)});
  const Correction part = CorrectionOf(Back(12, 11, 15));
  EXPECT_EQ(part.points, 15);
  EXPECT_EQ(part.visits, 0);
  const Correction rest = CorrectionOf(Back(13, 11, 0));
  EXPECT_EQ(rest.points, 25);
  EXPECT_EQ(rest.visits, -1);
}

TEST_F(CorrectionTest, WhatWasSpentIsUndoneAllTheSame) {
  for (const char* const reversal : {"arrears", "stop_at_zero"}) {
    Begin({.reversal = reversal});
    Post({Bought(10), Redeem(11, 7, 70)});
    EXPECT_EQ(CorrectionOf(Back(12, 10, 0)), Of(-100, -1'000, -1)) << reversal;
    ledger_.reset();
    std::filesystem::remove_all(path_);
  }
}

TEST_F(CorrectionTest, ARefusalCorrectsNothing) {
  Begin();
  Post({Bought(10)});
  const Reply reply = Post({Back(11, 10, 101)}).at(0);
  EXPECT_EQ(reply.status, PostingStatus::kReversalExceedsOriginal);
  EXPECT_EQ(RecordOf(reply.sequence).details.correction, Correction());
}

TEST_F(CorrectionTest, WhatWaitsForItsConfirmationCountsFromThenOn) {
  Begin({.pending = R"({"confirm_within_days":10})"});
  Post({Bought(10), Bought(20), Bought(30)});
  Posting confirm = Request(Kind::kConfirm, 11, MemberKey(7));
  confirm.related = Request(Kind::kEarn, 10, MemberKey(7)).id;
  EXPECT_EQ(CorrectionOf(confirm), Of(100, 1'000, 1));
  EXPECT_EQ(CorrectionOf(Back(12, 10, 0)), Of(-100, -1'000, -1));
  // Undone before it counted, and what is left counts.
  EXPECT_EQ(CorrectionOf(Back(21, 20, 30, 300)), Correction());
  confirm.id = Request(Kind::kEarn, 22, MemberKey(7)).id;
  confirm.related = Request(Kind::kEarn, 20, MemberKey(7)).id;
  EXPECT_EQ(CorrectionOf(confirm), Of(70, 700, 1));
  Posting cancel = Request(Kind::kCancel, 31, MemberKey(7));
  cancel.related = Request(Kind::kEarn, 30, MemberKey(7)).id;
  EXPECT_EQ(CorrectionOf(cancel), Correction());
}

TEST_F(CorrectionTest, CancellingWhatIsPendingUndoesIt) {
  Begin({.pending = R"({"days":10})"});
  Post({Bought(10)});
  Post({Back(11, 10, 30, 300)});
  Posting cancel = Request(Kind::kCancel, 12, MemberKey(7));
  cancel.related = Request(Kind::kEarn, 10, MemberKey(7)).id;
  EXPECT_EQ(CorrectionOf(cancel), Of(-70, -700, -1));
}

}  // namespace
}  // namespace loyalty::engine

// Postings under a programme, and changes of it.
#include <atomic>
#include <deque>
#include <thread>

#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

TEST_F(ProgramTest, ARuleMakesPointsOfMoney) {
  Start({});
  const auto replies = Post({Buy(2, 199), Earn(3, 7, 5), Buy(4, 9), Buy(2, 199), Earn(2, 7, 19)});
  EXPECT_EQ(replies[0].points, 19);
  EXPECT_EQ(replies[2].points, 0);
  EXPECT_EQ(replies[3].status, kAlreadyExists);
  EXPECT_EQ(replies[3].points, 19);
  EXPECT_EQ(replies[4].status, kExistsWithDifferentPoints);
  Posting without_rule = Buy(5, 100);
  without_rule.codes.rule = 0;
  EXPECT_EQ(PostOne(without_rule).status, kNoPointsByRule);
  ExpectVerified();
}

TEST_F(ProgramTest, ExpiryAndActivationAreTheProgrammes) {
  Start({.expiry = R"({"model":"rolling","days":10,"months":0,"round_up":"day"})",
         .pending = R"({"days":3})"});
  const Reply reply = PostOne(Buy(2, 100));
  EXPECT_EQ(reply.balance, (BalanceParts{.pending = 10}));
  const Record record = RecordOf(reply.sequence);
  EXPECT_EQ(record.details.terms.activates_us, record.entry.effective_us + 3 * kDay_us);
  // Ten days after activation, at the end of that day (the effective time is in the evening of one).
  const int64_t until_us = record.entry.expires_us;
  EXPECT_GT(until_us, record.entry.effective_us + 13 * kDay_us);
  EXPECT_LT(until_us, record.entry.effective_us + 14 * kDay_us);
  EXPECT_EQ(until_us % kDay_us, 0);
  // What a posting says itself goes first.
  Posting own = Buy(3, 100);
  own.expires_us = kNever_us;
  Terms at_once{.activates_us = own.effective_us};
  own.terms = &at_once;
  EXPECT_EQ(PostOne(own).balance.active, 10);
  EXPECT_EQ(RecordOf(reply.sequence + 1).entry.expires_us, kNever_us);
  EXPECT_EQ(PostOne(own).status, kAlreadyExists);
  own.expires_us = kByProgram;
  EXPECT_EQ(PostOne(own).status, kExistsWithDifferentExpiry);
  own.expires_us = kNever_us;
  own.terms = nullptr;
  EXPECT_EQ(PostOne(own).status, kExistsWithDifferentActivation);
  ExpectVerified();
}

TEST_F(ProgramTest, AConfirmationStartsTheExpiry) {
  Start({.expiry = R"({"model":"rolling","days":10,"months":0,"round_up":"none"})",
         .pending = R"({"confirm_within_days":5})"});
  const Reply earned = PostOne(Buy(2, 100));
  EXPECT_EQ(earned.balance.pending, 10);
  Change({});  // the version of the earn counts
  Posting confirm = Reverse(3, 7, 2);
  confirm.kind = Kind::kConfirm;
  confirm.effective_us += kDay_us;
  const Reply reply = PostOne(confirm);
  EXPECT_EQ(reply.balance.active, 10);
  EXPECT_EQ(RecordOf(reply.sequence).entry.expires_us, confirm.effective_us + 10 * kDay_us);
  EXPECT_EQ(PostOne(confirm).status, kAlreadyExists);
  ExpectVerified();
}

TEST_F(ProgramTest, OldPostingsKeepTheirVersion) {
  Start({.reversal = "stop_at_zero"});
  Post({Buy(2, 1000), Redeem(3, 7, 70)});
  Change({.pending = R"({"days":1})", .reversal = "arrears"});
  EXPECT_EQ(*ledger_->ProgramVersion(), 2u);
  Reopen();
  EXPECT_EQ(*ledger_->ProgramVersion(), 2u);
  // Answered by its content, as it was left to the programme of then.
  EXPECT_EQ(PostOne(Buy(2, 1000)).status, kAlreadyExists);
  EXPECT_EQ(PostOne(Buy(4, 50)).balance.pending, 5);
  const Reply reply = PostOne(Reverse(5, 7, 2));
  EXPECT_EQ(reply.status, kPostedInPart);
  EXPECT_EQ(reply.points, -30);
  EXPECT_EQ(PostOne(Reverse(6, 7, 2)).status, kRelatedAlreadyReversed);
  ExpectVerified();
}

TEST_F(ProgramTest, MoneyPaidBackTakesWhatTheRuleOfThenMadeOfIt) {
  const auto refund = [](uint64_t id, uint64_t of, int64_t money) {
    Posting posting = Reverse(id, 7, of);
    posting.points = kByProgram;
    posting.money = money;
    return posting;
  };
  Start({});
  Posting tea = Redeem(3, 7, 100);
  tea.money = 30;
  Post({Buy(2, 1999), tea});
  Change({.pending = R"({"days":1})"});  // another version
  // 199 points for 19.99; for 19.94, too; for 19.89, a point less.
  EXPECT_EQ(PostOne(refund(4, 2, 5)).points, 0);
  EXPECT_EQ(PostOne(refund(5, 2, 5)).points, -1);
  const Reply over = PostOne(refund(6, 2, 1990));
  EXPECT_EQ(over.status, kRefundExceedsOriginal);
  EXPECT_EQ(over.limit, 1989);
  // What was no rule's is in proportion: of 100 for 30, 66 are for 20.
  EXPECT_EQ(PostOne(refund(7, 3, 10)).points, 34);
  Reopen();
  EXPECT_EQ(PostOne(refund(7, 3, 10)).status, kAlreadyExists);
  EXPECT_EQ(PostOne(refund(7, 3, 11)).status, kExistsWithDifferentMoney);
  EXPECT_EQ(PostOne(refund(8, 3, 20)).points, 66);
  EXPECT_EQ(PostOne(refund(9, 2, 1989)).points, -198);
  EXPECT_EQ(PostOne(refund(10, 2, 1)).status, kRelatedAlreadyReversed);
  Posting nothing = refund(11, 2, 0);
  EXPECT_EQ(PostOne(nothing).status, kPointsInvalid);
  EXPECT_EQ(PostOne(refund(13, 3, 1)).status, kRelatedAlreadyReversed);
  ExpectVerified();
}

TEST_F(ProgramTest, PostingsBesideAChangeHaveTheVersionInForce) {
  constexpr int kChanges = 40;
  Start({.reversal = "stop_at_zero"});  // as of all odd versions
  std::atomic<bool> done = false;
  std::thread changing([&] {
    for (int i = 0; i < kChanges; ++i) Change({.reversal = i % 2 ? "stop_at_zero" : "arrears"});
    done = true;
  });
  std::deque<Reply> earned;
  std::deque<std::unique_ptr<Ledger::Ticket>>
      in_flight;  // so that a block holds what is around a change
  while (!done) {
    const Posting earn = Earn(100 + earned.size(), 7, 1);
    Reply& reply = earned.emplace_back();
    in_flight.push_back(std::move(ledger_->Submit({&earn, 1}, {&reply, 1})).value());
    if (in_flight.size() > 20) in_flight.pop_front();
  }
  in_flight.clear();
  changing.join();
  Post({Redeem(2, 7, int64_t(earned.size()))});
  std::vector<uint64_t> changes;
  const auto records = ledger_->Changes(1, SIZE_MAX);
  for (const Record& record : *records) {
    if (record.entry.kind == Kind::kDefineProgram) changes.push_back(record.sequence);
  }
  for (size_t i = 0; i < earned.size(); ++i) {
    const auto later = std::lower_bound(changes.begin(), changes.end(), earned[i].sequence);
    const bool stops = (later - changes.begin()) % 2 == 1;
    ASSERT_EQ(PostOne(Reverse(1'000'000 + i, 7, 100 + i)).status, stops ? kPostedInPart : kPosted)
        << "of sequence " << earned[i].sequence;
  }
  ExpectVerified();
}

TEST_F(ProgramTest, FloorsCeilingsAndClipping) {
  Start({.floor = "10", .ceiling = "100", .over_ceiling = "clip"});
  const auto replies = Post({Buy(2, 900), Buy(3, 200), Redeem(4, 7, 91), Redeem(5, 7, 90)});
  EXPECT_EQ(replies[1].status, kPostedInPart);
  EXPECT_EQ(replies[1].points, 10);
  EXPECT_EQ(replies[1].limit, 10);
  EXPECT_EQ(replies[2].limit, 90);
  EXPECT_EQ(replies[3].balance.active, 10);
  EXPECT_EQ(PostOne(Buy(3, 200)).status, kAlreadyExists);
  Change({.floor = "0", .ceiling = "50"});
  EXPECT_EQ(PostOne(Buy(6, 410)).status, kOverCeiling);
  EXPECT_EQ(PostOne(Redeem(7, 7, 10)).status, kPosted);
  ExpectVerified();
}

TEST_F(ProgramTest, WhatComesBackToAnExpiredLotLivesOn) {
  Start({.return_of_expired_days = 30});
  Posting earn = Buy(2, 100);
  earn.expires_us = earn.effective_us + kDay_us;
  Post({earn, Redeem(3, 7, 10)});
  Posting reverse = Reverse(4, 7, 3);
  reverse.effective_us += 2 * kDay_us;
  const Reply reply = PostOne(reverse);
  EXPECT_EQ(reply.balance.active, 10);
  ASSERT_OK(ledger_->Expire(reverse.effective_us + 30 * kDay_us, false, nullptr).status());
  EXPECT_EQ(ledger_->TrialBalance()->at(0).expired, 10);
  ExpectVerified();
}

TEST_F(ProgramTest, WhatCannotFollow) {
  Start({});
  Post({Buy(2, 100)});
  const uint64_t before = ledger_->GetInfo()->sequence;
  const auto removed = ledger_->ApplyProgram(Shop{.name = "miles"}.Json(), {});
  EXPECT_EQ(removed.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(removed.status().message().find("currencies lacks 'points'"), std::string::npos);
  const auto scaled = ledger_->ApplyProgram(Shop{.decimals = 2}.Json(), {});
  EXPECT_NE(scaled.status().message().find("points.decimals must stay 0"), std::string::npos);
  EXPECT_EQ(ledger_->GetInfo()->sequence, before);
  EXPECT_EQ(ledger_->ApplyProgram(Shop().Json(), {}).value(), 1u);  // in force already
  EXPECT_EQ(ledger_->ProgramText(1).value(), Shop().Json());
  EXPECT_EQ(ledger_->ProgramText(2).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger_->ProgramText(0).status().code(), StatusCode::kNotFound);
}

TEST_F(ProgramTest, ACurrencyThatNobodyUsedMayGo) {
  Start({});
  const auto version = ledger_->ApplyProgram(Shop{.name = "miles"}.Json(), {});
  ASSERT_OK(version.status());
  EXPECT_EQ(ledger_->Currencies(), (std::vector<std::string>{"points", "miles"}));
  EXPECT_EQ(PostOne(Earn(2, 7, 5)).status, kCurrencyNotFound);
  Posting miles = Buy(3, 50);
  EXPECT_EQ(PostOne(miles).status, kCurrencyNotFound);
  miles.currency = 1;
  EXPECT_EQ(PostOne(miles).points, 5);
  // Now it is "miles" that must stay.
  EXPECT_EQ(ledger_->ApplyProgram(Shop().Json(), {}).status().code(), StatusCode::kInvalidArgument);
  Reopen();
  EXPECT_EQ(*ledger_->ProgramVersion(), 2u);
  EXPECT_EQ(PostOne(Earn(5, 7, 5)).status, kCurrencyNotFound);
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

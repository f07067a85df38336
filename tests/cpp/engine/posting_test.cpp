// What each kind of posting does, and every status, through the public interface.
#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

class PostingTest : public LedgerTest {};

TEST_F(PostingTest, EarnAndRedeem) {
  const auto replies = Post({Open(1, 7), Earn(2, 7, 100), Earn(3, 7, 50), Redeem(4, 7, 120)});
  const int64_t expected[] = {0, 100, 150, 30};
  for (size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i].status, kPosted) << i;
    EXPECT_EQ(replies[i].sequence, 3 + i);  // two currencies were defined first
    EXPECT_EQ(replies[i].balance.active, expected[i]);
  }
  EXPECT_EQ(BalanceOf(7), 30);
  ExpectVerified();
}

TEST_F(PostingTest, AnEarnOfNothingIsARecordedVisit) {
  Posting visit = Earn(2, 7, 0);
  visit.money = 99;
  const auto replies = Post({Open(1, 7), visit});
  EXPECT_EQ(replies[1].status, kPosted);
  EXPECT_EQ(ledger_->Statement(MemberKey(int64_t(7)), {})->records[1].entry.money, 99);
}

TEST_F(PostingTest, CurrenciesAreApart) {
  Posting other = Earn(3, 7, 5);
  other.currency = 1;
  Post({Open(1, 7), Earn(2, 7, 100), other});
  EXPECT_EQ(BalanceOf(7, 0), 100);
  EXPECT_EQ(BalanceOf(7, 1), 5);
  ExpectVerified();
}

TEST_F(PostingTest, RefusalsUseUpTheId) {
  auto replies = Post({Open(1, 7), Earn(2, 7, 10), Redeem(3, 7, 11), Earn(4, 8, 1), Open(5, 7)});
  EXPECT_EQ(replies[2].status, kInsufficientPoints);
  EXPECT_EQ(replies[2].balance.active, 10);
  EXPECT_EQ(replies[3].status, kMemberNotFound);
  EXPECT_EQ(replies[4].status, kMemberAlreadyOpen);
  replies = Post({Earn(6, 7, 90), Redeem(3, 7, 11), Open(9, 8), Earn(4, 8, 1)});
  EXPECT_EQ(replies[1].status, kIdAlreadyFailed);
  EXPECT_EQ(replies[3].status, kIdAlreadyFailed);
  EXPECT_EQ(BalanceOf(7), 100);
  ExpectVerified();
}

TEST_F(PostingTest, MalformedPostingsLeaveNoTrace) {
  Post({Open(1, 7), Earn(2, 7, 10)});
  const uint64_t before = ledger_->GetInfo()->sequence;
  struct Case {
    PostingStatus status;
    Posting posting;
  };
  std::vector<Case> cases;
  const auto add = [&](PostingStatus status, Posting posting, auto change) {
    change(posting);
    cases.push_back({status, posting});
  };
  const std::string long_key(65, 'k');
  Posting adjust = Request(Kind::kAdjust, 40, MemberKey(int64_t(7)), 5);
  add(kIdMissing, Earn(2, 7, 1), [](Posting& p) { p.id = {}; });
  add(kKindInvalid, Earn(30, 7, 1), [](Posting& p) { p.kind = Kind::kDefineCode; });
  add(kKindInvalid, Earn(30, 7, 1), [](Posting& p) { p.kind = Kind(99); });
  add(kMemberKeyInvalid, Earn(30, 7, 1), [&](Posting& p) { p.member = MemberKey(long_key); });
  add(kMemberKeyInvalid, Earn(30, 7, 1), [&](Posting& p) { p.member = MemberKey(""); });
  add(kCurrencyNotFound, Earn(30, 7, 1), [](Posting& p) { p.currency = 2; });
  add(kPointsInvalid, Earn(30, 7, -1), [](Posting&) {});
  add(kPointsInvalid, Redeem(30, 7, 0), [](Posting&) {});
  add(kPointsInvalid, Open(30, 9), [](Posting& p) { p.points = 1; });
  add(kPointsInvalid, adjust, [](Posting& p) { p.points = 0; });
  add(kMoneyInvalid, Earn(30, 7, 1), [](Posting& p) { p.money = -1; });
  add(kEffectiveTimeOutOfRange, Earn(30, 7, 1), [](Posting& p) { p.effective_us = kMaxTime_us; });
  add(kEffectiveTimeOutOfRange, Earn(30, 7, 1),
      [](Posting& p) { p.effective_us = kMinTime_us - 1; });
  add(kExpiryInvalid, Earn(30, 7, 1), [](Posting& p) { p.expires_us = p.effective_us; });
  add(kExpiryInvalid, Redeem(30, 7, 1), [](Posting& p) { p.expires_us = p.effective_us + 1; });
  add(kCodeNotFound, Earn(30, 7, 1), [](Posting& p) { p.codes.location = 77; });
  add(kActorMissing, adjust, [](Posting&) {});
  add(kRelatedMissing, Reverse(30, 7, 2), [](Posting& p) { p.related = {}; });
  add(kRelatedNotAllowed, Earn(30, 7, 1), [](Posting& p) { p.related = {1, 1}; });
  for (const Case& c : cases) {
    const Reply reply = PostOne(c.posting);
    EXPECT_EQ(reply.status, c.status) << ToString(reply.status) << " for " << ToString(c.status);
    EXPECT_EQ(reply.sequence, 0u);
  }
  EXPECT_EQ(ledger_->GetInfo()->sequence, before);
  EXPECT_EQ(PostOne(Earn(30, 7, 1)).status, kPosted);  // the id was not used up
}

TEST_F(PostingTest, ARepeatedIdAnswersWithTheOriginal) {
  const auto first = Post({Open(1, 7), Earn(2, 7, 10), Earn(3, 7, 5)});
  for (int opening = 0; opening < 2; ++opening) {
    const auto again = Post({Earn(2, 7, 10), Open(1, 7)});
    EXPECT_EQ(again[0].status, kAlreadyExists);
    EXPECT_EQ(again[0].sequence, first[1].sequence);
    EXPECT_EQ(again[0].balance.active, 10);
    EXPECT_EQ(again[1].status, kAlreadyExists);
    ASSERT_OK(ledger_->Checkpoint());  // now the ids are sealed
    Reopen();
  }
  EXPECT_EQ(BalanceOf(7), 15);
}

TEST_F(PostingTest, ARepeatedIdWithOtherContentNamesTheField) {
  const auto code = Intern("till 4");
  ASSERT_OK(code.status());
  Posting earn = Earn(2, 7, 10);
  earn.expires_us = kNoon_us * 2;
  earn.money = 5;
  Post({Open(1, 7), Open(9, 8), earn, Redeem(3, 7, 1), Redeem(4, 7, 1), Reverse(5, 7, 3)});
  for (int sealed = 0; sealed < 2; ++sealed) {
    const auto status = [&](Posting posting, auto change) {
      change(posting);
      return PostOne(posting).status;
    };
    EXPECT_EQ(status(earn, [](Posting&) {}), kAlreadyExists);
    EXPECT_EQ(status(Redeem(2, 7, 10), [](Posting&) {}), kExistsWithDifferentKind);
    EXPECT_EQ(status(earn, [](Posting& p) { p.member.number = 8; }), kExistsWithDifferentMember);
    EXPECT_EQ(status(earn, [](Posting& p) { p.member.number = 99; }), kExistsWithDifferentMember);
    EXPECT_EQ(status(earn, [](Posting& p) { p.currency = 1; }), kExistsWithDifferentCurrency);
    EXPECT_EQ(status(earn, [](Posting& p) { p.points = 11; }), kExistsWithDifferentPoints);
    EXPECT_EQ(status(earn, [](Posting& p) { p.money = 6; }), kExistsWithDifferentMoney);
    EXPECT_EQ(status(earn, [](Posting& p) { ++p.effective_us; }),
              kExistsWithDifferentEffectiveTime);
    EXPECT_EQ(status(earn, [](Posting& p) { ++p.expires_us; }), kExistsWithDifferentExpiry);
    EXPECT_EQ(status(earn, [&](Posting& p) { p.codes.location = *code; }),
              kExistsWithDifferentCodes);
    EXPECT_EQ(status(earn, [](Posting& p) { p.tag = 1; }), kExistsWithDifferentTag);
    EXPECT_EQ(PostOne(Reverse(5, 7, 3)).status, kAlreadyExists);
    EXPECT_EQ(PostOne(Reverse(5, 7, 4)).status, kExistsWithDifferentRelated);
    ASSERT_OK(ledger_->Checkpoint());
  }
}

TEST_F(PostingTest, AnIdTwiceInOneBatch) {
  const auto replies = Post({Open(1, 7), Earn(2, 7, 10), Earn(2, 7, 10), Earn(2, 7, 11)});
  EXPECT_EQ(replies[2].status, kAlreadyExists);
  EXPECT_EQ(replies[2].sequence, replies[1].sequence);
  EXPECT_EQ(replies[3].status, kExistsWithDifferentPoints);
  EXPECT_EQ(BalanceOf(7), 10);
}

TEST_F(PostingTest, Adjustments) {
  const uint32_t code = *Intern("clerk");
  Posting up = Request(Kind::kAdjust, 2, MemberKey(int64_t(7)), 30);
  up.codes.actor = code;
  EXPECT_EQ(PostOne(up).status, kReasonMissing);
  up.codes.reason = *Intern("goodwill");
  Posting down = up;
  down.id.lo = 3;
  down.points = -31;
  Posting less = up;
  less.id.lo = 4;
  less.points = -30;
  const auto replies = Post({Open(1, 7), up, down, less});
  EXPECT_EQ(replies[1].balance.active, 30);
  EXPECT_EQ(replies[2].status, kInsufficientPoints);
  EXPECT_EQ(replies[3].balance.active, 0);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).adjusted, 0);
  ExpectVerified();
}

TEST_F(PostingTest, ReversalOfARedemptionGivesBackToItsLots) {
  Posting soon = Earn(2, 7, 10);
  soon.expires_us = kNoon_us + 1'000'000;
  Post({Open(1, 7), soon, Earn(3, 7, 20), Redeem(4, 7, 15), Reverse(5, 7, 4)});
  EXPECT_EQ(BalanceOf(7), 30);
  // Reversing the first earn needs its own lot whole again: then the other earn's stays at 20.
  const auto replies =
      Post({Reverse(6, 7, 2), Reverse(7, 7, 3), Reverse(8, 7, 3), Reverse(9, 7, 5)});
  EXPECT_EQ(replies[0].balance.active, 20);
  EXPECT_EQ(replies[1].balance.active, 0);
  EXPECT_EQ(replies[2].status, kRelatedAlreadyReversed);
  EXPECT_EQ(replies[3].status, kRelatedNotReversible);
  ExpectVerified();
}

TEST_F(PostingTest, ReversalOfAnEarnTakesItsOwnLotFirst) {
  Posting soon = Earn(2, 7, 10);
  soon.expires_us = kNoon_us + 1'000'000;
  Post({Open(1, 7), soon, Earn(3, 7, 20), Redeem(4, 7, 12)});  // takes 10 and 2
  const Reply reply = PostOne(Reverse(6, 7, 2));  // its own lot is gone: 10 from the other
  EXPECT_EQ(reply.status, kPosted);
  EXPECT_EQ(reply.balance.active, 8);
  ExpectVerified();
}

TEST_F(PostingTest, ReversalRefusals) {
  Posting other_currency = Reverse(6, 7, 2);
  other_currency.currency = 1;
  const auto replies = Post({Open(1, 7), Earn(2, 7, 10), Open(3, 8), Reverse(4, 8, 2),
                             Reverse(5, 7, 77), other_currency, Reverse(7, 7, 1)});
  EXPECT_EQ(replies[3].status, kRelatedOfOtherMember);
  EXPECT_EQ(replies[4].status, kRelatedNotFound);
  EXPECT_EQ(replies[5].status, kRelatedNotReversible);
  EXPECT_EQ(replies[6].status, kRelatedNotReversible);
  ExpectVerified();
}

TEST_F(PostingTest, OverflowIsAStatus) {
  const auto replies =
      Post({Open(1, 7), Open(2, 8), Earn(3, 7, INT64_MAX - 1), Earn(4, 7, 2), Earn(5, 8, 2)});
  EXPECT_EQ(replies[2].status, kPosted);
  EXPECT_EQ(replies[3].status, kBalanceWouldOverflow);
  EXPECT_EQ(replies[4].status, kBalanceWouldOverflow);  // of all members' points together
  EXPECT_EQ(BalanceOf(7), INT64_MAX - 1);
  ExpectVerified();
}

TEST_F(PostingTest, TextKeysAreNotNumbers) {
  Posting text = Request(Kind::kOpenMember, 2, MemberKey("7"));
  Posting earn = Request(Kind::kEarn, 3, MemberKey("7"), 4);
  Post({Open(1, 7), text, earn});
  EXPECT_EQ(BalanceOf(7), 0);
  const MemberKey key("7");
  Balance balance;
  ASSERT_OK(ledger_->Balances({&key, 1}, {.at_us = kNoon_us}, {&balance, 1}));
  EXPECT_EQ(balance.parts.active, 4);
}

TEST_F(PostingTest, EmptyAndOversizedBatches) {
  EXPECT_TRUE(Post({}).empty());
  options_.queue_capacity = 4;
  Reopen();
  std::vector<Posting> five(5, Open(1, 7));
  std::vector<Reply> replies(5);
  const Status status = ledger_->Post(five, replies);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("split it"), std::string::npos);
}

TEST_F(PostingTest, CodesAreInternedOnce) {
  const uint32_t first = *Intern("grocery");
  EXPECT_EQ(*Intern("grocery"), first);
  EXPECT_NE(*Intern("drinks"), first);
  EXPECT_EQ(*Intern(""), 0u);
  Reopen();
  EXPECT_EQ(*Intern("grocery"), first);
  EXPECT_EQ(*ledger_->CodeText(first), "grocery");
}

// A text key is stored with a letter before it.
TEST_F(PostingTest, ACodeThatLooksLikeAStoredKeyIsNobodys) {
  const MemberKey ada("ada");
  PostOne(Request(Kind::kOpenMember, 1, ada));
  ASSERT_OK(Intern("tada").status());
  const auto statement = ledger_->Statement(ada, {});
  ASSERT_OK(statement.status());
  EXPECT_EQ(statement->records.size(), 1u);
  ExpectVerified();
}

TEST_F(PostingTest, ManyCodesAreInternedTogether) {
  const uint32_t drinks = *Intern("drinks");
  const uint64_t before = ledger_->GetInfo()->sequence;
  const std::vector<std::string_view> texts = {"tea", "", "drinks", "tea", "coffee"};
  const auto codes = ledger_->InternCodes(texts);
  ASSERT_OK(codes.status());
  EXPECT_EQ(*codes, (std::vector<uint32_t>{drinks + 1, 0, drinks, drinks + 1, drinks + 2}));
  EXPECT_EQ(ledger_->GetInfo()->sequence, before + 2);

  std::vector<std::string> many;
  for (int i = 0; i < 20'000; ++i) many.push_back(std::to_string(i));
  const std::vector<std::string_view> views(many.begin(), many.end());
  const auto numbered = ledger_->InternCodes(views);
  ASSERT_OK(numbered.status());
  for (size_t i : {0u, 8191u, 8192u, 19'999u}) {
    EXPECT_EQ(*ledger_->CodeText((*numbered)[i]), many[i]);
  }
}

TEST_F(PostingTest, ATextTooLongForACodeIsNamedAndNoneIsInterned) {
  const uint64_t before = ledger_->GetInfo()->sequence;
  const std::string longest(256, 'x'), longer(257, 'x');
  const std::vector<std::string_view> texts = {longest, longer};
  const Status status = ledger_->InternCodes(texts).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "a code has at most 256 bytes; text 1 has 257");
  EXPECT_EQ(ledger_->GetInfo()->sequence, before);
}

}  // namespace
}  // namespace loyalty::engine

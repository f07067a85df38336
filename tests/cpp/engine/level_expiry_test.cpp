// When points expire by the level that a member is on.
#include <atomic>
#include <deque>
#include <thread>

#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

class LevelExpiryTest : public ProgramTest {
 protected:
  static std::string Days(int days) {
    return R"({"model":"rolling","days":)" + std::to_string(days) +
           R"(,"months":0,"round_up":"none"})";
  }
  static std::string Months(int months) {
    return R"({"model":"inactivity","months":)" + std::to_string(months) + "}";
  }
  // A ladder of invitations: blue, silver, and gold with that expiry of its own.
  static std::string Ladder(const std::string& expiry_of_gold) {
    const auto level = [](const std::string& name, const std::string& more) {
      return R"({"name":")" + name + R"(","by_invitation":)" + (name == "blue" ? "false" : "true") +
             R"(,"when":[],"validity":null)" + more + "}";
    };
    const std::string expiry = R"(,"expiry":{"points":)" + expiry_of_gold + "}";
    return R"({"name":"status","upgrade":"at_run","downgrade":"full","grace_days":0,)"
           R"("lifetime":null,"metrics":[],"levels":[)" +
           level("blue", "") + "," + level("silver", "") + "," + level("gold", expiry) + "]}";
  }
  // Points expire after 10 days, of members on gold after 100; the rule leaves it to them.
  static Shop Club() {
    return {.expiry = Days(10), .rule_expiry = "null", .ladders = Ladder(Days(100))};
  }
  static int64_t Day(int day) { return kNoon_us + day * kDay_us; }
  static Posting On(int day, Posting posting) {
    posting.effective_us = Day(day);
    return posting;
  }
  Posting Give(uint64_t id, std::string_view level, int64_t member = 7) {
    Posting posting = Audited(Kind::kSetLevel, id, member);
    Terms& terms = terms_.emplace_back();
    terms.ladder = *Intern("status");
    terms.level = *Intern(level);
    posting.terms = &terms;
    return posting;
  }
  Posting Audited(Kind kind, uint64_t id, int64_t member = 7) {
    Posting posting = Request(kind, id, MemberKey(member));
    posting.codes.actor = posting.codes.reason = *Intern("clerk");
    return posting;
  }
  // After how many days the points of an entry expire.
  int64_t DaysOf(const Reply& reply) {
    const Entry entry = RecordOf(reply.sequence).entry;
    return (entry.expires_us - entry.effective_us) / kDay_us;
  }

  std::deque<Terms> terms_;
};

TEST_F(LevelExpiryTest, ThePostingThenItsRuleThenTheLevelThenTheCurrency) {
  Start(Club());
  EXPECT_EQ(DaysOf(PostOne(Buy(2, 100))), 10);
  Post({Give(3, "gold")});
  EXPECT_EQ(DaysOf(PostOne(Buy(4, 100))), 100);
  EXPECT_EQ(DaysOf(PostOne(Earn(5, 7, 1))), 100);
  Posting gift = Audited(Kind::kAdjust, 6);
  gift.points = 5;
  EXPECT_EQ(DaysOf(PostOne(gift)), 100);
  Posting own = Earn(7, 7, 1);
  own.expires_us = own.effective_us + 3 * kDay_us;
  EXPECT_EQ(DaysOf(PostOne(own)), 3);
  Shop by_rule = Club();
  by_rule.rule_expiry = Days(10);
  Change(by_rule);
  EXPECT_EQ(DaysOf(PostOne(Buy(8, 100))), 10);
  EXPECT_EQ(DaysOf(PostOne(Earn(9, 7, 1))), 100);
  Reopen();
  EXPECT_EQ(DaysOf(PostOne(Earn(10, 7, 1))), 100);
  EXPECT_EQ(PostOne(Earn(9, 7, 1)).status, kAlreadyExists);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, TheLevelIsTheOneThatTheWriterFinds) {
  Start(Club());
  // Opened, lifted and earning in one batch; what happened before the level counts by it, too.
  const auto replies =
      Post({Open(2, 8), Earn(3, 8, 1), Give(4, "gold", 8), Earn(5, 8, 1), On(-50, Earn(6, 8, 1))});
  EXPECT_EQ(DaysOf(replies[1]), 10);
  EXPECT_EQ(DaysOf(replies[3]), 100);
  EXPECT_EQ(DaysOf(replies[4]), 100);
  Post({Give(7, "silver", 8)});
  EXPECT_EQ(DaysOf(PostOne(Earn(8, 8, 1))), 10);
  EXPECT_EQ(DaysOf(replies[3]), 100);
  // Who is on a level that is gone counts as on the first.
  Post({Give(9, "gold", 8)});
  Shop changed = Club();
  changed.ladders.replace(changed.ladders.find("gold"), 4, "opal");
  Change(changed);
  EXPECT_EQ(DaysOf(PostOne(Earn(10, 8, 1))), 10);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, LinkedPostingsHaveItEvenWhenTheyFail) {
  Start(Club());
  Post({Give(2, "gold")});
  const auto linked = [](Posting posting) {
    posting.linked = true;
    return posting;
  };
  const auto replies = Post({linked(Earn(3, 7, 5)), Earn(4, 7, 5)});
  EXPECT_EQ(DaysOf(replies[0]), 100);
  EXPECT_EQ(DaysOf(replies[1]), 100);
  const auto failed = Post({linked(Earn(5, 7, 5)), Redeem(6, 7, 99)});
  EXPECT_EQ(failed[0].status, kLinkedPostingFailed);
  EXPECT_EQ(DaysOf(failed[0]), 100);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, AConfirmationGoesByTheLevelOfNowAndTheProgrammeOfThen) {
  Shop shop = Club();
  shop.pending = R"({"confirm_within_days":5})";
  Start(shop);
  Post({Buy(2, 100), Buy(3, 100), Give(4, "gold")});
  Change({.expiry = Days(1)});
  const auto confirm = [](uint64_t id, uint64_t of) {
    Posting posting = Reverse(id, 7, of);
    posting.kind = Kind::kConfirm;
    return posting;
  };
  EXPECT_EQ(DaysOf(PostOne(confirm(5, 2))), 100);
  Change(shop);
  Post({Give(6, "silver")});
  EXPECT_EQ(DaysOf(PostOne(confirm(7, 3))), 10);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, WhatIsReinstatedOrGivenExpiresByTheLevelOfWhoHasIt) {
  Shop shop = Club();
  shop.reinstate_within_days = 30;
  shop.transfer = "restart_expiry";
  Start(shop);
  Post({Open(2, 8), On(0, Earn(3, 7, 20)), Give(4, "gold")});
  Posting reinstate = On(11, Audited(Kind::kReinstate, 5));
  reinstate.related = {0x0190'0000'0000'7000, 3};
  EXPECT_EQ(DaysOf(PostOne(reinstate)), 100);
  const MemberKey eight(int64_t(8));
  Posting transfer = On(12, Request(Kind::kTransfer, 6, MemberKey(int64_t(7)), 5));
  transfer.other = &eight;
  Reply given = PostOne(transfer);
  ++given.sequence;  // the entry of who gets them
  EXPECT_EQ(DaysOf(given), 10);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, AMergedMembersPostingsGoByTheSurvivorsLevel) {
  Start(Club());
  const MemberKey eight(int64_t(8));
  Posting merge = Audited(Kind::kMergeMembers, 4);
  merge.other = &eight;
  Post({Open(2, 8), Give(3, "gold", 8), merge});
  EXPECT_EQ(DaysOf(PostOne(Earn(5, 8, 1))), 10);
  Post({Give(6, "gold")});
  EXPECT_EQ(DaysOf(PostOne(Earn(7, 8, 1))), 100);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, ActivityPutsOffByTheInactivityOfTheLevel) {
  Start({.expiry = Months(1), .rule_expiry = "null", .ladders = Ladder(Months(3))});
  Post({On(0, Buy(2, 100)), Give(3, "gold")});
  EXPECT_EQ(At(Day(0)).expiring_us, Day(30));
  EXPECT_EQ(PostOne(On(20, Redeem(4, 7, 1))).balance.active, 9);
  EXPECT_EQ(At(Day(30)).expiring_us, Day(111));  // 4 March
  // What was put off stays so below gold; from then on a month counts again.
  Post({Give(5, "silver"), On(90, Redeem(6, 7, 1))});
  EXPECT_EQ(At(Day(90)).expiring_us, Day(119));  // 12 March
  ExpectVerified();
}

TEST_F(LevelExpiryTest, ALevelWithoutInactivityStillPutsOffWhatHasIt) {
  Start({.expiry = Months(1), .rule_expiry = "null", .ladders = Ladder(R"({"model":"never"})")});
  Post({On(0, Buy(2, 100)), Give(3, "gold"), On(20, Buy(4, 100))});
  EXPECT_EQ(At(Day(30)).expiring_us, Day(51));
  EXPECT_EQ(At(Day(30)).expiring_points, 10);
  EXPECT_EQ(At(Day(51)).parts.active, 10);  // the later ones, for ever
  ExpectVerified();
}

TEST_F(LevelExpiryTest, InactivityOfALevelAloneEndsWithTheLevel) {
  Start({.rule_expiry = "null", .ladders = Ladder(Months(1))});
  Post({Give(2, "gold"), On(0, Buy(3, 100)), On(20, Redeem(4, 7, 1))});
  EXPECT_EQ(At(Day(20)).expiring_us, Day(51));
  Post({Give(5, "silver"), On(40, Redeem(6, 7, 1)), On(40, Buy(7, 100))});
  EXPECT_EQ(At(Day(40)).expiring_us, Day(51));
  EXPECT_EQ(At(Day(51)).parts.active, 10);
  ExpectVerified();
}

TEST_F(LevelExpiryTest, PostingsBesideAChangeOfLevelHaveTheOneInForce) {
  constexpr uint64_t kChanges = 200;
  Start(Club());
  std::vector<Posting> gifts;
  for (uint64_t n = 0; n < kChanges; ++n) {
    gifts.push_back(Give(1'000 + n, n % 2 ? "silver" : "gold"));
  }
  std::atomic<bool> done = false;
  std::thread lifting([&] {
    for (const Posting& gift : gifts) EXPECT_EQ(PostOne(gift).status, kPosted);
    done = true;
  });
  std::vector<Reply> earned;
  while (!done) earned.push_back(PostOne(Earn(10'000 + earned.size(), 7, 1)));
  lifting.join();
  uint64_t changes = 0;
  const auto records = ledger_->Changes(1, SIZE_MAX);
  ASSERT_OK(records.status());
  for (const Record& record : *records) {
    changes += record.entry.kind == Kind::kSetLevel;
    if (record.entry.kind != Kind::kEarn) continue;
    const int64_t days = (record.entry.expires_us - record.entry.effective_us) / kDay_us;
    ASSERT_EQ(days, changes % 2 ? 100 : 10) << "of sequence " << record.sequence;
  }
  EXPECT_EQ(changes, kChanges);
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

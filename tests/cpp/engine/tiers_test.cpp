// Runs of tiers, levels that are given, and what is told of both.
#include <algorithm>
#include <atomic>
#include <thread>

#include "base/clock.h"
#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

constexpr int kSilver = 1;
constexpr int kGold = 2;
constexpr int kDiamond = 3;

class TiersTest : public ProgramTest {
 protected:
  // A ladder of money spent within 365 days: silver from 1,000, gold from 5,000; and diamond by invitation.
  static std::string Ladder(const std::string& name, const std::string& downgrade,
                            const std::string& validity, int grace_days = 0) {
    const auto level = [&](const std::string& level_name, const std::string& when, bool invited) {
      return R"({"name":")" + level_name + R"(","by_invitation":)" + (invited ? "true" : "false") +
             R"(,"when":[)" + when + R"(],"validity":)" +
             (level_name == "blue" ? "null" : validity) + "}";
    };
    return R"({"name":")" + name + R"(","upgrade":"at_run","downgrade":")" + downgrade +
           R"(","grace_days":)" + std::to_string(grace_days) +
           R"(,"lifetime":null,"metrics":[{"name":"spent","of":"money","currency":null,)"
           R"("kinds":["earn"],"rules":null,"channels":null,"locations":null,"categories":null,)"
           R"("window":{"model":"trailing","days":365,"months":0}}],"levels":[)" +
           level("blue", "", false) + "," + level("silver", R"({"spent":1000})", false) + "," +
           level("gold", R"({"spent":5000})", false) + "," + level("diamond", "", true) + "]}";
  }
  void Begin(const std::string& ladders = Ladder("status", "full", "null")) {
    now_us_ = Now_us();
    Shop shop;
    shop.ladders = ladders;
    ASSERT_OK(Ledger::CreateWithProgram(path_, shop.Json()));
    Reopen();
    base_ = *Intern("base");
    std::vector<Posting> openings;
    for (int64_t member = 0; member < 10; ++member) {
      openings.push_back(Open(uint64_t(member) + 1, member));
      openings.back().effective_us = DaysAgo(1000);
    }
    Post(openings);
  }
  int64_t DaysAgo(int days) const { return now_us_ - days * kDay_us; }
  Reply Spend(int64_t member, int64_t money, int days_ago) {
    Posting posting = Earn(++id_, member, 1);
    posting.money = money;
    posting.effective_us = DaysAgo(days_ago);
    return PostOne(posting);
  }
  Reply Merge(int64_t survivor, int64_t other, int days_ago) {
    Posting posting = Request(Kind::kMergeMembers, ++id_, MemberKey(survivor));
    const MemberKey other_key(other);
    posting.other = &other_key;
    posting.effective_us = DaysAgo(days_ago);
    posting.codes.actor = posting.codes.reason = *Intern("anna");
    return PostOne(posting);
  }
  TierRun Run(const TierQuery& query = {}) {
    auto run = ledger_->RecomputeTiers(query, nullptr);
    EXPECT_TRUE(run.ok()) << run.status().message();
    return run.ok() ? *run : TierRun();
  }
  TierRun RunAt(int days_ago) { return Run({.at_us = DaysAgo(days_ago)}); }
  TierRow RowOf(int64_t member, size_t ladder = 0) {
    const std::vector<MemberKey> members = {MemberKey(member)};
    const auto table = ledger_->Tiers(members);
    EXPECT_TRUE(table.ok()) << table.status().message();
    return table->rows.at(ladder);
  }
  int LevelOf(int64_t member) { return RowOf(member).level; }
  Posting Give(int64_t member, std::string_view level, int days_ago) {
    Posting posting = Request(Kind::kSetLevel, ++id_, MemberKey(member));
    posting.effective_us = DaysAgo(days_ago);
    posting.codes.actor = *Intern("anna");
    posting.codes.reason = *Intern("a friend of the house");
    terms_.ladder = *Intern("status");
    terms_.level = *Intern(level);
    posting.terms = &terms_;
    return posting;
  }

  int64_t now_us_ = 0;
  uint64_t id_ = 1000;
  Terms terms_;
};

TEST_F(TiersTest, ARunGivesLevelsAndTheNextChangesNothing) {
  Begin();
  Spend(1, 1'000, 10);
  Spend(2, 999, 10);
  Spend(3, 4'000, 300);
  Spend(3, 1'000, 5);
  Spend(4, 9'000, 366);
  const TierRun run = Run();
  EXPECT_EQ(run.assessed, 10u);
  ASSERT_EQ(run.changes.size(), 2u);
  EXPECT_EQ(run.changes[0].member, 1u);
  EXPECT_EQ(run.changes[0].to, kSilver);
  EXPECT_EQ(run.values.at(run.changes[0].first_value), 1'000);
  EXPECT_EQ(run.changes[1].to, kGold);
  EXPECT_EQ(run.values.at(run.changes[1].first_value), 5'000);
  EXPECT_EQ(run.moved[0][0 * 4 + 0], 8u);
  EXPECT_EQ(run.moved[0][0 * 4 + kSilver], 1u);
  EXPECT_EQ(LevelOf(2), 0);
  EXPECT_EQ(LevelOf(3), kGold);
  const TierRun again = Run();
  EXPECT_TRUE(again.changes.empty());
  EXPECT_EQ(again.moved[0][kGold * 4 + kGold], 1u);
  ExpectVerified();
}

TEST_F(TiersTest, ChangesAreEntriesWithTheirEvidence) {
  Begin();
  Spend(1, 1'234, 10);
  const TierRun run = Run();
  const auto entries = ledger_->Changes(run.started_sequence, 10);
  ASSERT_OK(entries.status());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ(entries->at(0).entry.kind, Kind::kRunStarted);
  EXPECT_EQ(entries->at(0).text, "tiers");
  const Record& record = entries->at(1);
  EXPECT_EQ(record.entry.kind, Kind::kChangeLevel);
  EXPECT_EQ(record.entry.effective_us, run.at_us);
  ASSERT_TRUE(record.level.has_value());
  EXPECT_EQ(*ledger_->CodeText(record.level->ladder), "status");
  EXPECT_EQ(*ledger_->CodeText(record.level->from), "blue");
  EXPECT_EQ(*ledger_->CodeText(record.level->to.level), "silver");
  EXPECT_EQ(record.level->assessed_us, run.at_us);
  EXPECT_EQ(record.level->values, std::vector<int64_t>{1'234});
  EXPECT_EQ(entries->at(2).entry.kind, Kind::kRunFinished);
}

TEST_F(TiersTest, ADryRunJournalsNothing) {
  Begin();
  Spend(1, 1'000, 10);
  const uint64_t before = ledger_->GetInfo()->sequence;
  EXPECT_EQ(Run({.dry_run = true}).changes.size(), 1u);
  EXPECT_EQ(ledger_->GetInfo()->sequence, before);
  EXPECT_EQ(LevelOf(1), 0);
}

TEST_F(TiersTest, LevelsOutliveReopeningAndCheckpoints) {
  Begin();
  Spend(1, 1'000, 10);
  Run();
  const TierRow before = RowOf(1);
  Reopen();
  EXPECT_EQ(RowOf(1).since_us, before.since_us);
  EXPECT_EQ(RowOf(1).level, kSilver);
  ASSERT_OK(ledger_->Checkpoint());
  Reopen();
  EXPECT_EQ(RowOf(1).level, kSilver);
  EXPECT_EQ(RowOf(1).sequence, before.sequence);
  EXPECT_TRUE(Run().changes.empty());
  ExpectVerified();
}

TEST_F(TiersTest, WhatIsTakenBackCountsNoMore) {
  Begin();
  const uint64_t bought = id_ + 1;
  Spend(1, 1'000, 10);
  Run();
  EXPECT_EQ(LevelOf(1), kSilver);
  Posting back = Reverse(++id_, 1, bought);
  back.effective_us = DaysAgo(1);
  EXPECT_EQ(PostOne(back).status, kPosted);
  EXPECT_EQ(Run().changes.size(), 1u);
  EXPECT_EQ(LevelOf(1), 0);
}

TEST_F(TiersTest, ValidityGraceAndRenewalGoByTheirOwnDays) {
  Begin(Ladder("status", "one_level", R"({"days":100,"months":0,"round_up":"none"})", 10));
  Spend(1, 5'000, 900);
  Spend(1, 1'000, 420);
  RunAt(850);  // gold until 750 days ago
  EXPECT_EQ(RowOf(1).until_us, DaysAgo(750));
  EXPECT_TRUE(RunAt(800).changes.empty());
  const TierRun late = RunAt(0);
  ASSERT_GE(late.changes.size(), 3u);
  EXPECT_EQ(late.changes[0].effective_us, DaysAgo(750));  // renewed
  EXPECT_EQ(late.changes[0].to, kGold);
  EXPECT_EQ(late.changes[0].until_us, DaysAgo(650));
  EXPECT_EQ(late.changes[1].effective_us, DaysAgo(650));  // renewed again
  EXPECT_EQ(late.changes.back().to, 0);
  for (const TierChange& change : late.changes) {
    if (change.from > change.to) {
      EXPECT_EQ(change.from - change.to, 1);
    }
  }
  EXPECT_TRUE(RunAt(0).changes.empty());
}

TEST_F(TiersTest, GivenLevels) {
  Begin();
  EXPECT_EQ(PostOne(Give(1, "diamond", 5)).status, kPosted);
  EXPECT_EQ(LevelOf(1), kDiamond);
  Posting pinned = Give(2, "gold", 50);
  pinned.expires_us = DaysAgo(20);
  EXPECT_EQ(PostOne(pinned).status, kPosted);
  EXPECT_TRUE(RunAt(30).changes.empty());
  EXPECT_EQ(Run().changes.size(), 1u);  // nothing holds member 2 there any more
  EXPECT_EQ(LevelOf(1), kDiamond);
  EXPECT_EQ(LevelOf(2), 0);
  ExpectVerified();
}

TEST_F(TiersTest, GivenLevelsRefused) {
  Begin();
  Posting unknown = Give(1, "silver", 5);
  terms_.level = *Intern("purple");
  EXPECT_EQ(PostOne(unknown).status, kLevelNotFound);
  EXPECT_EQ(PostOne(Give(77, "silver", 5)).status, kMemberNotFound);
  Posting nobody = Give(1, "silver", 5);
  nobody.codes.actor = 0;
  EXPECT_EQ(PostOne(nobody).status, kActorMissing);
  Posting expired = Give(1, "silver", 5);
  expired.expires_us = expired.effective_us;
  EXPECT_EQ(PostOne(expired).status, kExpiryInvalid);
  Posting earn = Earn(++id_, 1, 5);
  earn.terms = &terms_;
  EXPECT_EQ(PostOne(earn).status, kLevelNotFound);
  EXPECT_EQ(PostOne(Give(1, "silver", 5)).status, kPosted);
  EXPECT_EQ(PostOne(Give(1, "gold", 6)).status, kLevelChangedSince);
  const Posting gold = Give(1, "gold", 4);
  EXPECT_EQ(PostOne(gold).status, kPosted);
  EXPECT_EQ(PostOne(gold).status, kAlreadyExists);
  terms_.level = *Intern("silver");
  EXPECT_EQ(PostOne(gold).status, kExistsWithDifferentLevel);
  EXPECT_EQ(LevelOf(1), kGold);
}

TEST_F(TiersTest, SurvivorsHaveWhatBothDid) {
  Begin();
  Spend(1, 600, 10);
  Spend(2, 600, 10);
  EXPECT_EQ(Merge(1, 2, 5).status, kPosted);
  EXPECT_EQ(Run().assessed, 9u);
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_EQ(LevelOf(2), kSilver);  // the key leads there
}

TEST_F(TiersTest, ASurvivorIsAMemberSinceTheEarliestOpening) {
  Begin();
  Posting opening = Open(++id_, 77);
  opening.effective_us = DaysAgo(20);
  PostOne(opening);
  Spend(1, 1'000, 500);
  EXPECT_EQ(Merge(77, 1, 5).status, kPosted);
  RunAt(400);
  EXPECT_EQ(LevelOf(77), kSilver);
}

TEST_F(TiersTest, GivingTheSameLevelAgainLeavesItsValidity) {
  Begin(Ladder("status", "full", R"({"days":100,"months":0,"round_up":"none"})"));
  Spend(1, 1'000, 90);
  RunAt(80);
  const int64_t until_us = RowOf(1).until_us;
  EXPECT_EQ(PostOne(Give(1, "silver", 10)).status, kPosted);
  EXPECT_EQ(RowOf(1).until_us, until_us);
  EXPECT_EQ(RowOf(1).since_us, DaysAgo(80));
}

TEST_F(TiersTest, AsOfAnInstant) {
  Begin();
  Spend(1, 1'000, 500);
  RunAt(400);
  RunAt(100);
  const std::vector<MemberKey> members = {MemberKey(int64_t(1)), MemberKey(int64_t(99))};
  const auto level_at = [&](int days_ago) {
    const auto table = ledger_->TiersAsOf(members, DaysAgo(days_ago));
    EXPECT_TRUE(table.ok());
    EXPECT_EQ(table->slots[1], Entry::kNoMember);
    return int(table->rows.at(0).level);
  };
  EXPECT_EQ(level_at(450), 0);
  EXPECT_EQ(level_at(400), kSilver);
  EXPECT_EQ(level_at(101), kSilver);
  EXPECT_EQ(level_at(100), 0);
}

TEST_F(TiersTest, LiabilityByTheLevelsOfThen) {
  Begin();
  Spend(1, 1'000, 300);
  Spend(2, 999, 300);
  Spend(3, 5'000, 300);
  Spend(3, 1, 150);
  RunAt(200);
  ASSERT_EQ(Merge(1, 3, 100).status, kPosted);
  // Points outstanding on each level.
  const auto on_levels = [&](const std::optional<AsOf>& as_of) {
    const auto liability = ledger_->LiabilityAsOf(as_of, "status", nullptr);
    EXPECT_TRUE(liability.ok()) << liability.status().message();
    EXPECT_EQ(liability->levels.size(), 4u);
    std::vector<int64_t> points(4);
    for (const Cohort& cohort : liability->cohorts) points[cohort.level] += cohort.active;
    return points;
  };
  const auto before_merging = RowOf(1).sequence;
  EXPECT_EQ(on_levels({}), (std::vector<int64_t>{1, 3, 0, 0}));
  EXPECT_EQ(on_levels(AsOf{.sequence = before_merging + 1}), (std::vector<int64_t>{1, 1, 2, 0}));
  EXPECT_EQ(on_levels(AsOf{.effective_us = DaysAgo(250)}), (std::vector<int64_t>{3, 0, 0, 0}));
  EXPECT_EQ(ledger_->LiabilityAsOf({}, "club", nullptr).status().code(), StatusCode::kNotFound);
}

TEST_F(TiersTest, ProgressOfAMember) {
  Begin(Ladder("status", "full", R"({"days":30,"months":0,"round_up":"none"})"));
  Spend(1, 1'000, 350);
  Spend(1, 200, 10);
  Run();
  const auto result = ledger_->TierProgressOf(MemberKey(int64_t(1)), {});
  ASSERT_OK(result.status());
  const TierProgress& progress = result->progress.at(0);
  EXPECT_EQ(progress.now.level, kSilver);
  EXPECT_EQ(progress.evidence->values, std::vector<int64_t>{1'200});
  EXPECT_EQ(progress.next, kGold);
  EXPECT_EQ(progress.to_next.at(0).at(0).missing(), 3'800);
  EXPECT_EQ(progress.values_at_end,
            std::vector<int64_t>{200});  // the first purchase will have left
  EXPECT_EQ(progress.to_stay.at(0).at(0).missing(), 800);
  EXPECT_EQ(progress.projected, 0);
  EXPECT_EQ(ledger_->TierProgressOf(MemberKey(int64_t(99)), {}).status().code(),
            StatusCode::kNotFound);
}

TEST_F(TiersTest, ProgressAsOfAnInstantKnowsNothingLater) {
  Begin(Ladder("status", "full", R"({"days":30,"months":0,"round_up":"none"})"));
  Spend(1, 1'000, 350);
  RunAt(340);
  Spend(1, 5'000, 330);
  Run();
  const MemberKey member(int64_t(1));
  const auto result = ledger_->TierProgressOf(member, DaysAgo(335));
  ASSERT_OK(result.status());
  const TierProgress& progress = result->progress.at(0);
  EXPECT_EQ(progress.now.level, kSilver);
  EXPECT_EQ(progress.now.since_us, DaysAgo(340));
  EXPECT_EQ(progress.evidence->values, std::vector<int64_t>{1'000});
  EXPECT_EQ(progress.values, std::vector<int64_t>{1'000});
  EXPECT_EQ(progress.ends_us, DaysAgo(310));
  EXPECT_EQ(progress.values_at_end, std::vector<int64_t>{1'000});
  EXPECT_EQ(progress.to_next.at(0).at(0).missing(), 4'000);
  EXPECT_EQ(progress.projected, kSilver);
  EXPECT_EQ(ledger_->TierProgressOf(member, DaysAgo(1001)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger_->TierProgressOf(member, Now_us() + kDay_us).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(TiersTest, OnlySomeMembersAndLadders) {
  Begin(Ladder("status", "full", "null") + "," + Ladder("club", "never", "null"));
  Spend(1, 1'000, 10);
  Spend(2, 1'000, 10);
  TierQuery query;
  query.ladders = {"club"};
  query.members = std::vector<MemberKey>{MemberKey(int64_t(2))};
  const TierRun run = Run(query);
  EXPECT_EQ(run.assessed, 1u);
  ASSERT_EQ(run.changes.size(), 1u);
  EXPECT_EQ(RowOf(2, 0).level, 0);
  EXPECT_EQ(RowOf(2, 1).level, kSilver);
  EXPECT_EQ(RowOf(1, 1).level, 0);
}

TEST_F(TiersTest, WhoHasGoneIsNotAssessed) {
  Begin();
  Spend(1, 1'000, 10);
  Posting close = Request(Kind::kCloseMember, ++id_, MemberKey(int64_t(1)));
  close.codes.actor = close.codes.reason = *Intern("anna");
  EXPECT_EQ(PostOne(close).status, kPosted);
  EXPECT_EQ(Run().assessed, 9u);
  EXPECT_EQ(LevelOf(1), 0);
}

TEST_F(TiersTest, FaultsSayWhatIsWrong) {
  Begin();
  const auto code = [&](const TierQuery& query) {
    return ledger_->RecomputeTiers(query, nullptr).status().code();
  };
  EXPECT_EQ(code({.at_us = Now_us() + kDay_us}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.at_us = DaysAgo(2000)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.ladders = {"stairs"}}), StatusCode::kNotFound);
  TierQuery stranger;
  stranger.members = std::vector<MemberKey>{MemberKey(int64_t(99))};
  EXPECT_EQ(code(stranger), StatusCode::kNotFound);
  const auto stopped = ledger_->RecomputeTiers({}, [](uint64_t, uint64_t) { return false; });
  EXPECT_EQ(stopped.status().code(), StatusCode::kInterrupted);
  std::atomic<bool> second_refused = false;
  (void)ledger_->RecomputeTiers({}, [&](uint64_t, uint64_t) {
    second_refused = code({}) == StatusCode::kBusy;
    return true;
  });
  EXPECT_TRUE(second_refused);
  Change(Shop{});
  EXPECT_EQ(code({}), StatusCode::kInvalidArgument);  // no ladders
}

TEST_F(TiersTest, PostingGoesOnBesideRuns) {
  Begin();
  std::atomic<bool> over = false;
  std::thread posting([&] {
    for (int i = 0; !over; ++i) {
      Spend(i % 10, 100, i % 300);
      if (i % 7 == 0) Post({Give(i % 10, i % 2 == 0 ? "diamond" : "silver", 0)});
    }
  });
  for (int i = 0; i < 20; ++i) Run({.threads = 2});
  over = true;
  posting.join();
  Run();
  EXPECT_TRUE(Run().changes.empty());
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

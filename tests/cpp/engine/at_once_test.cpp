// Ladders that upgrade at once: who meets a higher level has it within a second, without a run.
#include <chrono>
#include <random>
#include <thread>

#include "base/clock.h"
#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

using std::chrono::steady_clock;

constexpr int kSilver = 1;
constexpr int kGold = 2;
constexpr int64_t kMembers = 10;
const char* const kYear = R"({"model":"trailing","days":365,"months":0})";
const char* const kAlways = R"({"model":"lifetime"})";

struct TestLadder {
  std::string name = "status";
  std::string of = "money";
  std::string window = kYear;
  std::string channels = "null";
  int64_t silver = 1'000;
  int64_t gold = 5'000;
  std::string upgrade = "at_once";

  std::string Json() const {
    const bool sums = of != "balance" && of != "tenure_months";
    const std::string currency = of == "balance" || of == "points" ? R"("points")" : "null";
    const std::string sum = R"("kinds":)" + std::string(sums ? R"(["earn"])" : "null") +
                            R"(,"rules":null,"channels":)" + channels +
                            R"(,"locations":null,"categories":null,"window":)" +
                            (sums ? window : "null");
    const auto level = [](const std::string& level_name, const std::string& when) {
      return R"({"name":")" + level_name + R"(","by_invitation":false,"when":[)" + when +
             R"(],"validity":null})";
    };
    const auto from = [](int64_t least) { return R"({"metric":)" + std::to_string(least) + "}"; };
    return R"({"name":")" + name + R"(","upgrade":")" + upgrade +
           R"(","downgrade":"full","grace_days":0,"lifetime":null,"metrics":[{"name":"metric",)"
           R"("of":")" +
           of + R"(","currency":)" + currency + "," + sum + R"(}],"levels":[)" + level("blue", "") +
           "," + level("silver", from(silver)) + "," + level("gold", from(gold)) + "]}";
  }
};

class AtOnceTest : public ProgramTest {
 protected:
  void Begin(const std::vector<TestLadder>& ladders) {
    now_us_ = Now_us();
    ASSERT_OK(Ledger::CreateWithProgram(path_, ShopWith(ladders).Json()));
    Reopen();
    base_ = *Intern("base");
    std::vector<Posting> openings;
    for (int64_t member = 0; member < kMembers; ++member) {
      openings.push_back(Open(uint64_t(member) + 1, member));
      openings.back().effective_us = DaysAgo(1000);
    }
    Post(openings);
  }
  static Shop ShopWith(const std::vector<TestLadder>& ladders) {
    Shop shop;
    for (const TestLadder& ladder : ladders) {
      if (!shop.ladders.empty()) shop.ladders += ",";
      shop.ladders += ladder.Json();
    }
    return shop;
  }
  int64_t DaysAgo(double days) const { return now_us_ - int64_t(days * double(kDay_us)); }
  Posting Spending(int64_t member, int64_t money, double days_ago = 0) {
    Posting posting = Earn(++id_, member, money / 10);
    posting.money = money;
    posting.effective_us = DaysAgo(days_ago);
    return posting;
  }
  uint64_t Spend(int64_t member, int64_t money, double days_ago = 0) {
    EXPECT_EQ(PostOne(Spending(member, money, days_ago)).status, PostingStatus::kPosted);
    return id_;
  }
  Posting About(Kind kind, int64_t member, uint64_t of) {
    Posting posting = Reverse(++id_, member, of);
    posting.kind = kind;
    posting.effective_us = Now_us();
    return posting;
  }
  // Until all that is posted has been heeded.
  void Settle() {
    const auto latest = steady_clock::now() + std::chrono::seconds(30);
    const uint64_t posted = ledger_->GetInfo()->sequence;
    while (ledger_->GetInfo()->at_once_sequence < posted) {
      ASSERT_LT(steady_clock::now(), latest) << "nothing more is heeded";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  TierRow RowOf(int64_t member, size_t ladder = 0) {
    const std::vector<MemberKey> members = {MemberKey(member)};
    const auto table = ledger_->Tiers(members);
    EXPECT_TRUE(table.ok()) << table.status().message();
    return table->rows.at(ladder);
  }
  int LevelOf(int64_t member, size_t ladder = 0) {
    Settle();
    return RowOf(member, ladder).level;
  }
  // What decided the member's last change.
  std::vector<int64_t> EvidenceOf(int64_t member) {
    return RecordOf(RowOf(member).sequence).level->values;
  }
  // What a run would do.
  TierRun DryRun() {
    Settle();
    auto run = ledger_->RecomputeTiers({.dry_run = true}, nullptr);
    EXPECT_TRUE(run.ok()) << run.status().message();
    return std::move(run).value();
  }
  // Changes of levels since a sequence.
  std::vector<Record> ChangesAfter(uint64_t sequence) {
    std::vector<Record> records = *ledger_->Changes(sequence + 1, SIZE_MAX);
    std::erase_if(records, [](const Record& r) { return r.entry.kind != Kind::kChangeLevel; });
    return records;
  }

  int64_t now_us_ = 0;
  uint64_t id_ = 1000;
};

TEST_F(AtOnceTest, WhoeverMeetsALevelHasItWithinASecond) {
  Begin({TestLadder()});
  Spend(1, 600, 100);
  EXPECT_EQ(LevelOf(1), 0);
  const auto before = steady_clock::now();
  Spend(1, 400);
  while (RowOf(1).level == 0 && steady_clock::now() < before + std::chrono::seconds(10)) {
  }
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(1));
  const Record change = RecordOf(RowOf(1).sequence);
  EXPECT_EQ(change.level->values, std::vector<int64_t>{1'000});
  EXPECT_EQ(change.level->assessed_us, change.entry.effective_us);
  EXPECT_GE(change.entry.effective_us, now_us_);
  Spend(1, 3'999);
  EXPECT_EQ(LevelOf(1), kSilver);
  Spend(1, 1);
  EXPECT_EQ(LevelOf(1), kGold);
  EXPECT_EQ(EvidenceOf(1), std::vector<int64_t>{5'000});
  EXPECT_TRUE(DryRun().changes.empty());
  ExpectVerified();
}

TEST_F(AtOnceTest, WhatWasTakenBackDoesNotCount) {
  Begin({TestLadder()});
  const uint64_t first = Spend(1, 900);
  PostOne(About(Kind::kReverse, 1, first));
  Spend(1, 900);
  EXPECT_EQ(LevelOf(1), 0);
  Spend(1, 100);
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_EQ(EvidenceOf(1), std::vector<int64_t>{1'000});
}

TEST_F(AtOnceTest, ItOnlyRaises) {
  Begin({TestLadder()});
  const uint64_t first = Spend(1, 5'000);
  EXPECT_EQ(LevelOf(1), kGold);
  PostOne(About(Kind::kReverse, 1, first));
  Spend(1, 1'000);
  EXPECT_EQ(LevelOf(1), kGold);
  const TierRun run = DryRun();
  ASSERT_EQ(run.changes.size(), 1u);
  EXPECT_EQ(run.changes[0].to, kSilver);
}

TEST_F(AtOnceTest, ALadderThatWaitsForTheRunWaits) {
  Begin({TestLadder{.name = "slow", .upgrade = "at_run"}, TestLadder()});
  Spend(1, 1'000);
  EXPECT_EQ(LevelOf(1, 1), kSilver);
  EXPECT_EQ(LevelOf(1, 0), 0);
}

TEST_F(AtOnceTest, WhatIsOutsideOfTheWindowDoesNotCount) {
  Begin({TestLadder()});
  Spend(1, 600, 366);
  Spend(1, 400);
  EXPECT_EQ(LevelOf(1), 0);
  // Leaves the window before the day is over, but has not yet.
  Spend(2, 600, 364.9999);
  Spend(2, 400);
  EXPECT_EQ(LevelOf(2), kSilver);
  EXPECT_EQ(EvidenceOf(2), std::vector<int64_t>{1'000});
}

TEST_F(AtOnceTest, WhatIsToComeCountsOnceItHasCome) {
  Begin({TestLadder()});
  Posting later = Spending(1, 1'000);
  later.effective_us = Now_us() + 400'000;
  PostOne(later);
  EXPECT_EQ(LevelOf(1), 0);
  Posting never = Spending(2, 1'000, -3);
  PostOne(never);
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_EQ(LevelOf(2), 0);
  EXPECT_TRUE(DryRun().changes.empty());
}

TEST_F(AtOnceTest, WhatWaitsForItsConfirmationCountsThen) {
  Begin({TestLadder()});
  Posting waiting = Spending(1, 1'000);
  const Terms terms{.activates_us = kNever_us, .deadline_us = now_us_ + kDay_us};
  waiting.terms = &terms;
  ASSERT_EQ(PostOne(waiting).status, PostingStatus::kPosted);
  EXPECT_EQ(LevelOf(1), 0);
  ASSERT_EQ(PostOne(About(Kind::kConfirm, 1, id_)).status, PostingStatus::kPosted);
  EXPECT_EQ(LevelOf(1), kSilver);
}

TEST_F(AtOnceTest, SurvivorsHaveWhatBothHad) {
  Begin({TestLadder(), TestLadder{.name = "visits", .of = "days", .silver = 2, .gold = 3}});
  Spend(1, 600, 20);
  Spend(2, 600, 10);
  Posting merge = Request(Kind::kMergeMembers, ++id_, MemberKey(int64_t(1)));
  const MemberKey other(int64_t(2));
  merge.other = &other;
  merge.effective_us = Now_us();
  merge.codes.actor = merge.codes.reason = *Intern("anna");
  ASSERT_EQ(PostOne(merge).status, PostingStatus::kPosted);
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_EQ(LevelOf(1, 1), kSilver);
  EXPECT_EQ(EvidenceOf(1), std::vector<int64_t>{1'200});
  Spend(2, 3'800);
  EXPECT_EQ(LevelOf(1), kGold);
  EXPECT_TRUE(DryRun().changes.empty());
}

TEST_F(AtOnceTest, WhatAnOpeningFindsUndoneIsDone) {
  const std::vector<TestLadder> ladders = {TestLadder()};
  Begin({TestLadder{.upgrade = "at_run"}});
  Spend(1, 1'000, 10);
  Spend(2, 600, 10);
  EXPECT_EQ(LevelOf(1), 0);
  ASSERT_OK(ledger_->ApplyProgram(ShopWith(ladders).Json(), {}).status());
  EXPECT_EQ(LevelOf(1), kSilver);
  Reopen();
  Spend(2, 400);
  EXPECT_EQ(LevelOf(2), kSilver);
  EXPECT_EQ(EvidenceOf(2), std::vector<int64_t>{1'000});
  // Lower levels from here on.
  ASSERT_OK(
      ledger_->ApplyProgram(ShopWith({TestLadder{.silver = 10, .gold = 900}}).Json(), {}).status());
  EXPECT_EQ(LevelOf(2), kGold);
  EXPECT_EQ(LevelOf(3), 0);
}

TEST_F(AtOnceTest, ClosingGivesWhatIsDueFirst) {
  Begin({TestLadder()});
  Settle();
  Spend(1, 1'000);
  ASSERT_OK(ledger_->Close());
  const int64_t closed_us = Now_us();
  Reopen();
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_LE(RecordOf(RowOf(1).sequence).recorded_us, closed_us);
}

TEST_F(AtOnceTest, MembersOpenedSinceRiseToo) {
  Begin({TestLadder()});
  Settle();
  std::vector<Posting> openings;
  for (int64_t member = kMembers; member < 3'000; ++member) {
    openings.push_back(Open(10'000 + uint64_t(member), member));
  }
  Post(openings);
  Spend(2'999, 1'000);
  EXPECT_EQ(LevelOf(2'999), kSilver);
  EXPECT_EQ(LevelOf(2'998), 0);
}

TEST_F(AtOnceTest, ACodeThatIsNewCounts) {
  Begin({TestLadder{.channels = R"(["app"])"}});
  Spend(1, 1'000);
  EXPECT_EQ(LevelOf(1), 0);
  Posting posting = Spending(1, 1'000);
  posting.codes.channel = *Intern("app");
  PostOne(posting);
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_EQ(EvidenceOf(1), std::vector<int64_t>{1'000});
}

TEST_F(AtOnceTest, DaysCountOnce) {
  Begin({TestLadder{.of = "days", .silver = 2, .gold = 4}});
  Spend(1, 1, 10);
  Spend(1, 1, 10);
  EXPECT_EQ(LevelOf(1), 0);
  const uint64_t second = Spend(1, 1, 9);
  EXPECT_EQ(LevelOf(1), kSilver);
  PostOne(About(Kind::kReverse, 1, second));
  Spend(1, 1, 8);
  Spend(1, 1, 10);
  Spend(1, 1, 7);
  EXPECT_EQ(LevelOf(1), kSilver);
  Spend(1, 1, 9);
  EXPECT_EQ(LevelOf(1), kGold);
}

TEST_F(AtOnceTest, BalancesRaise) {
  Begin({TestLadder{.of = "balance", .silver = 100, .gold = 300}});
  Spend(1, 990);
  EXPECT_EQ(LevelOf(1), 0);
  Spend(1, 10);
  EXPECT_EQ(LevelOf(1), kSilver);
  PostOne(Redeem(++id_, 1, 50));
  Spend(1, 2'000);
  EXPECT_EQ(LevelOf(1), kSilver);
  Spend(1, 500);
  EXPECT_EQ(LevelOf(1), kGold);
  EXPECT_EQ(EvidenceOf(1), std::vector<int64_t>{300});
}

TEST_F(AtOnceTest, MembershipRaises) {
  Begin({TestLadder{.of = "tenure_months", .silver = 12, .gold = 40}});
  EXPECT_EQ(LevelOf(1), kSilver);
  EXPECT_EQ(EvidenceOf(1), std::vector<int64_t>{32});
}

TEST_F(AtOnceTest, WindowsOfOnesOwnCountFromThere) {
  Begin({TestLadder{.name = "since", .window = R"({"model":"since_change"})"},
         TestLadder{.name = "own_year", .window = R"({"model":"anniversary"})"}});
  // Opened 1,000 days ago: his third year began 270 days ago.
  Spend(1, 2'000, 300);
  EXPECT_EQ(LevelOf(1, 0), kSilver);
  EXPECT_EQ(LevelOf(1, 1), 0);
  Spend(1, 3'000, 0);
  // Since he is silver he has spent less than 5,000.
  EXPECT_EQ(LevelOf(1, 0), kSilver);
  EXPECT_EQ(LevelOf(1, 1), kSilver);
}

TEST_F(AtOnceTest, WhoeverIsGivenALowerLevelRisesByHisMetrics) {
  Begin({TestLadder()});
  Spend(1, 5'000);
  EXPECT_EQ(LevelOf(1), kGold);
  Posting given = Request(Kind::kSetLevel, ++id_, MemberKey(int64_t(1)));
  given.effective_us = Now_us();
  given.codes.actor = given.codes.reason = *Intern("anna");
  Terms terms;
  terms.ladder = *Intern("status");
  terms.level = *Intern("blue");
  given.terms = &terms;
  ASSERT_EQ(PostOne(given).status, PostingStatus::kPosted);
  EXPECT_EQ(LevelOf(1), kGold);
}

// Whatever is posted, in whatever order: once it is heeded, a run finds nobody who rises. And nobody has risen
// too high: while nothing is taken back, it finds nobody who falls.
TEST_F(AtOnceTest, ARunFindsNobodyWhoRises) {
  const std::string two_days = R"({"model":"trailing","days":2,"months":0})";
  const std::string calendar_year = R"({"model":"calendar_year"})";
  const std::string anniversary = R"({"model":"anniversary"})";
  Begin({{.name = "a", .window = kYear},
         {.name = "b", .window = two_days},
         {.name = "c", .window = anniversary},
         {.name = "d", .of = "points", .window = kAlways, .silver = 150, .gold = 400},
         {.name = "e", .of = "points", .window = two_days, .silver = 50, .gold = 90},
         {.name = "f", .of = "postings", .window = calendar_year, .silver = 3, .gold = 6},
         {.name = "g", .of = "days", .window = kYear, .silver = 3, .gold = 6},
         {.name = "h", .of = "days", .window = two_days, .silver = 2, .gold = 3}});
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned end) { return random() % end; };
  std::vector<std::pair<int64_t, uint64_t>> earned;
  bool was_taken_back = false;
  for (int round = 0; round < 40; ++round) {
    was_taken_back |= round == 20;
    for (unsigned left = 1 + below(15); left > 0; --left) {
      const auto member = int64_t(below(kMembers));
      if (was_taken_back && !earned.empty() && below(3) == 0) {
        const auto [of_member, id] = earned[below(unsigned(earned.size()))];
        PostOne(About(Kind::kReverse, of_member, id));
        continue;
      }
      const double days_ago = below(2) ? double(below(5)) / 2 : double(below(800)) / 2;
      earned.emplace_back(member, Spend(member, 50 + below(500), days_ago));
    }
    if (below(10) == 0) Reopen();
    for (const TierChange& change : DryRun().changes) {
      EXPECT_LT(change.to, change.from)
          << "member " << change.member << ", ladder " << change.ladder << ", round " << round;
      EXPECT_TRUE(was_taken_back) << "member " << change.member << ", round " << round;
    }
  }
  ExpectVerified();
}

TEST_F(AtOnceTest, PostingGoesOnBeside) {
  Begin({TestLadder()});
  options_.segment_entries = 500;
  Reopen();
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 1'000; ++i) {
        Posting posting = Earn(uint64_t(100'000 + t * 10'000 + i), (i + t) % kMembers, 1);
        posting.money = 10;
        posting.effective_us = now_us_;
        Reply reply;
        EXPECT_TRUE(ledger_->Post({&posting, 1}, {&reply, 1}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int64_t member = 0; member < kMembers; ++member) {
    EXPECT_EQ(LevelOf(member), kSilver) << member;
    EXPECT_GE(EvidenceOf(member)[0], 1'000);
  }
  EXPECT_EQ(ChangesAfter(0).size(), size_t(kMembers));
  ExpectVerified();
}

}  // namespace
}  // namespace loyalty::engine

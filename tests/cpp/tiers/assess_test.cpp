#include "tiers/assess.h"

#include <gtest/gtest.h>

#include <map>

#include "civil.h"

namespace loyalty::tiers {
namespace {

using program::Calendar;
using program::Ladder;
using program::Level;
using program::Unit;
using program::Validity;
using Downgrade = program::Ladder::Downgrade;

constexpr int64_t kOpened_us = 0;

// Base, silver from 100, gold from 200, platinum from 300, and one by invitation.
Ladder MakeLadder(Downgrade downgrade, std::optional<Validity> validity, int grace_days = 0) {
  Ladder ladder;
  ladder.downgrade = downgrade;
  ladder.grace_days = grace_days;
  ladder.metrics.push_back({.name = "earned"});
  ladder.levels = {{.name = "base"},
                   {.name = "silver", .when = {{{0, 100}}}, .validity = validity},
                   {.name = "gold", .when = {{{0, 200}}}, .validity = validity},
                   {.name = "platinum", .when = {{{0, 300}}}, .validity = validity},
                   {.name = "friend", .by_invitation = true, .validity = validity}};
  return ladder;
}

const Validity kYear{.months = 12};
const Validity kToYearEnd{.months = 12, .round_up = Unit::kYear};

class AssessTest : public testing::Test {
 protected:
  AssessTest() {
    Result<Calendar> calendar = Calendar::Open("UTC");
    EXPECT_TRUE(calendar.ok());
    calendar_ = *calendar;
  }

  // The metric is `values` at or after each instant.
  std::vector<Change> Run(const Ladder& ladder, int64_t at_us) {
    const Assessor assessor(ladder, calendar_);
    const auto evaluate = [&](int64_t when_us, int64_t) {
      const auto after = values_.upper_bound(when_us);
      const int64_t value = after == values_.begin() ? 0 : std::prev(after)->second;
      return Found{LevelOf(ladder, {value}), {value}};
    };
    std::vector<Change> changes = assessor.Assess(standing_, kOpened_us, at_us, evaluate);
    if (!changes.empty()) standing_ = changes.back().to;
    EXPECT_TRUE(assessor.Assess(standing_, kOpened_us, at_us, evaluate).empty())
        << "a second run changes nothing";
    return changes;
  }
  int LevelAfter(const Ladder& ladder, int64_t at_us) {
    Run(ladder, at_us);
    return standing_.level;
  }

  Calendar calendar_;
  Standing standing_;
  std::map<int64_t, int64_t> values_;
};

TEST_F(AssessTest, TheHighestLevelWhoseConditionHolds) {
  Ladder ladder = MakeLadder(Downgrade::kFull, std::nullopt);
  ladder.metrics.push_back({.name = "visits"});
  ladder.levels[2].when = {{{0, 200}}, {{0, 150}, {1, 10}}};
  EXPECT_EQ(LevelOf(ladder, {99, 100}), 0);
  EXPECT_EQ(LevelOf(ladder, {100, 0}), 1);
  EXPECT_EQ(LevelOf(ladder, {150, 9}), 1);
  EXPECT_EQ(LevelOf(ladder, {150, 10}), 2);
  EXPECT_EQ(LevelOf(ladder, {200, 0}), 2);
  EXPECT_EQ(LevelOf(ladder, {INT64_MAX, 0}), 3);
  EXPECT_EQ(LevelOf(ladder, {INT64_MIN, 0}), 0);
}

TEST_F(AssessTest, WithoutValidityALevelLastsWhileItIsEarned) {
  const Ladder ladder = MakeLadder(Downgrade::kFull, std::nullopt);
  values_ = {{Utc(2024, 1, 1), 320}, {Utc(2024, 6, 1), 120}, {Utc(2024, 7, 1), 20}};
  const std::vector<Change> up = Run(ladder, Utc(2024, 2, 1));
  ASSERT_EQ(up.size(), 1u);
  EXPECT_EQ(up[0].from, 0);
  EXPECT_EQ(up[0].to, (Standing{.level = 3, .since_us = Utc(2024, 2, 1)}));
  EXPECT_EQ(up[0].values, std::vector<int64_t>{320});
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 6, 2)), 1);
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 8, 1)), 0);
  const Ladder steps = MakeLadder(Downgrade::kOneLevel, std::nullopt);
  standing_ = up[0].to;
  EXPECT_EQ(Run(steps, Utc(2024, 8, 1)).at(0).to.level, 2);
}

TEST_F(AssessTest, OneLevelAtATime) {
  const Ladder ladder = MakeLadder(Downgrade::kOneLevel, kYear);
  values_ = {{Utc(2024, 1, 1), 320}, {Utc(2024, 6, 1), 0}};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 3, 1)), 3);
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 2, 28)), 3);
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 3, 1)), 2);
  EXPECT_EQ(standing_.until_us, Utc(2026, 3, 1));
  // Two years without a run: both ends are assessed.
  const std::vector<Change> late = Run(ladder, Utc(2028, 5, 5));
  ASSERT_EQ(late.size(), 2u);
  EXPECT_EQ(late[0].effective_us, Utc(2026, 3, 1));
  EXPECT_EQ(late[0].assessed_us, Utc(2026, 3, 1) - 1);
  EXPECT_EQ(late[0].to.level, 1);
  EXPECT_EQ(late[1].effective_us, Utc(2027, 3, 1));
  EXPECT_EQ(late[1].to, (Standing{.level = 0, .since_us = Utc(2027, 3, 1)}));
}

TEST_F(AssessTest, ValidityEndsWithTheYearAndIsRenewedFromThere) {
  const Ladder ladder = MakeLadder(Downgrade::kFull, kToYearEnd);
  values_ = {{Utc(2024, 1, 1), 220}, {Utc(2026, 1, 1), 120}};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 3, 1)), 2);
  EXPECT_EQ(standing_.until_us, Utc(2026, 1, 1));
  // As of the end of 2025 the level holds, whatever it is in the days after.
  const std::vector<Change> renewed = Run(ladder, Utc(2026, 1, 5));
  ASSERT_EQ(renewed.size(), 1u);
  EXPECT_EQ(renewed[0].from, 2);
  EXPECT_EQ(renewed[0].assessed_us, Utc(2026, 1, 1) - 1);
  EXPECT_EQ(renewed[0].to, (Standing{2, Utc(2024, 3, 1), Utc(2027, 1, 1)}));
  EXPECT_EQ(LevelAfter(ladder, Utc(2026, 12, 31)), 2);
  EXPECT_EQ(LevelAfter(ladder, Utc(2027, 1, 1)), 1);
}

TEST_F(AssessTest, GraceKeepsTheLevelAndMaySaveIt) {
  const Ladder ladder = MakeLadder(Downgrade::kFull, kYear, 30);
  values_ = {{Utc(2024, 1, 1), 220}, {Utc(2024, 6, 1), 0}};
  Run(ladder, Utc(2024, 3, 1));
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 3, 30)), 2);
  const Standing before = standing_;
  const std::vector<Change> lost = Run(ladder, Utc(2025, 4, 15));
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].effective_us, Utc(2025, 3, 31));
  EXPECT_EQ(lost[0].to.level, 0);
  // Who climbs during grace climbs from where he still is.
  standing_ = before;
  values_[Utc(2025, 3, 20)] = 300;
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 3, 25)), 3);
  EXPECT_EQ(standing_.until_us, Utc(2026, 3, 25));
}

TEST_F(AssessTest, NeverDown) {
  const Ladder ladder = MakeLadder(Downgrade::kNever, std::nullopt);
  values_ = {{Utc(2024, 1, 1), 220}, {Utc(2024, 6, 1), 0}};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 3, 1)), 2);
  EXPECT_EQ(LevelAfter(ladder, Utc(2044, 3, 1)), 2);
}

TEST_F(AssessTest, WhatIsGivenIsKeptUntilItsEnd) {
  for (const auto& validity : {std::optional<Validity>(), std::optional(kYear)}) {
    const Ladder ladder = MakeLadder(Downgrade::kFull, validity);
    values_ = {{Utc(2024, 5, 1), 320}, {Utc(2024, 6, 1), 0}};
    standing_ = {.level = 2,
                 .since_us = Utc(2024, 3, 1),
                 .until_us = validity ? Utc(2025, 9, 1) : kNever_us,
                 .kept = 2,
                 .kept_until_us = Utc(2025, 9, 1)};
    EXPECT_EQ(LevelAfter(ladder, Utc(2024, 4, 1)), 2);
    EXPECT_EQ(LevelAfter(ladder, Utc(2024, 5, 2)), 3);  // more may be earned meanwhile
    EXPECT_EQ(LevelAfter(ladder, Utc(2025, 6, 1)), 2);
    EXPECT_EQ(LevelAfter(ladder, Utc(2025, 8, 31)), 2);
    EXPECT_EQ(LevelAfter(ladder, Utc(2026, 9, 1)), 0);
  }
}

TEST_F(AssessTest, AnInvitedLevelIsNotEarned) {
  const Ladder ladder = MakeLadder(Downgrade::kFull, kYear);
  values_ = {{Utc(2024, 1, 1), INT64_MAX}};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 2, 1)), 3);
  standing_ = {.level = 4,
               .since_us = Utc(2024, 3, 1),
               .until_us = Utc(2024, 9, 1),
               .kept = 4,
               .kept_until_us = Utc(2024, 9, 1)};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 8, 31)), 4);
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 9, 1)), 3);
}

TEST_F(AssessTest, ALifetimeLevelIsKeptForGood) {
  Ladder ladder = MakeLadder(Downgrade::kFull, kYear);
  ladder.lifetime_level = 2;
  ladder.lifetime_years = 3;
  values_ = {{Utc(2024, 1, 1), 320}, {Utc(2026, 6, 1), 0}};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 2, 1)), 3);
  EXPECT_EQ(standing_.lifetime_from_us, Utc(2024, 2, 1));
  EXPECT_EQ(LevelAfter(ladder, Utc(2026, 2, 10)), 3);
  // Three years are over just when the level would be lost.
  const std::vector<Change> changes = Run(ladder, Utc(2027, 6, 1));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].effective_us, Utc(2027, 2, 1));
  EXPECT_EQ(changes[0].to.for_life, 2);
  EXPECT_EQ(changes[1].to.level, 2);
  EXPECT_EQ(LevelAfter(ladder, Utc(2090, 1, 1)), 2);
}

TEST_F(AssessTest, ABreakBeginsTheYearsAnew) {
  Ladder ladder = MakeLadder(Downgrade::kFull, std::nullopt);
  ladder.lifetime_level = 2;
  ladder.lifetime_years = 3;
  values_ = {{Utc(2024, 1, 1), 220}, {Utc(2026, 1, 1), 120}, {Utc(2026, 3, 1), 320}};
  for (const int64_t at_us :
       {Utc(2024, 2, 1), Utc(2026, 2, 1), Utc(2026, 4, 1), Utc(2029, 3, 31)}) {
    Run(ladder, at_us);
  }
  EXPECT_EQ(standing_.lifetime_from_us, Utc(2026, 4, 1));
  EXPECT_EQ(standing_.for_life, 0);
  Run(ladder, Utc(2029, 4, 1));
  EXPECT_EQ(standing_.for_life, 2);
}

TEST_F(AssessTest, WhoHasTheYearsKeepsTheLevelThatHeWouldLoseThatDay) {
  Ladder ladder = MakeLadder(Downgrade::kFull, std::nullopt);
  ladder.lifetime_level = 2;
  ladder.lifetime_years = 3;
  values_ = {{Utc(2024, 1, 1), 220}, {Utc(2027, 3, 1), 0}};
  Run(ladder, Utc(2024, 2, 1));
  EXPECT_EQ(LevelAfter(ladder, Utc(2027, 6, 1)), 2);
}

TEST_F(AssessTest, AHigherLevelThatIsGivenOutlastsOneForLife) {
  Ladder ladder = MakeLadder(Downgrade::kFull, std::nullopt);
  ladder.lifetime_level = 2;
  ladder.lifetime_years = 1;
  standing_ = {.level = 3,
               .since_us = Utc(2024, 1, 1),
               .kept = 3,
               .kept_until_us = Utc(2026, 1, 1),
               .lifetime_from_us = Utc(2024, 1, 1)};
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 6, 1)), 3);
  EXPECT_EQ(standing_.for_life, 2);
  EXPECT_EQ(LevelAfter(ladder, Utc(2026, 1, 1)), 2);
}

TEST_F(AssessTest, OneLevelDownPassesOverInvitations) {
  Ladder ladder = MakeLadder(Downgrade::kOneLevel, std::nullopt);
  ladder.levels[2].by_invitation = true;
  ladder.levels[2].when.clear();
  values_ = {{Utc(2024, 1, 1), 320}, {Utc(2024, 6, 1), 0}};
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 2, 1)), 3);
  EXPECT_EQ(LevelAfter(ladder, Utc(2024, 7, 1)), 1);
}

TEST_F(AssessTest, AValidityThatTheProgrammeGotLaterCounts) {
  values_ = {{Utc(2024, 1, 1), 220}, {Utc(2024, 6, 1), 0}};
  EXPECT_EQ(LevelAfter(MakeLadder(Downgrade::kNever, std::nullopt), Utc(2024, 3, 1)), 2);
  const Ladder ladder = MakeLadder(Downgrade::kFull, kYear);
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 2, 28)), 2);
  EXPECT_EQ(LevelAfter(ladder, Utc(2025, 3, 1)), 0);
}

TEST_F(AssessTest, ValidityToTheEndOfAPeriod) {
  Ladder ladder = MakeLadder(Downgrade::kFull, Validity{.months = 12, .to_period_end = true});
  ladder.metrics[0].window = {.model = program::Window::Model::kAnniversary};
  const Assessor assessor(ladder, calendar_);
  const int64_t opened_us = Utc(2020, 5, 10, 12);
  EXPECT_EQ(assessor.ValidUntil_us(1, Utc(2024, 3, 1), opened_us), Utc(2025, 5, 10));
  EXPECT_EQ(assessor.ValidUntil_us(1, Utc(2024, 5, 10), opened_us), Utc(2025, 5, 10));
  EXPECT_EQ(assessor.ValidUntil_us(1, Utc(2024, 5, 10) + 1, opened_us), Utc(2026, 5, 10));
}

}  // namespace
}  // namespace loyalty::tiers

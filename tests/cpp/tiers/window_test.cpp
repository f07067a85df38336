#include "tiers/window.h"

#include <gtest/gtest.h>

#include "civil.h"

namespace loyalty::tiers {
namespace {

using program::Calendar;
using program::Window;
using Model = program::Window::Model;

Calendar Paris() {
  Result<Calendar> calendar = Calendar::Open("Europe/Paris");
  EXPECT_TRUE(calendar.ok());
  return *calendar;
}

const Anchors kNobody;

TEST(WindowTest, TrailingBeginsJustAfterSoLongAgo) {
  const Window months{.model = Model::kTrailing, .months = 12};
  const int64_t at_us = Utc(2025, 2, 28, 11, 30);
  EXPECT_EQ(SpanOf(months, Paris(), at_us, kNobody),
            (Span_us{Utc(2024, 2, 28, 11, 30) + 1, at_us}));
  const Window days{.model = Model::kTrailing, .days = 30};
  // Summer time began on 31 March: the same time of day is an hour later in UTC before it.
  EXPECT_EQ(SpanOf(days, Paris(), Utc(2024, 4, 10, 10), kNobody).from_us, Utc(2024, 3, 11, 11) + 1);
  // A day that a month lacks is its last one.
  const Window one{.model = Model::kTrailing, .months = 1};
  EXPECT_EQ(SpanOf(one, Paris(), Utc(2024, 3, 31, 10), kNobody).from_us, Utc(2024, 2, 29, 11) + 1);
}

TEST(WindowTest, TrailingMonthsUpToTheEndOfOneAreWhole) {
  const Window three{.model = Model::kTrailing, .months = 3};
  const int64_t april_us = Utc(2024, 3, 31, 22);  // in Paris
  const int64_t july_us = Utc(2024, 6, 30, 22);
  EXPECT_EQ(SpanOf(three, Paris(), july_us - 1, kNobody), (Span_us{april_us, july_us - 1}));
  EXPECT_EQ(SpanOf(three, Paris(), july_us, kNobody), (Span_us{april_us + 1, july_us}));
}

TEST(WindowTest, ACalendarYearIsTheZones) {
  const Window window{.model = Model::kCalendarYear};
  const int64_t new_year_us = Utc(2023, 12, 31, 23);
  for (const int64_t at_us : {new_year_us, Utc(2024, 7, 1), Utc(2024, 12, 31, 22, 59)}) {
    EXPECT_EQ(SpanOf(window, Paris(), at_us, kNobody), (Span_us{new_year_us, at_us}));
    EXPECT_EQ(PeriodEnd_us(window, Paris(), at_us, kNobody), Utc(2024, 12, 31, 23));
  }
  EXPECT_EQ(SpanOf(window, Paris(), new_year_us - 1, kNobody).from_us, Utc(2022, 12, 31, 23));
}

TEST(WindowTest, AYearOfMembershipBeginsWithItsDay) {
  const Window window{.model = Model::kAnniversary};
  const Anchors leap{.opened_us = Utc(2024, 2, 29, 15)};
  const auto from_us = [&](int64_t at_us) { return SpanOf(window, Paris(), at_us, leap).from_us; };
  EXPECT_EQ(from_us(Utc(2024, 2, 29, 16)), Utc(2024, 2, 28, 23));
  EXPECT_EQ(from_us(Utc(2025, 2, 27, 22, 59)), Utc(2024, 2, 28, 23));
  EXPECT_EQ(from_us(Utc(2025, 2, 27, 23)), Utc(2025, 2, 27, 23));
  EXPECT_EQ(from_us(Utc(2028, 2, 28, 22, 59)), Utc(2027, 2, 27, 23));
  EXPECT_EQ(from_us(Utc(2028, 2, 28, 23)), Utc(2028, 2, 28, 23));
  EXPECT_EQ(PeriodEnd_us(window, Paris(), Utc(2024, 6, 1), leap), Utc(2025, 2, 27, 23));
  EXPECT_EQ(PeriodEnd_us(window, Paris(), Utc(2025, 2, 27, 23), leap), Utc(2026, 2, 27, 23));
}

TEST(WindowTest, CyclesAreCountedFromTheirDateBothWays) {
  const Window window{.model = Model::kCycle, .months = 6, .start = {2024, 1, 31}};
  const auto span = [&](int64_t at_us) { return SpanOf(window, Paris(), at_us, kNobody).from_us; };
  EXPECT_EQ(span(Utc(2024, 1, 30, 23)), Utc(2024, 1, 30, 23));
  EXPECT_EQ(span(Utc(2024, 7, 30, 21, 59)), Utc(2024, 1, 30, 23));
  EXPECT_EQ(span(Utc(2024, 7, 30, 22)), Utc(2024, 7, 30, 22));  // summer time
  EXPECT_EQ(span(Utc(2024, 1, 30, 22)), Utc(2023, 7, 30, 22));
  EXPECT_EQ(span(Utc(2021, 5, 5)), Utc(2021, 1, 30, 23));
  EXPECT_EQ(PeriodEnd_us(window, Paris(), Utc(2021, 5, 5), kNobody), Utc(2021, 7, 30, 22));
}

TEST(WindowTest, PeriodsCoverAllTimeOnce) {
  for (const Window& window :
       {Window{.model = Model::kCalendarYear}, Window{.model = Model::kAnniversary},
        Window{.model = Model::kCycle, .months = 1, .start = {2020, 1, 31}},
        Window{.model = Model::kCycle, .months = 7, .start = {2030, 5, 29}}}) {
    const Anchors anchors{.opened_us = Utc(2019, 3, 31, 1, 30)};
    int64_t at_us = Utc(2019, 4, 1);
    for (int i = 0; i < 100 && at_us < Utc(2060, 1, 1); ++i) {
      const int64_t end_us = PeriodEnd_us(window, Paris(), at_us, anchors);
      ASSERT_GT(end_us, at_us);
      ASSERT_EQ(SpanOf(window, Paris(), end_us, anchors).from_us, end_us);
      const int64_t start_us = SpanOf(window, Paris(), end_us - 1, anchors).from_us;
      ASSERT_LE(start_us, at_us);
      ASSERT_EQ(PeriodEnd_us(window, Paris(), start_us, anchors), end_us);
      at_us = end_us;
    }
  }
}

TEST(WindowTest, SinceTheLastChangeAndAlways) {
  const Anchors anchors{.opened_us = 5, .changed_us = 70};
  EXPECT_EQ(SpanOf({.model = Model::kSinceChange}, Paris(), 90, anchors), (Span_us{71, 90}));
  EXPECT_EQ(SpanOf({.model = Model::kLifetime}, Paris(), 90, anchors), (Span_us{kMinTime_us, 90}));
}

}  // namespace
}  // namespace loyalty::tiers

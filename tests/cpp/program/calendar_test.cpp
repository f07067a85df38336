#include "program/calendar.h"

#include <gtest/gtest.h>

#include <chrono>

#include "loyalty/posting.h"

namespace loyalty::program {
namespace {

using std::chrono::sys_days;

// A time in UTC.
int64_t Utc(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  const auto date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  const auto at = sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute);
  return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

Calendar In(const std::string& zone) {
  auto calendar = Calendar::Open(zone);
  EXPECT_TRUE(calendar.ok()) << zone;
  return std::move(calendar).value();
}

TEST(Calendar, RefusesAnUnknownZone) {
  const auto calendar = Calendar::Open("Mars/Olympus");
  EXPECT_EQ(calendar.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(calendar.status().message().find("Mars/Olympus"), std::string::npos);
}

TEST(Calendar, AMonthLaterIsItsLastDayWhenItIsShorter) {
  const Calendar utc = In("UTC");
  EXPECT_EQ(utc.AddMonths(Utc(2023, 1, 31, 10), 1), Utc(2023, 2, 28, 10));
  EXPECT_EQ(utc.AddMonths(Utc(2024, 1, 31, 10) + 5, 1), Utc(2024, 2, 29, 10) + 5);
  EXPECT_EQ(utc.AddMonths(Utc(2024, 2, 29), 12), Utc(2025, 2, 28));
  EXPECT_EQ(utc.AddMonths(Utc(2024, 11, 15), 14), Utc(2026, 1, 15));
}

TEST(Calendar, DaysAndMonthsKeepTheTimeOfDayWhereTheShopIs) {
  const Calendar paris = In("Europe/Paris");
  // Summer time begins on 31 March 2024: noon there is 11:00 UTC before it, and 10:00 after it.
  EXPECT_EQ(paris.AddDays(Utc(2024, 3, 30, 11), 1), Utc(2024, 3, 31, 10));
  EXPECT_EQ(paris.AddMonths(Utc(2024, 3, 15, 11), 1), Utc(2024, 4, 15, 10));
  // 02:30 is left out that night.
  EXPECT_EQ(paris.AddDays(Utc(2024, 3, 30, 1, 30), 1), Utc(2024, 3, 31, 1));
}

TEST(Calendar, EndsOfPeriods) {
  const Calendar paris = In("Europe/Paris");
  const int64_t at = Utc(2024, 5, 15, 12);
  EXPECT_EQ(paris.EndOf(at, Unit::kNone), at);
  EXPECT_EQ(paris.EndOf(at, Unit::kDay), Utc(2024, 5, 15, 22));
  EXPECT_EQ(paris.EndOf(at, Unit::kMonth), Utc(2024, 5, 31, 22));
  EXPECT_EQ(paris.EndOf(at, Unit::kQuarter), Utc(2024, 6, 30, 22));
  EXPECT_EQ(paris.EndOf(at, Unit::kYear), Utc(2024, 12, 31, 23));
  // What ends right then is not rounded on.
  EXPECT_EQ(paris.EndOf(Utc(2024, 5, 31, 22), Unit::kMonth), Utc(2024, 5, 31, 22));
  EXPECT_EQ(paris.EndOf(Utc(2024, 5, 31, 22) + 1, Unit::kMonth), Utc(2024, 6, 30, 22));
}

TEST(Calendar, TheNextOfSomeDates) {
  const Calendar utc = In("UTC");
  const std::vector<Date> dates = {{0, 6, 30}, {0, 12, 31}, {2025, 2, 10}};
  EXPECT_EQ(utc.NextEndOf(Utc(2024, 1, 1), dates), Utc(2024, 7, 1));
  EXPECT_EQ(utc.NextEndOf(Utc(2024, 1, 1) - 1, dates), Utc(2024, 1, 1));
  EXPECT_EQ(utc.NextEndOf(Utc(2024, 12, 31, 23), dates), Utc(2025, 1, 1));
  EXPECT_EQ(utc.NextEndOf(Utc(2025, 1, 1), dates), Utc(2025, 2, 11));
  EXPECT_EQ(utc.NextEndOf(Utc(2023, 2, 10), {{0, 2, 29}}), Utc(2023, 3, 1));
  EXPECT_EQ(utc.NextEndOf(Utc(2025, 3, 1), {{2025, 2, 10}}), std::nullopt);
}

TEST(Calendar, MonthsAreCountedWhereTheShopIs) {
  EXPECT_EQ(In("UTC").MonthOf(Utc(2024, 5, 31, 23)), 2024 * 12 + 4);
  EXPECT_EQ(In("Europe/Paris").MonthOf(Utc(2024, 5, 31, 23)), 2024 * 12 + 5);
}

TEST(Calendar, KnowsAllTimesOfTheLedger) {
  for (const char* zone : {"UTC", "Europe/Paris", "Pacific/Kiritimati", "America/St_Johns"}) {
    const Calendar calendar = In(zone);
    for (int64_t at : {kMinTime_us, int64_t(-1), int64_t(0), kMaxTime_us - 1}) {
      EXPECT_LT(at, calendar.AddDays(at, 2));
      EXPECT_LT(at, calendar.AddMonths(at, 1));
      EXPECT_LE(at, calendar.EndOf(at, Unit::kYear));
    }
  }
}

}  // namespace
}  // namespace loyalty::program

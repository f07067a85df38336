#include "history/month.h"

#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <random>

#include "history/history.h"

namespace loyalty::history {
namespace {

using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

int64_t Micros(sys_days day) { return std::chrono::microseconds(day.time_since_epoch()).count(); }

uint32_t MonthOfDate(int y, unsigned m) { return uint32_t((y - 1900) * 12) + m - 1; }

TEST(MonthTest, FirstAndLastMicrosecondOfEveryMonth) {
  for (int y = 1900; y < 2200; ++y) {
    for (unsigned m = 1; m <= 12; ++m) {
      const uint32_t month = MonthOfDate(y, m);
      const int64_t first = Micros(year(y) / std::chrono::month(m) / 1);
      const int64_t last_day = Micros(year(y) / std::chrono::month(m) / std::chrono::last);
      ASSERT_EQ(MonthStart_us(month), first);
      ASSERT_EQ(MonthOf(first), month) << y << "-" << m;
      ASSERT_EQ(MonthOf(last_day + 86'400'000'000 - 1), month) << y << "-" << m;
    }
  }
  EXPECT_EQ(MonthOf(kMinTime_us), 0u);
  EXPECT_EQ(MonthOf(kMaxTime_us - 1), 3599u);
  EXPECT_EQ(MonthStart_us(0), kMinTime_us);
  EXPECT_EQ(MonthStart_us(3600), kMaxTime_us);
}

TEST(MonthTest, RandomTimesAgreeWithChronoAndTheCLibrary) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int64_t> times(kMinTime_us, kMaxTime_us - 1);
  for (int i = 0; i < 200'000; ++i) {
    const int64_t time_us = times(random);
    const sys_days day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time_us)));
    const year_month_day date(day);
    ASSERT_EQ(MonthOf(time_us), MonthOfDate(int(date.year()), unsigned(date.month()))) << time_us;
    const time_t seconds = day.time_since_epoch().count() * int64_t{86'400};
    tm parts;
    ASSERT_NE(gmtime_r(&seconds, &parts), nullptr);
    ASSERT_EQ(MonthOf(time_us), uint32_t(parts.tm_year * 12 + parts.tm_mon)) << time_us;
  }
}

TEST(MonthTest, LeapDaysAndBeforeTheEpoch) {
  const auto month_of = [](int y, unsigned m, unsigned d) {
    return MonthOf(Micros(year(y) / std::chrono::month(m) / std::chrono::day(d)));
  };
  EXPECT_EQ(month_of(2024, 2, 29), MonthOfDate(2024, 2));
  EXPECT_EQ(month_of(2000, 2, 29), MonthOfDate(2000, 2));
  EXPECT_EQ(month_of(1900, 3, 1) - month_of(1900, 2, 28), 1u);  // 1900 and 2100 are not leap years
  EXPECT_EQ(MonthOf(Micros(year(2100) / 2 / 28) + 86'400'000'000), MonthOfDate(2100, 3));
  EXPECT_EQ(MonthOf(-1), MonthOfDate(1969, 12));
  EXPECT_EQ(MonthOf(0), MonthOfDate(1970, 1));
}

TEST(MonthTest, Text) {
  EXPECT_EQ(MonthText(0), "1900-01");
  EXPECT_EQ(MonthText(MonthOfDate(2024, 12)), "2024-12");
}

}  // namespace
}  // namespace loyalty::history

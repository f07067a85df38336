#include "program/calendar.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>
#include <chrono>

namespace loyalty::program {

using Microseconds = std::chrono::microseconds;
using SystemTime = std::chrono::time_point<std::chrono::system_clock, Microseconds>;

struct Calendar::Zone {
  cctz::time_zone zone;

  cctz::civil_second ToLocal(int64_t at_us) const {
    return cctz::convert(SystemTime(Microseconds(at_us)), zone);
  }
  int64_t FromLocal(const cctz::civil_second& local, int64_t below_second_us = 0) const {
    const auto found = zone.lookup(local);
    const bool left_out = found.kind == cctz::time_zone::civil_lookup::SKIPPED;
    const auto at = left_out ? found.trans : found.pre;
    const int64_t at_us = std::chrono::duration_cast<Microseconds>(at.time_since_epoch()).count();
    return left_out ? at_us : at_us + below_second_us;
  }
};

namespace {

int64_t BelowSecond_us(int64_t at_us) {
  const int64_t rest = at_us % 1'000'000;
  return rest < 0 ? rest + 1'000'000 : rest;
}

int DaysIn(const cctz::civil_month& month) {
  return int(cctz::civil_day(month + 1) - cctz::civil_day(month));
}

cctz::civil_day CivilDay(cctz::year_t year, const Date& date) {
  const cctz::civil_month month(year, date.month);
  return cctz::civil_day(month) + (std::min(date.day, DaysIn(month)) - 1);
}

cctz::civil_day FirstDayOf(const cctz::civil_day& day, Unit unit) {
  switch (unit) {
    case Unit::kMonth: return cctz::civil_day(cctz::civil_month(day));
    case Unit::kQuarter: return cctz::civil_day(day.year(), (day.month() - 1) / 3 * 3 + 1, 1);
    case Unit::kYear: return cctz::civil_day(cctz::civil_year(day));
    default: return day;
  }
}

cctz::civil_day NextStart(const cctz::civil_day& start, Unit unit) {
  switch (unit) {
    case Unit::kMonth: return cctz::civil_day(cctz::civil_month(start) + 1);
    case Unit::kQuarter: return cctz::civil_day(cctz::civil_month(start) + 3);
    case Unit::kYear: return cctz::civil_day(cctz::civil_year(start) + 1);
    default: return start + 1;
  }
}

}  // namespace

Result<Calendar> Calendar::Open(const std::string& zone) {
  auto opened = std::make_shared<Zone>();
  if (!cctz::load_time_zone(zone, &opened->zone)) {
    return Status(StatusCode::kInvalidArgument, "there is no time zone '" + zone + "'");
  }
  Calendar calendar;
  calendar.zone_ = std::move(opened);
  return calendar;
}

int64_t Calendar::AddDays(int64_t at_us, int days) const {
  const cctz::civil_second local = zone_->ToLocal(at_us);
  const cctz::civil_day day = cctz::civil_day(local) + days;
  const cctz::civil_second later(day.year(), day.month(), day.day(), local.hour(), local.minute(),
                                 local.second());
  return zone_->FromLocal(later, BelowSecond_us(at_us));
}

int64_t Calendar::AddMonths(int64_t at_us, int months) const {
  const cctz::civil_second local = zone_->ToLocal(at_us);
  const cctz::civil_month month = cctz::civil_month(local) + months;
  const cctz::civil_second later(month.year(), month.month(), std::min(local.day(), DaysIn(month)),
                                 local.hour(), local.minute(), local.second());
  return zone_->FromLocal(later, BelowSecond_us(at_us));
}

int64_t Calendar::EndOf(int64_t at_us, Unit unit) const {
  if (unit == Unit::kNone) return at_us;
  const cctz::civil_day start = FirstDayOf(cctz::civil_day(zone_->ToLocal(at_us)), unit);
  const int64_t start_us = zone_->FromLocal(cctz::civil_second(start));
  if (start_us >= at_us) return start_us;
  return zone_->FromLocal(cctz::civil_second(NextStart(start, unit)));
}

int64_t Calendar::StartOf(int64_t at_us, Unit unit) const {
  if (unit == Unit::kNone) return at_us;
  const cctz::civil_day start = FirstDayOf(cctz::civil_day(zone_->ToLocal(at_us)), unit);
  return zone_->FromLocal(cctz::civil_second(start));
}

int64_t Calendar::StartOf(const Date& date) const {
  return zone_->FromLocal(cctz::civil_second(CivilDay(date.year, date)));
}

std::optional<int64_t> Calendar::NextEndOf(int64_t at_us, const std::vector<Date>& dates) const {
  const cctz::year_t year = zone_->ToLocal(at_us).year();
  std::optional<int64_t> next;
  const auto consider = [&](cctz::year_t of_year, const Date& date) {
    const int64_t end_us = zone_->FromLocal(cctz::civil_second(CivilDay(of_year, date) + 1));
    if (end_us > at_us && (!next || end_us < *next)) next = end_us;
  };
  for (const Date& date : dates) {
    if (date.year != 0) {
      consider(date.year, date);
    } else {
      // The end of 31 December is in the year after.
      for (const cctz::year_t of_year : {year - 1, year, year + 1}) consider(of_year, date);
    }
  }
  return next;
}

int32_t Calendar::MonthOf(int64_t at_us) const {
  const cctz::civil_month month(zone_->ToLocal(at_us));
  return int32_t(month.year() * 12 + month.month() - 1);
}

int32_t Calendar::DayOf(int64_t at_us) const {
  return int32_t(cctz::civil_day(zone_->ToLocal(at_us)) - cctz::civil_day(1970, 1, 1));
}

}  // namespace loyalty::program

// Instants by their date, in UTC.
#pragma once

#include <chrono>
#include <cstdint>

namespace loyalty::tiers {

inline int64_t Utc(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  using namespace std::chrono;
  const auto midnight = sys_days(std::chrono::year(year) / month / day);
  return duration_cast<microseconds>((midnight + hours(hour) + minutes(minute)).time_since_epoch())
      .count();
}

}  // namespace loyalty::tiers

// Days with a visit, of the members of one range, counted month by month.
#pragma once

#include <cstdint>
#include <vector>

#include "program/calendar.h"

namespace loyalty::tiers {

// The local days that a UTC month has some of: at most 33.
class DaysOfMonth {
 public:
  DaysOfMonth() = default;
  DaysOfMonth(const program::Calendar& calendar, uint32_t month);

  int32_t first_day() const { return first_day_; }
  // The place among them of an instant, in microseconds since the month began.
  unsigned PlaceOf(int64_t since_us) const;

 private:
  int32_t first_day_ = 0;           // Calendar::DayOf
  std::vector<int64_t> starts_us_;  // of each but the first, since the month began
};

// Counts each day once, whatever the order of visits within a month; months come in order.
class DayCounter {
 public:
  explicit DayCounter(size_t members) : marks_(members), counts_(members), last_days_(members) {}

  void BeginMonth(const DaysOfMonth* days);
  void Add(size_t member, int64_t since_us) {
    marks_[member] |= uint64_t(1) << days_->PlaceOf(since_us);
  }
  // After the last month.
  const std::vector<int64_t>& Finish();

 private:
  void CountMarks();

  const DaysOfMonth* days_ = nullptr;
  std::vector<uint64_t> marks_;  // of the present month's days
  std::vector<int64_t> counts_;
  std::vector<int32_t> last_days_;  // of the months before: a day may be in two of them
};

}  // namespace loyalty::tiers

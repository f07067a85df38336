#include "tiers/days.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "history/month.h"

namespace loyalty::tiers {

constexpr int64_t kDay_us = 86'400'000'000;

DaysOfMonth::DaysOfMonth(const program::Calendar& calendar, uint32_t month) {
  const int64_t begin_us = history::MonthStart_us(month);
  const int64_t end_us = history::MonthStart_us(month + 1);
  first_day_ = calendar.DayOf(begin_us);
  for (int64_t at_us = begin_us;;) {
    at_us = calendar.EndOf(at_us + 1, program::Unit::kDay);
    if (at_us >= end_us) return;
    starts_us_.push_back(at_us - begin_us);
  }
}

unsigned DaysOfMonth::PlaceOf(int64_t since_us) const {
  // All days but those of a change of clocks have 24 hours, so this is right or next to it.
  const size_t last = starts_us_.size();
  size_t place = std::min(size_t(since_us / kDay_us), last);
  while (place < last && starts_us_[place] <= since_us) ++place;
  while (place > 0 && starts_us_[place - 1] > since_us) --place;
  return unsigned(place);
}

void DayCounter::BeginMonth(const DaysOfMonth* days) {
  CountMarks();
  if (!days_) std::fill(last_days_.begin(), last_days_.end(), std::numeric_limits<int32_t>::min());
  days_ = days;
}

void DayCounter::CountMarks() {
  if (!days_) return;
  for (size_t m = 0; m < marks_.size(); ++m) {
    const uint64_t marks = std::exchange(marks_[m], 0);
    if (marks == 0) continue;
    const int32_t first = days_->first_day();
    const bool counted = marks & 1 && last_days_[m] == first;
    counts_[m] += std::popcount(marks) - counted;
    last_days_[m] = first + 63 - std::countl_zero(marks);
  }
}

const std::vector<int64_t>& DayCounter::Finish() {
  CountMarks();
  return counts_;
}

}  // namespace loyalty::tiers

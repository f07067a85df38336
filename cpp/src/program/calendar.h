// Days, months and years in a programme's time zone. Used only when something is decided: what comes out is
// stored in the entry, and replay never asks a calendar.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loyalty/status.h"

namespace loyalty::program {

enum class Unit : uint8_t { kNone, kDay, kMonth, kQuarter, kYear };

struct Date {
  int year = 0;  // 0: every year
  int month = 1;
  int day = 1;
};

// Thread safety: immutable.
class Calendar {
 public:
  // kInvalidArgument when there is no such IANA zone.
  static Result<Calendar> Open(const std::string& zone);

  // The same time of day, so many days or months later; a day that the month does not have is its last one.
  // A time of day that a change of clocks leaves out is the instant of the change.
  int64_t AddDays(int64_t at_us, int days) const;
  int64_t AddMonths(int64_t at_us, int months) const;
  // The first end of a day, month, quarter or year at or after an instant.
  int64_t EndOf(int64_t at_us, Unit unit) const;
  // The last start of a day, month, quarter or year at or before an instant; with kNone the instant itself.
  int64_t StartOf(int64_t at_us, Unit unit) const;
  // The start of a day. Requires a year.
  int64_t StartOf(const Date& date) const;
  // The first end of one of the dates after an instant; nothing when all have passed. 29 February is the
  // last day of February.
  std::optional<int64_t> NextEndOf(int64_t at_us, const std::vector<Date>& dates) const;
  // Year * 12 + month - 1.
  int32_t MonthOf(int64_t at_us) const;
  // Days since 1 January 1970.
  int32_t DayOf(int64_t at_us) const;

 private:
  struct Zone;
  std::shared_ptr<const Zone> zone_;
};

}  // namespace loyalty::program

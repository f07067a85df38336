#include "tiers/window.h"

#include <algorithm>
#include <cstdlib>

#include "loyalty/posting.h"

namespace loyalty::tiers {
namespace {

using program::Calendar;
using program::Unit;
using program::Window;
using Model = program::Window::Model;

// The start of the nth period of so many months, counted from a start.
int64_t PeriodStart_us(const Calendar& calendar, int64_t first_us, int64_t number, int months) {
  return calendar.StartOf(calendar.AddMonths(first_us, int(number * months)), Unit::kDay);
}

// Which of these periods an instant is in; periods before the first one have numbers below zero.
int64_t PeriodAt(const Calendar& calendar, int64_t first_us, int months, int64_t at_us) {
  const int64_t passed = calendar.MonthOf(at_us) - calendar.MonthOf(first_us);
  // Within a month of where it is: the day in the month decides.
  int64_t number = (passed >= 0 ? passed : passed - months + 1) / months;
  while (PeriodStart_us(calendar, first_us, number, months) > at_us) --number;
  while (PeriodStart_us(calendar, first_us, number + 1, months) <= at_us) ++number;
  return number;
}

// The period of a window that an instant is in; `after`: the one that follows.
int64_t PeriodStart_us(const Window& window, const Calendar& calendar, int64_t at_us,
                       const Anchors& anchors, bool after) {
  const auto of_months = [&](int64_t first_us, int months) {
    const int64_t number = PeriodAt(calendar, first_us, months, at_us);
    return PeriodStart_us(calendar, first_us, number + after, months);
  };
  switch (window.model) {
    case Model::kCalendarYear:
      return after ? calendar.EndOf(at_us + 1, Unit::kYear) : calendar.StartOf(at_us, Unit::kYear);
    case Model::kAnniversary: return of_months(calendar.StartOf(anchors.opened_us, Unit::kDay), 12);
    case Model::kCycle: return of_months(calendar.StartOf(window.start), window.months);
    default: std::abort();  // a bug: it has no periods
  }
}

}  // namespace

Span_us SpanOf(const Window& window, const Calendar& calendar, int64_t at_us,
               const Anchors& anchors) {
  switch (window.model) {
    case Model::kTrailing:
      // Counted back from the instant after it: three months that end with June begin with April, not with
      // 31 March, which 30 June less three months is before.
      return {window.days > 0 ? calendar.AddDays(at_us + 1, -window.days)
                              : calendar.AddMonths(at_us + 1, -window.months),
              at_us};
    case Model::kSinceChange: return {anchors.changed_us + 1, at_us};
    case Model::kLifetime: return {kMinTime_us, at_us};
    default: return {PeriodStart_us(window, calendar, at_us, anchors, false), at_us};
  }
}

int64_t PeriodEnd_us(const Window& window, const Calendar& calendar, int64_t at_us,
                     const Anchors& anchors) {
  return PeriodStart_us(window, calendar, at_us, anchors, true);
}

int64_t MonthsSince(const Calendar& calendar, int64_t from_us, int64_t at_us) {
  int months = calendar.MonthOf(at_us) - calendar.MonthOf(from_us);
  if (months > 0 && calendar.AddMonths(from_us, months) > at_us) --months;
  return std::max(months, 0);
}

}  // namespace loyalty::tiers

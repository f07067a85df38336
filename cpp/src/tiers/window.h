// Where the windows of metrics begin and end (docs/tiers.md).
#pragma once

#include <cstdint>

#include "program/calendar.h"
#include "program/ladder.h"

namespace loyalty::tiers {

// Instants from <= t <= to.
struct Span_us {
  int64_t from_us = 0;
  int64_t to_us = 0;
  bool Has(int64_t at_us) const { return from_us <= at_us && at_us <= to_us; }
  bool operator==(const Span_us&) const = default;
};

// What a window may count from, of one member.
struct Anchors {
  int64_t opened_us = 0;
  int64_t changed_us = 0;  // his last change of level: what comes after it counts
};

// The window of an assessment as of an instant.
Span_us SpanOf(const program::Window& window, const program::Calendar& calendar, int64_t at_us,
               const Anchors& anchors);

// The end of the period that an instant is in. An instant at which a period begins is in that one. Requires
// window.has_periods().
int64_t PeriodEnd_us(const program::Window& window, const program::Calendar& calendar,
                     int64_t at_us, const Anchors& anchors);

// Whether it begins at another instant for each member.
inline bool IsAnchored(const program::Window& window) {
  return window.model == program::Window::Model::kAnniversary ||
         window.model == program::Window::Model::kSinceChange;
}

// How many whole months have passed.
int64_t MonthsSince(const program::Calendar& calendar, int64_t from_us, int64_t at_us);

}  // namespace loyalty::tiers

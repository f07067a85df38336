// Calendar months in UTC, numbered from January 1900. MonthOf() is in history.h.
#pragma once

#include <cstdint>
#include <string>

namespace loyalty::history {

// The first microsecond of a month; month + 1 gives the end, exclusive.
int64_t MonthStart_us(uint32_t month);

// "2024-02", for messages.
std::string MonthText(uint32_t month);

}  // namespace loyalty::history

// When points expire: of a currency, of a rule, or of a currency for the members on a level.
#pragma once

#include <cstdint>
#include <vector>

#include "program/calendar.h"

namespace loyalty::program {

struct Expiry {
  enum class Model : uint8_t { kNever, kRolling, kDates, kInactivity };
  Model model = Model::kNever;
  int days = 0;
  int months = 0;
  Unit round_up = Unit::kNone;
  std::vector<Date> dates;
};

}  // namespace loyalty::program

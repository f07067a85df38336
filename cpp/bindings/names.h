// Python enumerations that cannot fall behind: every number that ToString() knows becomes a member.
#pragma once

#include <pybind11/native_enum.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "loyalty/posting.h"
#include "loyalty/status.h"

namespace loyalty::python {

template <typename Enum>
void AddNames(pybind11::native_enum<Enum>& target, int end) {
  for (int number = 0; number < end; ++number) {
    std::string name(ToString(Enum(number)));
    if (name == "unknown") continue;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    target.value(name.c_str(), Enum(number));
  }
}

}  // namespace loyalty::python

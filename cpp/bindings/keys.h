// Keys of members as Python gives them: one, or arrays of many.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "bindings.h"
#include "loyalty/posting.h"

namespace loyalty::python {

// A key of either sort; texts are borrowed from the Python string, which the argument keeps alive.
using Key = std::variant<int64_t, std::string_view>;

inline MemberKey ToMemberKey(const Key& key) {
  return std::visit([](auto value) { return MemberKey(value); }, key);
}

// Numbers, or texts by their offsets in `data`. Neither: all members.
struct MemberArrays {
  std::optional<Array<int64_t>> numbers;
  std::optional<Array<int64_t>> offsets;
  std::optional<Array<uint8_t>> data;

  // Borrowed from the arrays; nothing for all members. Throws ValueError for offsets outside of the data.
  std::optional<std::vector<MemberKey>> Keys() const;
};

}  // namespace loyalty::python

// A change of level as the text of its entry. All numbers are varints (base/varint.h), signed ones zigzag:
//
//   ladder, from, to
//   since, until, kept until, lifetime from, assessed   each 0: never, 1: the beginning of time, else 2 + zigzag of
//                                                       its microseconds since the entry's effective time
//   kept, for life
//   count of values, then these, signed
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loyalty/posting.h"

namespace loyalty::journal {

std::string EncodeLevelChange(const LevelChange& change, int64_t effective_us);
// Nothing for what is not the text of one.
std::optional<LevelChange> DecodeLevelChange(std::string_view text, int64_t effective_us);

}  // namespace loyalty::journal

// A batch of postings as columns, on the memory that Python's arrays own.
//
// Checked when made: every array has one value a row, and member texts lie within their data and have
// 1 to 64 bytes. Codes are set afterwards, because their numbers are journaled only for a good batch.
// Reading it needs no GIL; making and destroying it does.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "bindings.h"
#include "loyalty/posting.h"

namespace loyalty::python {

struct PostingColumns {
  // rule, channel, location, category, actor, reason, ladder, level
  static constexpr size_t kCodes = 8;

  size_t rows = 0;
  const uint8_t* ids = nullptr;  // rows x 16
  const uint8_t* kinds = nullptr;
  const uint16_t* currencies = nullptr;
  const int64_t* member_numbers = nullptr;  // null: the members are texts
  const int64_t* member_offsets = nullptr;  // rows + 1
  const char* member_data = nullptr;
  const int64_t* points = nullptr;
  const int64_t* effective_us = nullptr;
  // The rest may be null: the column is absent, and the posting keeps its default.
  const int64_t* money = nullptr;
  const int64_t* expires_us = nullptr;
  std::array<const uint32_t*, kCodes> codes{};
  const uint8_t* related = nullptr;  // rows x 16
  const uint64_t* tags = nullptr;
  const int64_t* activates_us = nullptr;
  const int64_t* deadline_us = nullptr;
  const int64_t* floors = nullptr;
  const int64_t* ceilings = nullptr;
  // The other members, as the members are; an empty text, or a row that is not `has_other`: none.
  const int64_t* other_numbers = nullptr;
  const uint8_t* has_other = nullptr;
  const int64_t* other_offsets = nullptr;  // rows + 1
  const char* other_data = nullptr;
  const uint8_t* linked = nullptr;

  // The end of a chunk from `begin` of so many rows, or of the chain of linked rows that goes on there.
  size_t EndOfChunk(size_t begin, size_t chunk_rows) const {
    size_t end = std::min(begin + chunk_rows, rows);
    while (linked && end < rows && linked[end - 1]) ++end;
    return end;
  }

  std::vector<py::array> owners;  // keep all of the above alive
};

// What postings point at.
struct PostingParts {
  std::vector<Terms> terms;
  std::vector<MemberKey> others;
};

// Writes rows [begin, begin + out.size()). The texts of `out` are those of `columns`; what it points at is put
// into `parts`.
void FillPostings(const PostingColumns& columns, size_t begin, std::span<Posting> out,
                  PostingParts* parts);

}  // namespace loyalty::python

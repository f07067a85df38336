// Ids as Python holds them: 16 bytes, big-endian, as in uuid.UUID.bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "loyalty/posting.h"

namespace loyalty::python {

// The id that a UUID's text (36 characters, or its 32 hex digits) spells out; any other text is a
// reference, and hashed.
Id IdFromText(std::string_view text);

inline Id LoadId(const uint8_t* bytes) {
  const char* from = reinterpret_cast<const char*>(bytes);
  return {LoadBig<uint64_t>(from), LoadBig<uint64_t>(from + 8)};
}

inline void StoreId(const Id& id, uint8_t* bytes) {
  const uint64_t halves[2] = {ByteSwap(id.hi), ByteSwap(id.lo)};
  std::memcpy(bytes, halves, sizeof halves);
}

}  // namespace loyalty::python

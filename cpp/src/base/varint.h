// Numbers in as few bytes as they need: seven bits a byte, the least significant first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace loyalty {

inline void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(char(value | 0x80));
  out->push_back(char(value));
}

// Takes one off the front; false if there is none.
inline bool TakeVarint(std::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < bytes->size() && i < 10; ++i) {
    const auto byte = uint8_t((*bytes)[i]);
    *value |= uint64_t(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// Signed numbers so that small ones are few bits, whatever their sign.
inline uint64_t ZigZag(int64_t value) { return (uint64_t(value) << 1) ^ uint64_t(value >> 63); }
inline int64_t UnZigZag(uint64_t value) { return int64_t((value >> 1) ^ (0 - (value & 1))); }

}  // namespace loyalty

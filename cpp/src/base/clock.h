// The time of day. Nothing that decides or applies may ask for it.
#pragma once

#include <chrono>
#include <cstdint>

namespace loyalty {

inline int64_t Now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace loyalty

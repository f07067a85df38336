// The time of day, as the interface counts it.
#pragma once

#include <chrono>
#include <cstdint>

namespace loyalty::service {

// Microseconds since 1970-01-01 UTC.
inline int64_t Now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace loyalty::service

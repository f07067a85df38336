// What goes wrong, as the interface tells it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "loyalty/status.h"

namespace loyalty::service {

// Throws the exception of the interface that tells of a fault; returns if there is none.
void ThrowUnlessOk(const Status& status);

[[noreturn]] void ThrowInvalid(const std::string& message);
[[noreturn]] void ThrowUnauthenticated(const std::string& message);
[[noreturn]] void ThrowForbidden(const std::string& message);
[[noreturn]] void ThrowUnavailable(const std::string& message, int32_t retry_after_ms);

// The value, or the exception.
template <typename T>
T ValueOrThrow(Result<T> result) {
  ThrowUnlessOk(result.status());
  return std::move(result).value();
}

}  // namespace loyalty::service

// What the server tells its operators: a line of JSON an event, on standard error.
//
// Thread safety: Log may be called from any thread, once StartLog has returned.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace loyalty::service {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Until it was called, nothing is logged. kDebug logs each call.
void StartLog(LogLevel least);
bool IsLogged(LogLevel level);

using LogValue = std::variant<std::string, int64_t, double>;
void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, LogValue>> fields);

}  // namespace loyalty::service

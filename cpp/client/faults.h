// Faults that several calls of a remote ledger tell of.
#pragma once

#include <string>

#include "loyalty/status.h"

namespace loyalty::client {

inline Status OnlyWhereTheLedgerIs(const std::string& what) {
  return {StatusCode::kUnsupported,
          what + ": takes the whole ledger; open its directory read-only, beside the server"};
}

inline Status WrongAnswer(const std::string& call, size_t count, size_t asked) {
  return {StatusCode::kInternal,
          call + ": the server answered " + std::to_string(count) + " of " + std::to_string(asked)};
}

}  // namespace loyalty::client

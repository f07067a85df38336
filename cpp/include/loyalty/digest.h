// A SHA-256: of a journal block chained to all before it, so of a whole ledger at a sequence.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace loyalty {

using Digest = std::array<uint8_t, 32>;
std::string ToHex(const Digest& digest);  // 64 hex digits

}  // namespace loyalty

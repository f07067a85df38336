// A SHA-256: of a journal block chained to all before it, so of a whole ledger at a sequence.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace loyalty {

using Digest = std::array<uint8_t, 32>;
Digest Sha256(std::string_view text);
std::string ToHex(const Digest& digest);  // 64 hex digits

}  // namespace loyalty

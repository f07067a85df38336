// Hashes: SHA-256 for the chain and for references, XXH3 for checksums and tables.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "loyalty/digest.h"

namespace loyalty {

// SHA-256 of the parts, one after the other.
Digest Sha256(std::initializer_list<std::string_view> parts);

// XXH3-64. Guards stored values against damage; not against forgery (the chain is for that).
uint64_t Checksum(std::string_view bytes);

}  // namespace loyalty

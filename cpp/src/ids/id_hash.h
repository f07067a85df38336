// The hash of an id for tables and filters. Part of the stored format: filters are built from it.
#pragma once

#include <cstdint>

#include "loyalty/posting.h"

namespace loyalty::ids {

// Both halves of the 128-bit product, so that every input bit reaches every output bit.
inline uint64_t FoldedProduct(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return uint64_t(product) ^ uint64_t(product >> 64);
}

// Counters, timestamps and equal halves spread as well as random ids do. Not keyed: it does not
// resist a caller that crafts colliding ids, who only slows down the programme's own ledger.
inline uint64_t HashId(const Id& id) {
  constexpr uint64_t kA = 0x9e3779b97f4a7c15, kB = 0xd6e8feb86659fd93, kC = 0xa0761d6478bd642f;
  return FoldedProduct(FoldedProduct(id.hi ^ kA, kB) + id.lo, kC);
}

}  // namespace loyalty::ids

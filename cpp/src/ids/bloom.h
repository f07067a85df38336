// A blocked Bloom filter: all bits of an id are in one 64-byte block, so a probe touches one cache
// line.
//
// A block is eight words; an id has one bit in each. With 16 bits an id one absent id in about
// 1,000 passes (bloom.cpp says why not fewer bits). Thread safety: const methods from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/prefetch.h"

namespace loyalty::ids {

class BloomFilter {
 public:
  // An empty filter, sized for `ids` ids.
  explicit BloomFilter(uint64_t ids);

  // `hash` is HashId of the id.
  void Add(uint64_t hash);
  void Prefetch(uint64_t hash) const { loyalty::Prefetch(&blocks_[BlockOf(hash)]); }
  bool MayContain(uint64_t hash) const {
    const uint64_t* words = blocks_[BlockOf(hash)].words;
    const uint64_t bits = BitsOf(hash);
    // In two halves: of the absent ids few pass the first, so the branch is foreseeable.
    const uint64_t first = (words[0] >> (bits >> 58)) & (words[1] >> (bits >> 52 & 63)) &
                           (words[2] >> (bits >> 46 & 63)) & (words[3] >> (bits >> 40 & 63));
    if ((first & 1) == 0) return false;
    const uint64_t second = (words[4] >> (bits >> 34 & 63)) & (words[5] >> (bits >> 28 & 63)) &
                            (words[6] >> (bits >> 22 & 63)) & (words[7] >> (bits >> 16 & 63));
    return (second & 1) != 0;
  }

  // The stored form: the blocks as they are in memory.
  std::span<char> bytes() { return {reinterpret_cast<char*>(blocks_.get()), size_bytes()}; }
  std::span<const char> bytes() const {
    return {reinterpret_cast<const char*>(blocks_.get()), size_bytes()};
  }

 private:
  struct alignas(64) Block {
    uint64_t words[8] = {};
  };

  size_t size_bytes() const { return count_ * sizeof(Block); }
  size_t BlockOf(uint64_t hash) const {
    return size_t((static_cast<unsigned __int128>(hash) * count_) >> 64);
  }
  // The block follows from the high bits of the hash; the product spreads the others over the
  // fields.
  static uint64_t BitsOf(uint64_t hash) { return hash * 0x9fb21c651e98df25; }

  struct Free {
    void operator()(Block* blocks) const;
  };

  uint64_t count_;
  std::unique_ptr<Block[], Free> blocks_;
};

}  // namespace loyalty::ids

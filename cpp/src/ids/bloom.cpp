#include "ids/bloom.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace loyalty::ids {
namespace {

// A false positive costs a read of a chunk, some microseconds; at 12 bits an id those reads would
// take as long as all the probing of a dozen runs, at 16 they are one in 1,000 and do not matter.
constexpr uint64_t kBitsPerId = 16;
constexpr uint64_t kBlockBits = 512;
constexpr size_t kHugePageBytes = size_t{2} << 20;

}  // namespace

BloomFilter::BloomFilter(uint64_t ids)
    : count_(std::max<uint64_t>(1, (ids * kBitsPerId + kBlockBits - 1) / kBlockBits)) {
  // Probes are random: on pages of 4 KiB nearly each would miss the TLB too.
  const bool is_large = size_bytes() >= kHugePageBytes;
  void* memory = nullptr;
  if (posix_memalign(&memory, is_large ? kHugePageBytes : alignof(Block), size_bytes()) != 0) {
    std::abort();  // out of memory
  }
  if (is_large) madvise(memory, size_bytes(), MADV_HUGEPAGE);  // a hint: it may well be refused
  blocks_.reset(new (memory) Block[count_]);
}

void BloomFilter::Free::operator()(Block* blocks) const { std::free(blocks); }

void BloomFilter::Add(uint64_t hash) {
  uint64_t* words = blocks_[BlockOf(hash)].words;
  const uint64_t bits = BitsOf(hash);
  for (int word = 0; word < 8; ++word) words[word] |= uint64_t{1} << (bits >> (58 - 6 * word) & 63);
}

}  // namespace loyalty::ids

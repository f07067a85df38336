#include "base/slab.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace loyalty {
namespace {

constexpr size_t kRegionBytes = 2u << 20;
constexpr size_t kHeaderBytes = 64;

}  // namespace

// At the start of its memory, which is aligned to its size: so a block's address tells its region.
struct Slab::Region {
  Region* next = nullptr;  // among those with room
  Region* previous = nullptr;
  void* free = nullptr;  // freed blocks, linked through their first bytes
  size_t carved = 0;     // blocks ever handed out; those behind were never touched
  size_t used = 0;
};

void* Slab::Allocate() {
  MutexLock lock(mutex_);
  Region* const region = with_room_ ? with_room_ : NewRegion();
  void* block = region->free;
  if (block) {
    region->free = *static_cast<void**>(block);
  } else {
    block = reinterpret_cast<char*>(region) + kHeaderBytes + region->carved++ * block_bytes_;
  }
  ++region->used;
  const bool full =
      !region->free && kHeaderBytes + (region->carved + 1) * block_bytes_ > kRegionBytes;
  if (full) Unlink(region);
  return block;
}

void Slab::Free(void* block) {
  MutexLock lock(mutex_);
  auto* const region =
      reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(block) & ~(kRegionBytes - 1));
  const bool was_full =
      !region->free && kHeaderBytes + (region->carved + 1) * block_bytes_ > kRegionBytes;
  *static_cast<void**>(block) = region->free;
  region->free = block;
  if (was_full) Link(region);
  if (--region->used > 0) return;
  Unlink(region);
  munmap(region, kRegionBytes);
}

Slab::Region* Slab::NewRegion() {
  // Twice the size, then cut to what is aligned.
  void* const raw =
      mmap(nullptr, 2 * kRegionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  const auto from = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = (from + kRegionBytes - 1) & ~(kRegionBytes - 1);
  if (aligned > from) munmap(raw, aligned - from);
  munmap(reinterpret_cast<void*>(aligned + kRegionBytes), from + kRegionBytes - aligned);
  AdviseHugePages(reinterpret_cast<void*>(aligned), kRegionBytes);
  Region* const region = new (reinterpret_cast<void*>(aligned)) Region;
  Link(region);
  return region;
}

void Slab::Link(Region* region) {
  region->next = with_room_;
  region->previous = nullptr;
  if (with_room_) with_room_->previous = region;
  with_room_ = region;
}

void Slab::Unlink(Region* region) {
  (region->previous ? region->previous->next : with_room_) = region->next;
  if (region->next) region->next->previous = region->previous;
  region->next = region->previous = nullptr;
}

void AdviseHugePages(void* from, size_t bytes) {
  constexpr uintptr_t kPage = 4096;
  const uintptr_t first = (reinterpret_cast<uintptr_t>(from) + kPage - 1) & ~(kPage - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(from) + bytes) & ~(kPage - 1);
  if (end > first) (void)madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
}

}  // namespace loyalty

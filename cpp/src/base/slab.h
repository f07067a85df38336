// Fixed-size blocks from 2 MiB regions that ask for huge pages.
//
// Members are touched at random, so with 4 KiB pages nearly every touch misses the processor's table of
// addresses, which costs more than the memory itself, and more still in a virtual machine. Regions go
// back to the system when their last block does. Thread safety: all methods.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace loyalty {

class Slab {
 public:
  explicit Slab(size_t block_bytes) : block_bytes_(block_bytes) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // Uninitialised memory, 64-byte aligned. Throws std::bad_alloc as `new` does.
  void* Allocate() EXCLUDES(mutex_);
  void Free(void* block) EXCLUDES(mutex_);

 private:
  struct Region;

  Region* NewRegion() REQUIRES(mutex_);
  void Link(Region* region) REQUIRES(mutex_);
  void Unlink(Region* region) REQUIRES(mutex_);

  const size_t block_bytes_;
  Mutex mutex_;
  Region* with_room_ GUARDED_BY(mutex_) = nullptr;  // regions that have a free block
};

// Asks for huge pages under a large buffer; a hint, so failure is of no concern.
void AdviseHugePages(void* from, size_t bytes);

// For large arrays that are touched at random.
template <typename T>
struct HugePageAllocator : std::allocator<T> {
  template <typename U>
  struct rebind {
    using other = HugePageAllocator<U>;
  };
  T* allocate(size_t count) {
    T* const at = std::allocator<T>::allocate(count);
    AdviseHugePages(at, count * sizeof(T));
    return at;
  }
};
template <typename T>
using HugePageVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace loyalty

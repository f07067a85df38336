// Something that happens once, and threads that wait for it.
//
// std::atomic::wait would do, but it spins and yields before it sleeps: with many more waiting threads than
// processors that takes the time from those who could work. Thread safety: all methods.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace loyalty {

class Event {
 public:
  void Set() {
    if (state_.exchange(kSet, std::memory_order_acq_rel) == kAwaited)
      Futex(FUTEX_WAKE_PRIVATE, INT_MAX);
  }
  void Wait() {
    uint32_t seen = state_.load(std::memory_order_acquire);
    while (seen != kSet) {
      if (seen == kAwaited || state_.compare_exchange_weak(seen, kAwaited)) {
        Futex(FUTEX_WAIT_PRIVATE, kAwaited);
        seen = state_.load(std::memory_order_acquire);
      }
    }
  }

 private:
  static constexpr uint32_t kUnset = 0;
  static constexpr uint32_t kAwaited = 1;
  static constexpr uint32_t kSet = 2;

  void Futex(int operation, uint32_t value) {
    static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&state_), operation, value, nullptr, nullptr, 0);
  }

  std::atomic<uint32_t> state_ = kUnset;
};

}  // namespace loyalty

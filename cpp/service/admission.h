// Room for the postings that are under way at once. What finds none within its time is refused, so what waits never
// outgrows the queue of the ledger's writer.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace loyalty::service {

class Admission {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Admission(size_t postings_max) : postings_max_(postings_max), free_(postings_max) {}

  size_t under_way() const {
    const std::lock_guard lock(mutex_);
    return postings_max_ - free_;
  }

  // Held for as long as the postings are under way.
  class Room {
   public:
    Room(Admission* admission, size_t postings) : admission_(admission), postings_(postings) {}
    ~Room() {
      if (admission_ != nullptr) admission_->Leave(postings_);
    }
    Room(Room&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)), postings_(other.postings_) {}
    Room& operator=(Room&&) = delete;

    bool has_entered() const { return admission_ != nullptr; }

   private:
    Admission* admission_;
    const size_t postings_;
  };

  // Waits for room until `deadline`.
  Room Enter(size_t postings, Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const bool is_free = left_.wait_until(lock, deadline, [&] { return free_ >= postings; }) &&
                         Clock::now() < deadline;
    if (is_free) free_ -= postings;
    return Room(is_free ? this : nullptr, postings);
  }

 private:
  void Leave(size_t postings) {
    {
      const std::lock_guard lock(mutex_);
      free_ += postings;
    }
    left_.notify_all();
  }

  const size_t postings_max_;
  mutable std::mutex mutex_;
  std::condition_variable left_;
  size_t free_;
};

}  // namespace loyalty::service

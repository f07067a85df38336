// Mutexes that Clang's thread-safety analysis understands (`make check` builds with -Wthread-safety).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define LOYALTY_TSA(x) __attribute__((x))
#else
#define LOYALTY_TSA(x)
#endif

#define CAPABILITY(x) LOYALTY_TSA(capability(x))
#define SCOPED_CAPABILITY LOYALTY_TSA(scoped_lockable)
#define GUARDED_BY(x) LOYALTY_TSA(guarded_by(x))
#define REQUIRES(...) LOYALTY_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) LOYALTY_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) LOYALTY_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) LOYALTY_TSA(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS LOYALTY_TSA(no_thread_safety_analysis)

namespace loyalty {

class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // Waits in a loop at the caller's: while (!ready) condition.Wait(mutex).
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when the time ran out.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point until) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, until) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace loyalty

// Mutexes that Clang's thread-safety analysis understands (`make check` builds with -Wthread-safety).
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
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
#define REQUIRES_SHARED(...) LOYALTY_TSA(requires_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) LOYALTY_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) LOYALTY_TSA(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) LOYALTY_TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) LOYALTY_TSA(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) LOYALTY_TSA(release_shared_capability(__VA_ARGS__))
#define RELEASE_GENERIC(...) LOYALTY_TSA(release_generic_capability(__VA_ARGS__))

namespace loyalty {

class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// For a few instructions at a time, taken by one thread so often that a Mutex would cost more than the
// work. A thread that was interrupted while holding it makes others yield, not spin on.
class CAPABILITY("mutex") SpinLock {
 public:
  void Lock() ACQUIRE() {
    for (int tries = 1; held_.exchange(true, std::memory_order_acquire); ++tries) {
      if (tries % 64 == 0) sched_yield();
    }
  }
  void Unlock() RELEASE() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_ = false;
};

class SCOPED_CAPABILITY SpinLockHolder {
 public:
  explicit SpinLockHolder(SpinLock& lock) ACQUIRE(lock) : lock_(lock) { lock_.Lock(); }
  ~SpinLockHolder() RELEASE() { lock_.Unlock(); }
  SpinLockHolder(const SpinLockHolder&) = delete;
  SpinLockHolder& operator=(const SpinLockHolder&) = delete;

 private:
  SpinLock& lock_;
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

// Readers share; a waiting writer goes before new readers, so it cannot starve. Readers must not nest.
class CAPABILITY("mutex") SharedMutex {
 public:
  SharedMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~SharedMutex() { pthread_rwlock_destroy(&lock_); }
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void Lock() ACQUIRE() { pthread_rwlock_wrlock(&lock_); }
  void Unlock() RELEASE() { pthread_rwlock_unlock(&lock_); }
  void LockShared() ACQUIRE_SHARED() { pthread_rwlock_rdlock(&lock_); }
  void UnlockShared() RELEASE_SHARED() { pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_;
};

class SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.LockShared();
  }
  ~ReaderLock() RELEASE_GENERIC() { mutex_.UnlockShared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~WriterLock() RELEASE() { mutex_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
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

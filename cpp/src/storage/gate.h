// Lets calls in until it is shut, and waits for those inside.
#pragma once

#include <cstdint>

#include "base/mutex.h"

namespace loyalty::storage {

// Not a shared mutex: a call inside may make another (a scan's visitor that reads), which then must
// be turned away rather than wait for the one that waits for it.
class Gate {
 public:
  // One call inside; false when the gate was shut.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate), inside_(gate.Enter()) {}
    ~Pass() {
      if (inside_) gate_.Leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return inside_; }

   private:
    Gate& gate_;
    const bool inside_;
  };

  // Returns when nobody is inside. Must not be called from inside.
  void Shut() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    shut_ = true;
    while (inside_ > 0) left_.Wait(mutex_);
  }

 private:
  bool Enter() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!shut_) ++inside_;
    return !shut_;
  }
  void Leave() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (--inside_ == 0) left_.NotifyAll();
  }

  Mutex mutex_;
  CondVar left_;
  int64_t inside_ GUARDED_BY(mutex_) = 0;
  bool shut_ GUARDED_BY(mutex_) = false;
};

}  // namespace loyalty::storage

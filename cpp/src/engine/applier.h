// Applies blocks to a state on a thread of its own, in order, while the caller reads the next ones.
#pragma once

#include <deque>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "ledger/transition.h"

namespace loyalty::engine {

class Applier {
 public:
  explicit Applier(ledger::State* state) : state_(state), thread_([this] { Run(); }) {}
  ~Applier() { (void)Finish(); }

  // Queues a block; waits while a few are queued. The first fault there was, if any.
  Status Apply(std::shared_ptr<const journal::Group> group);
  // Waits until all is applied, and ends the thread. The state may be read after it.
  Status Finish();

 private:
  static constexpr size_t kQueued = 8;

  void Run();

  ledger::State* const state_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<const journal::Group>> queue_ GUARDED_BY(mutex_);
  bool finishing_ GUARDED_BY(mutex_) = false;
  Status fault_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace loyalty::engine

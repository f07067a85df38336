#include "engine/applier.h"

#include "base/thread_name.h"

namespace loyalty::engine {

Status Applier::Apply(std::shared_ptr<const journal::Group> group) {
  MutexLock lock(mutex_);
  while (queue_.size() >= kQueued && fault_.ok()) changed_.Wait(mutex_);
  queue_.push_back(std::move(group));
  changed_.NotifyAll();
  return fault_;
}

Status Applier::Finish() {
  {
    MutexLock lock(mutex_);
    finishing_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  MutexLock lock(mutex_);
  return fault_;
}

void Applier::Run() {
  NameThisThread("loyalty-replay");
  for (;;) {
    std::shared_ptr<const journal::Group> group;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !finishing_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      group = std::move(queue_.front());
      queue_.pop_front();
      changed_.NotifyAll();
    }
    const Status status = ledger::ApplyGroup(*group, UINT64_MAX, state_);
    MutexLock lock(mutex_);
    if (!status.ok() && fault_.ok()) fault_ = status;
    if (!fault_.ok()) queue_.clear();
    changed_.NotifyAll();
  }
}

}  // namespace loyalty::engine

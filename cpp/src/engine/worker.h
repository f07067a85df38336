// A stage of a pipeline: does jobs in order on a thread of its own, while its owner prepares the next ones.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/thread_name.h"
#include "loyalty/status.h"

namespace loyalty::engine {

// Thread safety: Give and Finish come from the owner's thread.
template <typename Job>
class Worker {
 public:
  // After the first fault of `work` no more jobs are done.
  Worker(const char* name, std::function<Status(const Job&)> work)
      : work_(std::move(work)), thread_([this, name] { Run(name); }) {}
  ~Worker() { (void)Finish(); }

  // Queues a job, waiting for a place. The first fault there was, if any.
  Status Give(Job job) {
    MutexLock lock(mutex_);
    while (jobs_.size() >= kQueued && fault_.ok()) changed_.Wait(mutex_);
    if (fault_.ok()) jobs_.push_back(std::move(job));
    changed_.NotifyAll();
    return fault_;
  }
  // Waits until all is done, and ends the thread.
  Status Finish() {
    {
      MutexLock lock(mutex_);
      finishing_ = true;
      changed_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
    MutexLock lock(mutex_);
    return fault_;
  }

 private:
  static constexpr size_t kQueued = 256;

  void Run(const char* name) {
    NameThisThread(name);
    while (std::optional<Job> job = Next()) {
      Status status = work_(*job);
      if (status.ok()) continue;
      MutexLock lock(mutex_);
      fault_ = std::move(status);
      jobs_.clear();
      changed_.NotifyAll();
      return;
    }
  }

  // Nothing when there is no more to come.
  std::optional<Job> Next() {
    MutexLock lock(mutex_);
    while (jobs_.empty() && !finishing_) changed_.Wait(mutex_);
    if (jobs_.empty()) return std::nullopt;
    std::optional<Job> job(std::move(jobs_.front()));
    jobs_.pop_front();
    changed_.NotifyAll();
    return job;
  }

  const std::function<Status(const Job&)> work_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool finishing_ GUARDED_BY(mutex_) = false;
  Status fault_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace loyalty::engine

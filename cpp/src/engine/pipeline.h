// The commit pipeline: any number of callers -> bounded queue -> one deciding thread -> one committing
// thread -> acknowledgement. While one group is synced the next is built; a group is closed when the
// committing thread is free to take it, or when it is full.
//
// Thread safety: all methods, any thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "engine/committer.h"
#include "engine/decider.h"

namespace loyalty::engine {

class Pipeline {
 public:
  // `after_commit` runs on the committing thread after each group; it must not wait for a commit.
  Pipeline(Core* core, ids::UnsealedIds recent, std::function<void()> after_commit);
  ~Pipeline() { Stop(); }

  // Blocks while the queue is full. kClosed after Stop(), or the fault that stopped the writer; kReadOnly.
  Status Submit(std::shared_ptr<Batch> batch);
  // Calls inspect() between postings on the deciding thread, and returns once all that it could see is
  // durable (OK), or the writer has failed, before or since.
  Status Inspect(std::function<void()> inspect);
  // Those that the deciding thread has not taken yet.
  size_t queued_postings() const {
    MutexLock lock(mutex_);
    return queued_postings_;
  }
  // Finishes what is queued and ends both threads. Idempotent.
  void Stop();

 private:
  void DecideLoop();
  // The next batch for the open group, having handed over a group if it was time; null to end.
  std::shared_ptr<Batch> NextBatch();
  bool MayHandOver() REQUIRES(mutex_);
  void CommitLoop();

  Core* const core_;
  const std::function<void()> after_commit_;
  Decider decider_;      // the deciding thread's
  Committer committer_;  // the committing thread's

  mutable Mutex mutex_;
  CondVar not_full_;  // callers
  CondVar work_;      // the deciding thread: a batch has come, or the committing thread is free
  CondVar closed_;    // the committing thread: a group is there
  std::deque<std::shared_ptr<Batch>> queue_ GUARDED_BY(mutex_);
  size_t queued_postings_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<OpenGroup> handed_over_ GUARDED_BY(mutex_);
  bool committing_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool decided_all_ GUARDED_BY(mutex_) = false;
  std::thread deciding_;
  std::thread committing_thread_;
};

}  // namespace loyalty::engine

// What is done behind the journal: ids, history, checkpoints, and ridding files of erased keys.
//
// Behind does the work, on whatever thread calls it; Maintainer has a thread for each kind, which calls it when
// enough has gathered: a merge of ids holds up neither history nor a checkpoint.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/slab.h"
#include "engine/core.h"
#include "engine/pipeline.h"

namespace loyalty::engine {

class Behind {
 public:
  // Posting waits while more whole segments than this are lacking.
  static constexpr uint64_t kMostSegments = 4;

  explicit Behind(Core* core) : core_(core) {}

  // Take the tail's entries up to `through` in, in segments: ids, history, or both. Requires that the tail
  // reaches so far.
  Status ConsumeIds(uint64_t through);
  Status ConsumeHistory(uint64_t through);
  Status Consume(uint64_t through);
  // Writes the changed state, and makes ids and history durable. The pipeline is where it is seen.
  Status Checkpoint(Pipeline* pipeline);
  // After members were erased: checkpoints, and makes RocksDB rewrite the files that have their keys.
  Status Purge(Pipeline* pipeline);
  bool HasToPurge() const { return core_->purged_sequence < core_->erased_sequence; }
  // The same, and the last purge is long enough ago: where many are erased one by one, it takes a tenth of
  // the time at most.
  bool MayPurge() const {
    return HasToPurge() && std::chrono::steady_clock::now() >= next_purge_.load();
  }
  // The sequence that both ids and history have reached.
  uint64_t taken() const;

 private:
  Core* const core_;
  Mutex checkpoint_mutex_;  // one of each kind at a time
  Mutex ids_mutex_;
  Mutex history_mutex_;
  Mutex purge_mutex_;
  std::atomic<std::chrono::steady_clock::time_point> next_purge_{};
  // A segment's rows, kept: getting 100 MB anew from the system for each would cost more than its use.
  HugePageVector<Entry> segment_ GUARDED_BY(history_mutex_);
};

class Maintainer {
 public:
  Maintainer(Core* core, Behind* behind) : core_(core), behind_(behind) {}
  ~Maintainer() { Stop(); }

  // The pipeline is where checkpoints see the state.
  void Start(Pipeline* pipeline);
  void Stop();
  // After each commit: wakes the threads when there is work.
  void OnCommit();
  // Holds a caller who wants to post while the work is more than a few segments behind.
  void WaitForRoom();

 private:
  void StartThread(const char* name, std::function<bool()> due, std::function<Status()> work);
  // Does the work whenever it is due, until stopped; a fault ends it, and stops the writer.
  void Run(const std::function<bool()>& due, const std::function<Status()>& work);
  // Every second; so the others look at least that often whether their work is due.
  void SyncHead();
  // Notes a fault, and wakes callers and the other threads. Whether to go on.
  bool Finish(const Status& status);
  // How many durable entries ids or history have not taken in.
  uint64_t Lag() const;

  Core* const core_;
  Behind* const behind_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace loyalty::engine

// What is built behind the journal: ids, history, checkpoints.
//
// Behind does the work, on whatever thread calls it, one at a time; Maintainer is the thread that calls it
// when enough has gathered.
#pragma once

#include <thread>

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

  // Takes the tail's entries up to `through` into ids and history, in segments.
  Status Consume(uint64_t through);
  // The same, but leaves what does not fill a segment.
  Status ConsumeSegments(uint64_t through);
  // Writes the changed state, and makes ids and history durable. The pipeline is where it is seen.
  Status Checkpoint(Pipeline* pipeline);
  // The sequence that both ids and history have reached.
  uint64_t taken() const;
  // How many durable entries are beyond that.
  uint64_t lag() const;

 private:
  Core* const core_;
  Mutex mutex_;  // one job at a time
  // A segment's rows, kept: getting 100 MB anew from the system for each would cost more than its use.
  HugePageVector<Entry> segment_ GUARDED_BY(mutex_);
};

class Maintainer {
 public:
  Maintainer(Core* core, Behind* behind) : core_(core), behind_(behind) {}
  ~Maintainer() { Stop(); }

  // The pipeline is where snapshots come from.
  void Start(Pipeline* pipeline);
  void Stop();
  // After each commit: wakes the thread when there is work.
  void OnCommit();
  // Holds a caller who wants to post while the work is more than a few segments behind.
  void WaitForRoom();

 private:
  void Run();
  Status WorkOnce();

  Core* const core_;
  Behind* const behind_;
  Pipeline* pipeline_ = nullptr;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace loyalty::engine

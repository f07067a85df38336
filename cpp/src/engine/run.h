// What batch runs have in common: the entries that record them, and batches on their way to the writer.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "engine/pipeline.h"

namespace loyalty::engine {

// Journals that a run as of an instant starts, or ends what `started` began; returns the entry's sequence.
Result<uint64_t> NoteRun(Pipeline* pipeline, Kind kind, const std::string& name, int64_t at_us,
                         uint64_t started);

// Batches submitted and not waited for. For one thread at a time.
class InFlight {
 public:
  // So few suffice for the writer to have always something to do.
  static constexpr size_t kFew = 4;

  explicit InFlight(Pipeline* pipeline, size_t most = kFew) : pipeline_(pipeline), most_(most) {}

  // Waits for the oldest, when there are as many as there may be.
  Status Submit(std::shared_ptr<Batch> batch);
  // Waits for all; the first fault.
  Status Finish();
  bool empty() const { return batches_.empty(); }

 private:
  Status FinishOldest();

  Pipeline* const pipeline_;
  const size_t most_;
  std::deque<std::shared_ptr<Batch>> batches_;
};

}  // namespace loyalty::engine

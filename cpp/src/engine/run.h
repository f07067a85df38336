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

// Batches submitted and not waited for: a few, so that the writer has always something to do. For one thread at a
// time.
class InFlight {
 public:
  explicit InFlight(Pipeline* pipeline) : pipeline_(pipeline) {}

  // Waits for the oldest, when there are enough.
  Status Submit(std::shared_ptr<Batch> batch);
  // Waits for all; the first fault.
  Status Finish();

 private:
  Status FinishOldest();

  Pipeline* const pipeline_;
  std::deque<std::shared_ptr<Batch>> batches_;
};

}  // namespace loyalty::engine

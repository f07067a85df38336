// Makes a group durable: packs it into a block, chains, writes and syncs it. One thread only.
#pragma once

#include "engine/batch.h"
#include "engine/core.h"
#include "engine/worker.h"

namespace loyalty::engine {

class Committer {
 public:
  explicit Committer(Core* core)
      : core_(core), waker_("loyalty-wake", [](const Outcome& outcome) {
          Acknowledge(outcome);
          return Status();
        }) {}

  // Acknowledges the group's batches: once it is on disk, or with the fault. After the first failure
  // every group is answered with that fault, and readers get a state rebuilt from what is durable.
  void Commit(std::shared_ptr<OpenGroup> group);

 private:
  struct Outcome {
    std::shared_ptr<OpenGroup> group;
    Status status;
  };
  // Waking a caller takes a few microseconds: many are woken by a thread that does nothing else, while
  // this one goes on with the next group (64 callers: 210 instead of 150 thousand postings a second).
  static constexpr size_t kMostWokenHere = 8;

  static void Acknowledge(const Outcome& outcome);
  void Fail(const Status& fault);
  Status MakeDurable(OpenGroup* open);
  void Rescue();

  Core* const core_;
  Status failure_;
  Worker<Outcome> waker_;
};

}  // namespace loyalty::engine

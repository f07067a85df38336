// Makes a group durable: packs it into a block, chains, writes and syncs it. One thread only.
#pragma once

#include "engine/batch.h"
#include "engine/core.h"

namespace loyalty::engine {

class Committer {
 public:
  explicit Committer(Core* core) : core_(core) {}

  // Acknowledges the group's batches: once it is on disk, or with the fault. After the first failure
  // every group is answered with that fault, and readers get a state rebuilt from what is durable.
  void Commit(const OpenGroup& group);

 private:
  void Fail(const Status& fault);
  Status MakeDurable(const OpenGroup& group);
  void Rescue();

  Core* const core_;
  Status failure_;
};

}  // namespace loyalty::engine

// The writer's work on batches: decide each posting, apply it to the state, append it to the open group.
// One thread only.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "engine/batch.h"
#include "engine/core.h"
#include "ids/recent_ids.h"

namespace loyalty::engine {

class Decider {
 public:
  // `recent`: the ids of all entries beyond core->ids->runs()->sequence().
  Decider(Core* core, ids::UnsealedIds recent);

  bool HasOpenGroup() const { return open_ != nullptr; }
  size_t open_entries() const { return open_ ? open_->group.entries.size() : 0; }
  void Process(const std::shared_ptr<Batch>& batch);
  // Stamps the open group with its time and gives it away. Requires HasOpenGroup().
  std::shared_ptr<OpenGroup> CloseGroup();

 private:
  struct Row {
    Entry* entry;
    Reply* reply;
    std::string* text;          // null unless the writer needs one
    Batch::Reversal* reversal;  // null unless it is one
  };

  Status ProcessRows(Batch* batch);
  Status DecideRows(std::span<Entry> rows, Batch* batch);
  // How many of the open group's entries are decided and applied.
  size_t DecidedInGroup() const { return core_->state->sequence + 1 - open_->group.first_sequence; }
  Status ProcessRow(const Row& row, uint64_t seen);
  Status AnswerDuplicate(const Row& row, uint64_t sequence);
  void Post(const Row& row);
  Status FindOriginal(Batch::Reversal* reversal);

  // By row, the ids that were sealed after the batch was prepared; empty when none can have been.
  Status FindSealedSince(const Batch& batch, std::span<const Entry> rows,
                         std::vector<uint64_t>* sequences) const;
  Result<ledger::Original> Fetch(uint64_t sequence) const;
  void ForgetDurable();
  std::shared_ptr<OpenGroup> NewGroup();

  Core* const core_;
  ids::UnsealedIds recent_;
  std::shared_ptr<OpenGroup> open_;
  std::deque<std::shared_ptr<OpenGroup>> closed_;  // handed on, and not known to be durable
  std::shared_ptr<OpenGroup> spare_;
  int64_t recorded_us_ = 0;
};

}  // namespace loyalty::engine

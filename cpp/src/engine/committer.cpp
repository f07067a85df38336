#include "engine/committer.h"

#include <chrono>

#include "engine/recovery.h"

namespace loyalty::engine {

void Committer::Commit(std::shared_ptr<OpenGroup> group) {
  if (failure_.ok()) {
    Status status = core_->behind_fault();
    if (status.ok()) status = MakeDurable(group.get());
    if (!status.ok()) Fail(status);
  }
  Outcome outcome{std::move(group), failure_};
  if (outcome.group->batches.size() <= kMostWokenHere) {
    Acknowledge(outcome);
  } else {
    (void)waker_.Give(std::move(outcome));  // its work never fails
  }
}

void Committer::Acknowledge(const Outcome& outcome) {
  for (const auto& batch : outcome.group->batches) batch->Finish(outcome.status);
  outcome.group->answered = true;
}

void Committer::Fail(const Status& fault) {
  failure_ = fault;
  core_->readable.store(nullptr, std::memory_order_release);
  core_->durable.Fail(fault);
  Rescue();
}

Status Committer::MakeDurable(OpenGroup* open) {
  journal::Group& group = open->group;
  if (group.entries.empty()) return {};
  storage::Batch keys;
  if (open->erases) {
    LOYALTY_RETURN_IF_ERROR(core_->key_records.SealErasing(&group, &keys));
  } else {
    core_->key_records.SealOpenings(&group, &keys);
  }
  const journal::Head before = core_->durable.head();
  auto bytes = std::make_shared<const std::string>(journal::EncodeBlock(group, before.chain));
  LOYALTY_ASSIGN_OR_RETURN(const journal::BlockView view, journal::BlockView::Parse(*bytes));
  const auto began = std::chrono::steady_clock::now();
  LOYALTY_RETURN_IF_ERROR(core_->journal.Append(group.first_sequence, *bytes, std::move(keys)));
  core_->group_entries.Add(double(group.entries.size()));
  core_->sync_s.Add(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  const journal::Head head{view.last_sequence(), journal::ChainHash(*bytes), view.recorded_us()};
  LOYALTY_RETURN_IF_ERROR(core_->head_file.Write(head));
  core_->tail.Append({std::move(bytes), view});
  if (open->erases) core_->erased_sequence = head.sequence;
  core_->durable.Advance(head);
  return {};
}

void Committer::Rescue() {
  auto rescued = std::make_unique<ledger::State>();
  const Status status = LoadState(*core_, core_->durable.sequence(), rescued.get());
  if (status.ok()) {
    core_->rescued = std::move(rescued);
    core_->readable.store(core_->rescued.get(), std::memory_order_release);
  }
  core_->rescue_over.Set();
}

}  // namespace loyalty::engine

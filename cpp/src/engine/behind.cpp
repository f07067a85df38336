#include "engine/behind.h"

#include <algorithm>

#include "base/thread_name.h"
#include "ledger/checkpoint.h"

namespace loyalty::engine {
namespace {

// Fills `all` with the entries from `first` up to `through` of the blocks.
void TakeEntries(const std::vector<SharedBlock>& blocks, uint64_t first, uint64_t through,
                 HugePageVector<Entry>* all) {
  all->resize(through - first + 1);
  std::vector<Entry> rows;
  for (const SharedBlock& block : blocks) {
    const uint64_t from = block.view.first_sequence();
    if (from > through) break;
    if (from >= first && block.view.last_sequence() <= through) {
      block.view.Entries(std::span(*all).subspan(from - first, block.view.count()));
      continue;
    }
    rows.resize(block.view.count());
    block.view.Entries(rows);
    for (uint64_t s = std::max(from, first); s <= std::min(block.view.last_sequence(), through);
         ++s) {
      (*all)[s - first] = rows[s - from];
    }
  }
}

std::vector<ids::IdAt> TakeIds(const std::vector<SharedBlock>& blocks, uint64_t first,
                               uint64_t through) {
  std::vector<ids::IdAt> found;
  found.reserve(through - first + 1);
  std::vector<Id> ids;
  for (const SharedBlock& block : blocks) {
    const uint64_t from = std::max(block.view.first_sequence(), first);
    const uint64_t to = std::min(block.view.last_sequence(), through);
    if (from > to) continue;
    block.view.Ids(from - block.view.first_sequence(), to + 1 - block.view.first_sequence(), &ids);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!ids[i].is_zero()) found.push_back({ids[i], from + i});
    }
  }
  return found;
}

}  // namespace

uint64_t Behind::taken() const {
  return std::min(core_->ids->runs()->sequence(), core_->history->sequence());
}

uint64_t Behind::lag() const {
  const uint64_t durable = core_->durable.sequence();
  return durable - std::min(taken(), durable);
}

Status Behind::Consume(uint64_t through) {
  MutexLock lock(mutex_);
  for (;;) {
    const uint64_t ids_from = core_->ids->runs()->sequence() + 1;
    const uint64_t history_from = core_->history->sequence() + 1;
    const uint64_t first = std::min(ids_from, history_from);
    if (first > through) return {};
    const std::vector<SharedBlock> blocks = core_->tail.From(first);
    // A segment at a time, so that memory stays bounded when much has gathered; when only one of the
    // two lags (after a crash), it comes up to the other first.
    uint64_t last = std::min(through, first + core_->options.segment_entries - 1);
    if (ids_from != history_from) last = std::min(last, std::max(ids_from, history_from) - 1);
    if (history_from == first) {
      TakeEntries(blocks, first, last, &segment_);
      LOYALTY_RETURN_IF_ERROR(core_->history->Add(segment_, first));
    }
    if (ids_from == first) {
      LOYALTY_RETURN_IF_ERROR(core_->ids->Add(TakeIds(blocks, first, last), last));
    }
    core_->tail.DropThrough(taken());
  }
}

Status Behind::ConsumeSegments(uint64_t through) {
  const uint64_t from = taken();
  const uint64_t segment = core_->options.segment_entries;
  return Consume(from + (through - std::min(from, through)) / segment * segment);
}

Status Behind::Checkpoint(Pipeline* pipeline) {
  MutexLock lock(mutex_);
  LOYALTY_RETURN_IF_ERROR(core_->ids->Flush());
  LOYALTY_RETURN_IF_ERROR(core_->history->Flush());
  const auto on_writer = [=](std::function<void()> step) {
    return pipeline->Inspect(std::move(step));
  };
  LOYALTY_ASSIGN_OR_RETURN(core_->checkpoint_sequence,
                           ledger::WriteCheckpoint(*core_->state, core_->checkpoint_sequence,
                                                   on_writer, core_->store.get()));
  return {};
}

void Maintainer::Start(Pipeline* pipeline) {
  pipeline_ = pipeline;
  thread_ = std::thread([this] { Run(); });
}

void Maintainer::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Maintainer::OnCommit() {
  if (behind_->lag() < core_->options.segment_entries) return;
  MutexLock lock(mutex_);
  changed_.NotifyAll();
}

void Maintainer::WaitForRoom() {
  const uint64_t most = Behind::kMostSegments * core_->options.segment_entries;
  if (behind_->lag() <= most) return;
  MutexLock lock(mutex_);
  while (behind_->lag() > most && !stopping_ && core_->behind_fault().ok()) changed_.Wait(mutex_);
}

void Maintainer::Run() {
  NameThisThread("loyalty-behind");
  for (;;) {
    {
      MutexLock lock(mutex_);
      const auto second = std::chrono::steady_clock::now() + std::chrono::seconds(1);
      while (!stopping_ && behind_->lag() < core_->options.segment_entries) {
        if (!changed_.WaitUntil(mutex_, second)) break;
      }
      if (stopping_) return;
    }
    const Status status = WorkOnce();
    if (!status.ok()) core_->FailBehind(status);
    {
      MutexLock lock(mutex_);
      changed_.NotifyAll();
    }
    if (!status.ok()) return;
  }
}

Status Maintainer::WorkOnce() {
  LOYALTY_RETURN_IF_ERROR(core_->head_file.Sync());
  LOYALTY_RETURN_IF_ERROR(behind_->ConsumeSegments(core_->durable.sequence()));
  if (core_->durable.sequence() - core_->checkpoint_sequence < core_->options.checkpoint_entries) {
    return {};
  }
  return behind_->Checkpoint(pipeline_);
}

}  // namespace loyalty::engine

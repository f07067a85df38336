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

// Of the entries from `first` up to `through`.
std::vector<history::RemarkAt> TakeRemarks(const std::vector<SharedBlock>& blocks,
                                           std::span<const Entry> entries, uint64_t first,
                                           uint64_t through) {
  std::vector<history::RemarkAt> remarks;
  std::vector<journal::RowDetails> rows;
  for (const SharedBlock& block : blocks) {
    block.view.AllDetails(&rows);
    for (const journal::RowDetails& row : rows) {
      const uint64_t sequence = block.view.first_sequence() + row.row;
      if (sequence < first || sequence > through) continue;
      const auto index = uint32_t(sequence - first);
      const auto remark = history::RemarkOf(entries[index], row.details);
      if (remark) remarks.push_back({index, *remark});
    }
  }
  return remarks;
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

Status Behind::ConsumeIds(uint64_t through) {
  MutexLock lock(ids_mutex_);
  for (;;) {
    const uint64_t first = core_->ids->runs()->sequence() + 1;
    if (first > through) return {};
    const uint64_t last = std::min(through, first + core_->options.segment_entries - 1);
    LOYALTY_RETURN_IF_ERROR(core_->ids->Add(TakeIds(core_->tail.From(first), first, last), last));
    core_->tail.DropThrough(taken());
  }
}

Status Behind::ConsumeHistory(uint64_t through) {
  MutexLock lock(history_mutex_);
  for (;;) {
    const uint64_t first = core_->history->sequence() + 1;
    if (first > through) return {};
    const uint64_t last = std::min(through, first + core_->options.segment_entries - 1);
    const std::vector<SharedBlock> blocks = core_->tail.From(first);
    TakeEntries(blocks, first, last, &segment_);
    LOYALTY_RETURN_IF_ERROR(
        core_->history->Add(segment_, TakeRemarks(blocks, segment_, first, last), first));
    core_->tail.DropThrough(taken());
  }
}

Status Behind::Consume(uint64_t through) {
  LOYALTY_RETURN_IF_ERROR(ConsumeIds(through));
  return ConsumeHistory(through);
}

Status Behind::Checkpoint(Pipeline* pipeline) {
  MutexLock lock(checkpoint_mutex_);
  {
    MutexLock ids(ids_mutex_);
    LOYALTY_RETURN_IF_ERROR(core_->ids->Flush());
  }
  {
    MutexLock history(history_mutex_);
    LOYALTY_RETURN_IF_ERROR(core_->history->Flush());
  }
  const auto on_writer = [=](std::function<void()> step) {
    return pipeline->Inspect(std::move(step));
  };
  LOYALTY_ASSIGN_OR_RETURN(core_->checkpoint_sequence,
                           ledger::WriteCheckpoint(*core_->state, core_->checkpoint_sequence,
                                                   on_writer, core_->store.get()));
  return {};
}

Status Behind::Purge(Pipeline* pipeline) {
  using storage::Family;
  MutexLock lock(purge_mutex_);
  const auto start = std::chrono::steady_clock::now();
  const uint64_t through = core_->erased_sequence;
  if (through <= core_->purged_sequence) return {};
  if (core_->checkpoint_sequence < through) LOYALTY_RETURN_IF_ERROR(Checkpoint(pipeline));
  storage::Store& store = *core_->store;
  LOYALTY_RETURN_IF_ERROR(
      store.Purge(Family::kState, ledger::kMemberKeysFrom, ledger::kMemberKeysTo));
  LOYALTY_RETURN_IF_ERROR(store.Purge(Family::kKeys, "", ""));
  LOYALTY_RETURN_IF_ERROR(core_->key_records.WritePurged(through));
  core_->purged_sequence = through;
  const auto end = std::chrono::steady_clock::now();
  next_purge_ = end + 9 * (end - start);
  return {};
}

void Maintainer::Start(Pipeline* pipeline) {
  Core* const core = core_;
  const uint64_t segment = core->options.segment_entries;
  const auto ids_to = [=] { return core->ids->runs()->sequence() + segment; };
  const auto history_to = [=] { return core->history->sequence() + segment; };
  const auto reached = [=](uint64_t sequence) { return core->durable.sequence() >= sequence; };
  // A caller's checkpoint may have taken the segment in meanwhile, and what is not durable is not there.
  const auto durable = [=](uint64_t sequence) {
    return std::min(sequence, core->durable.sequence());
  };
  StartThread(
      "loyalty-ids", [=] { return reached(ids_to()); },
      [=, this] { return behind_->ConsumeIds(durable(ids_to())); });
  StartThread(
      "loyalty-history", [=] { return reached(history_to()); },
      [=, this] { return behind_->ConsumeHistory(durable(history_to())); });
  StartThread(
      "loyalty-checkpt",
      [=] { return reached(core->checkpoint_sequence + core->options.checkpoint_entries); },
      [=, this] { return behind_->Checkpoint(pipeline); });
  StartThread(
      "loyalty-purge", [this] { return behind_->MayPurge(); },
      [=, this] { return behind_->Purge(pipeline); });
  threads_.emplace_back([this] { SyncHead(); });
}

void Maintainer::StartThread(const char* name, std::function<bool()> due,
                             std::function<Status()> work) {
  threads_.emplace_back([=, this, due = std::move(due), work = std::move(work)] {
    NameThisThread(name);
    Run(due, work);
  });
}

void Maintainer::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

uint64_t Maintainer::Lag() const {
  const uint64_t durable = core_->durable.sequence();
  return durable - std::min(behind_->taken(), durable);
}

void Maintainer::OnCommit() {
  if (Lag() < core_->options.segment_entries && !behind_->HasToPurge()) return;
  MutexLock lock(mutex_);
  changed_.NotifyAll();
}

void Maintainer::WaitForRoom() {
  const uint64_t most = Behind::kMostSegments * core_->options.segment_entries;
  if (Lag() <= most) return;
  MutexLock lock(mutex_);
  while (Lag() > most && !stopping_ && core_->behind_fault().ok()) changed_.Wait(mutex_);
}

void Maintainer::Run(const std::function<bool()>& due, const std::function<Status()>& work) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!stopping_ && !due()) changed_.Wait(mutex_);
      if (stopping_) return;
    }
    if (!Finish(work())) return;
  }
}

bool Maintainer::Finish(const Status& status) {
  if (!status.ok()) core_->FailBehind(status);
  MutexLock lock(mutex_);
  changed_.NotifyAll();
  return status.ok();
}

void Maintainer::SyncHead() {
  NameThisThread("loyalty-head");
  for (;;) {
    {
      MutexLock lock(mutex_);
      const auto second = std::chrono::steady_clock::now() + std::chrono::seconds(1);
      while (!stopping_ && changed_.WaitUntil(mutex_, second)) {
      }
      if (stopping_) return;
    }
    if (!Finish(core_->head_file.Sync())) return;
  }
}

}  // namespace loyalty::engine

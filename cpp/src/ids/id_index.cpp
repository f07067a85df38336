#include "ids/id_index.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/mutex.h"
#include "ids/format.h"
#include "ids/id_hash.h"
#include "ids/merge.h"
#include "ids/run.h"
#include "ids/sort.h"

namespace loyalty::ids {
namespace {

using storage::Batch;
using storage::Durability;
using storage::Family;

// Beyond every key of the family.
std::string EndKey() { return std::string(sizeof(uint64_t) * 3, '\xff'); }

void DeleteRun(const RunInfo& run, Batch* batch) {
  batch->DeleteRange(Family::kIds, RunKey(run, 0), RunKey(run, kEndOfRun));
}

// Removes the runs that the directory does not name: merged away, or never finished.
Status RemoveStrays(storage::Store* store, const Directory& directory) {
  constexpr size_t kRunKeyBytes = 20;
  Batch batch;
  bool is_empty = true;
  std::string upper = "\xff";  // beyond the runs, before the directory
  while (true) {
    LOYALTY_ASSIGN_OR_RETURN(const auto found, store->FindLast(Family::kIds, upper));
    if (!found) break;
    if (found->key.size() != kRunKeyBytes) {
      return Status(StatusCode::kCorruption, "ids: a key of unknown form is stored");
    }
    RunInfo run;
    run.first = LoadBig<uint64_t>(found->key.data());
    run.last = LoadBig<uint64_t>(found->key.data() + 8);
    const auto same = [&](const RunInfo& live) {
      return live.first == run.first && live.last == run.last;
    };
    if (std::none_of(directory.runs.begin(), directory.runs.end(), same)) {
      DeleteRun(run, &batch);
      is_empty = false;
    }
    upper = found->key.substr(0, kRunKeyBytes - sizeof(uint32_t));  // before the keys of this run
  }
  return is_empty ? Status() : store->Write(std::move(batch), Durability::kUnlogged);
}

// Drops zero ids, sorts the others, and checks what Add requires.
Status Prepare(uint64_t reached, uint64_t last_sequence, std::vector<IdAt>* ids) {
  std::erase_if(*ids, [](const IdAt& at) { return at.id.is_zero(); });
  for (const IdAt& at : *ids) {
    if (at.sequence <= reached || at.sequence > last_sequence) {
      return Status(StatusCode::kInvalidArgument,
                    "ids: sequence " + std::to_string(at.sequence) + " is not within " +
                        std::to_string(reached + 1) + ".." + std::to_string(last_sequence));
    }
  }
  SortById(ids);
  const auto twice =
      std::adjacent_find(ids->begin(), ids->end(),
                         [](const IdAt& left, const IdAt& right) { return left.id == right.id; });
  if (twice == ids->end()) return Status();
  return Status(StatusCode::kInvalidArgument, "ids: " + ToString(twice->id) + " comes twice");
}

}  // namespace

Status IdRuns::Find(std::span<const Id> ids, uint64_t after, std::span<uint64_t> sequences) const {
  std::fill(sequences.begin(), sequences.end(), 0);
  Id least{UINT64_MAX, UINT64_MAX}, greatest;
  for (const Id& id : ids) {
    if (id.is_zero()) continue;
    if (Before(id, least)) least = id;
    if (Before(greatest, id)) greatest = id;
  }
  std::vector<uint64_t> hashes;
  // From the newest: what is asked for again is mostly recent.
  for (size_t i = runs_.size(); i-- > 0 && runs_[i]->info().last > after;) {
    const RunInfo& run = runs_[i]->info();
    if (Before(greatest, run.least) || Before(run.greatest, least)) continue;
    if (hashes.empty()) {
      hashes.resize(ids.size());
      std::transform(ids.begin(), ids.end(), hashes.begin(), HashId);
    }
    LOYALTY_RETURN_IF_ERROR(runs_[i]->Find({ids, hashes, sequences}));
  }
  return Status();
}

uint64_t IdRuns::ram_bytes() const {
  uint64_t bytes = sizeof *this;
  for (const auto& run : runs_) bytes += run->ram_bytes();
  return bytes;
}

class IdIndexImpl final : public IdIndex {
 public:
  IdIndexImpl(storage::Store* store, Runs runs, uint64_t sequence) : store_(store) {
    Publish(std::move(runs), sequence);
  }

  std::shared_ptr<const IdRuns> runs() const override {
    MutexLock lock(mutex_);
    return published_;
  }

  Status Add(std::vector<IdAt> ids, uint64_t last_sequence) override {
    const uint64_t reached = runs()->sequence();
    if (last_sequence < reached) {
      return Status(StatusCode::kInvalidArgument, "ids: the sequence would go back");
    }
    LOYALTY_RETURN_IF_ERROR(Prepare(reached, last_sequence, &ids));
    Runs next = runs()->runs_;
    Batch batch;
    if (!ids.empty()) {
      RunInfo info;
      info.first = reached + 1;
      info.last = last_sequence;
      info.count = ids.size();
      RunWriter writer(store_, info);
      LOYALTY_RETURN_IF_ERROR(writer.Append(ids));
      LOYALTY_ASSIGN_OR_RETURN(auto run, writer.Finish(&batch));
      next.push_back(std::move(run));
    }
    LOYALTY_RETURN_IF_ERROR(Commit(std::move(batch), std::move(next), last_sequence));
    return Merge();
  }

  Status Flush() override {
    LOYALTY_RETURN_IF_ERROR(RemoveRetired());
    return store_->Flush(Family::kIds);
  }

  Status Visit(const std::function<bool(const IdAt&)>& visitor) const override {
    const auto current = runs();
    std::vector<IdAt> ids;
    for (const auto& run : current->runs_) {
      for (uint32_t number = 0; number < run->info().chunks(); ++number) {
        LOYALTY_RETURN_IF_ERROR(run->ReadChunk(number, &ids));
        LOYALTY_RETURN_IF_ERROR(run->Verify(number, ids));
        if (!std::all_of(ids.begin(), ids.end(), visitor)) return Status();
      }
    }
    return Status();
  }

 private:
  struct Retired {
    RunInfo info;
    std::weak_ptr<const IdRun> run;
  };

  static std::vector<RunInfo> InfosOf(const Runs& runs) {
    std::vector<RunInfo> infos;
    for (const auto& run : runs) infos.push_back(run->info());
    return infos;
  }

  void Publish(Runs runs, uint64_t sequence) {
    auto next = std::make_shared<IdRuns>();
    next->runs_ = std::move(runs);
    next->sequence_ = sequence;
    MutexLock lock(mutex_);
    published_ = std::move(next);
  }

  // Writes the directory with `batch`, which makes its runs whole, and publishes them.
  Status Commit(Batch batch, Runs runs, uint64_t sequence) {
    const Directory directory{sequence, InfosOf(runs)};
    batch.Put(Family::kIds, DirectoryKey(), EncodeDirectory(directory));
    LOYALTY_RETURN_IF_ERROR(store_->Write(std::move(batch), Durability::kUnlogged));
    Publish(std::move(runs), sequence);
    return Status();
  }

  Status Merge() {
    while (true) {
      const auto current = runs();
      Runs next = current->runs_;
      const size_t width = RunsToMerge(InfosOf(next));
      if (width == 0) break;
      const auto merged = std::span(current->runs_).last(width);
      Batch batch;
      LOYALTY_ASSIGN_OR_RETURN(auto run, MergeRuns(store_, merged, &batch));
      next.resize(next.size() - width);
      next.push_back(std::move(run));
      LOYALTY_RETURN_IF_ERROR(Commit(std::move(batch), std::move(next), current->sequence()));
      for (const auto& old : merged) retired_.push_back({old->info(), old});
    }
    return RemoveRetired();
  }

  // Deletes the merged runs that nobody can read any more.
  Status RemoveRetired() {
    Batch batch;
    const size_t removed = std::erase_if(retired_, [&](const Retired& retired) {
      if (!retired.run.expired()) return false;
      DeleteRun(retired.info, &batch);
      return true;
    });
    return removed == 0 ? Status() : store_->Write(std::move(batch), Durability::kUnlogged);
  }

  storage::Store* store_;
  std::vector<Retired> retired_;  // merged away, still in the store

  mutable Mutex mutex_;
  std::shared_ptr<const IdRuns> published_ GUARDED_BY(mutex_);
};

Result<std::unique_ptr<IdIndex>> IdIndex::Open(storage::Store* store) {
  LOYALTY_ASSIGN_OR_RETURN(const auto stored, store->Get(Family::kIds, DirectoryKey()));
  Directory directory;
  if (stored) {
    LOYALTY_ASSIGN_OR_RETURN(directory, DecodeDirectory(*stored));
  }
  LOYALTY_RETURN_IF_ERROR(RemoveStrays(store, directory));
  Runs runs;
  for (const RunInfo& info : directory.runs) {
    LOYALTY_ASSIGN_OR_RETURN(auto run, IdRun::Load(store, info));
    runs.push_back(std::move(run));
  }
  return std::unique_ptr<IdIndex>(
      std::make_unique<IdIndexImpl>(store, std::move(runs), directory.sequence));
}

Status IdIndex::Discard(storage::Store* store) {
  Batch batch;
  batch.DeleteRange(Family::kIds, "", EndKey());
  return store->Write(std::move(batch), Durability::kUnlogged);
}

}  // namespace loyalty::ids

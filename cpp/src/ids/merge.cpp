#include "ids/merge.h"

#include <algorithm>

#include "ids/sort.h"

namespace loyalty::ids {
namespace {

// Reads a run in order, one chunk in RAM at a time.
class Cursor {
 public:
  explicit Cursor(const IdRun* run) : run_(run) {}

  // Makes ids() non-empty, unless the run is at its end.
  Status Fill() {
    if (at_ < chunk_.size() || next_chunk_ == run_->info().chunks()) return Status();
    at_ = 0;
    return run_->ReadChunk(next_chunk_++, &chunk_);
  }
  // What is left of the chunk in RAM.
  std::span<const IdAt> ids() const { return std::span(chunk_).subspan(at_); }
  // Takes off the ids up to `limit` inclusive.
  std::span<const IdAt> TakeUpTo(const Id& limit) {
    const auto left = ids();
    const auto end =
        std::upper_bound(left.begin(), left.end(), limit,
                         [](const Id& id, const IdAt& at) { return Before(id, at.id); });
    const auto taken = left.first(size_t(end - left.begin()));
    at_ += taken.size();
    return taken;
  }

 private:
  const IdRun* run_;
  std::vector<IdAt> chunk_;
  size_t at_ = 0;
  uint32_t next_chunk_ = 0;
};

// Moves everything to `writer`. Each round takes, from every cursor, all up to the least end of the
// chunks in RAM: nothing that is still to be read can belong before it.
Status MergeAll(std::vector<Cursor>* cursors, RunWriter* writer) {
  SpanMerger merger;
  std::vector<std::span<const IdAt>> spans;
  while (true) {
    const Id* limit = nullptr;
    for (Cursor& cursor : *cursors) {
      LOYALTY_RETURN_IF_ERROR(cursor.Fill());
      if (cursor.ids().empty()) continue;
      const Id& end = cursor.ids().back().id;
      if (limit == nullptr || Before(end, *limit)) limit = &end;
    }
    if (limit == nullptr) return Status();
    spans.clear();
    for (Cursor& cursor : *cursors) {
      if (const auto taken = cursor.TakeUpTo(*limit); !taken.empty()) spans.push_back(taken);
    }
    LOYALTY_RETURN_IF_ERROR(writer->Append(merger.Merge(&spans)));
  }
}

}  // namespace

size_t RunsToMerge(std::span<const RunInfo> runs) {
  if (runs.size() < kMergeWidth) return 0;
  uint64_t ids = 0;
  for (const RunInfo& run : runs.last(kMergeWidth)) {
    if (run.level != runs.back().level) return 0;
    ids += run.count;
  }
  return ids <= kMaxRunIds ? kMergeWidth : 0;
}

Result<std::shared_ptr<const IdRun>> MergeRuns(storage::Store* store,
                                               std::span<const std::shared_ptr<const IdRun>> runs,
                                               storage::Batch* batch) {
  RunInfo info;
  info.first = runs.front()->info().first;
  info.last = runs.back()->info().last;
  info.level = runs.front()->info().level + 1;
  std::vector<Cursor> cursors;
  for (const auto& run : runs) {
    info.count += run->info().count;
    cursors.emplace_back(run.get());
  }
  RunWriter writer(store, info);
  LOYALTY_RETURN_IF_ERROR(MergeAll(&cursors, &writer));
  return writer.Finish(batch);
}

}  // namespace loyalty::ids

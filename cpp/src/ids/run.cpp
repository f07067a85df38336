#include "ids/run.h"

#include <algorithm>

#include "ids/id_hash.h"
#include "ids/sort.h"

namespace loyalty::ids {
namespace {

constexpr size_t kPartBytes = 1 << 20;
constexpr size_t kBatchBytes = 4 << 20;
constexpr size_t kPrefetchAhead = 24;

std::span<char> BytesOf(std::vector<Id>* ids) {
  return {reinterpret_cast<char*>(ids->data()), ids->size() * sizeof(Id)};
}

}  // namespace

struct IdRun::Candidate {
  uint32_t chunk;
  uint32_t probe;
  auto operator<=>(const Candidate&) const = default;
};

IdRun::IdRun(const storage::Store* store, const RunInfo& info)
    : store_(store), info_(info), filter_(info.count) {}

Result<std::shared_ptr<const IdRun>> IdRun::Load(const storage::Store* store, const RunInfo& info) {
  std::shared_ptr<IdRun> run(new IdRun(store, info));
  run->first_ids_.resize(info.chunks());
  LOYALTY_RETURN_IF_ERROR(run->ReadPart(kFirstIdsPart, BytesOf(&run->first_ids_)));
  LOYALTY_RETURN_IF_ERROR(run->ReadPart(kFilterPart, run->filter_.bytes()));
  return std::shared_ptr<const IdRun>(std::move(run));
}

Status IdRun::ReadPart(uint32_t part, std::span<char> bytes) {
  const uint32_t end = part + uint32_t((bytes.size() + kPartBytes - 1) / kPartBytes);
  Status status;
  const auto read = [&](std::string_view key, std::string_view value) {
    if (key != RunKey(info_, part)) return false;
    auto stored = DecodePart(info_, part, value);
    const size_t expected = std::min(bytes.size(), kPartBytes);
    if (!stored.ok()) {
      status = stored.status();
    } else if (stored->size() != expected) {
      status = Damaged(info_, "part", part, "has a wrong length");
    } else {
      std::copy(stored->begin(), stored->end(), bytes.begin());
      bytes = bytes.subspan(expected);
      ++part;
    }
    return status.ok();
  };
  LOYALTY_RETURN_IF_ERROR(
      store_->Scan(storage::Family::kIds, RunKey(info_, part), RunKey(info_, end), read));
  LOYALTY_RETURN_IF_ERROR(status);
  return part == end ? Status() : Damaged(info_, "part", part, "is missing");
}

uint64_t IdRun::ram_bytes() const {
  return sizeof *this + filter_.bytes().size() + first_ids_.size() * sizeof(Id);
}

uint32_t IdRun::ChunkOf(const Id& id) const {
  const auto after = std::upper_bound(first_ids_.begin(), first_ids_.end(), id, Before);
  return after == first_ids_.begin() ? 0 : uint32_t(after - first_ids_.begin() - 1);
}

Status IdRun::Find(const Probes& probes) const {
  const size_t count = probes.ids.size();
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < count; ++i) {
    if (i + kPrefetchAhead < count) filter_.Prefetch(probes.hashes[i + kPrefetchAhead]);
    if (!filter_.MayContain(probes.hashes[i])) continue;
    if (probes.sequences[i] == 0 && MayHold(probes.ids[i])) {
      candidates.push_back({ChunkOf(probes.ids[i]), uint32_t(i)});
    }
  }
  std::sort(candidates.begin(), candidates.end());
  std::string value;
  for (size_t i = 0; i < candidates.size();) {
    const uint32_t number = candidates[i].chunk;
    LOYALTY_ASSIGN_OR_RETURN(const ChunkView chunk, GetChunk(number, &value));
    for (; i < candidates.size() && candidates[i].chunk == number; ++i) {
      const uint32_t probe = candidates[i].probe;
      probes.sequences[probe] = chunk.Find(probes.ids[probe]);
    }
  }
  return Status();
}

Result<ChunkView> IdRun::GetChunk(uint32_t number, std::string* value) const {
  LOYALTY_ASSIGN_OR_RETURN(auto stored, store_->Get(storage::Family::kIds, RunKey(info_, number)));
  if (!stored) return Damaged(info_, "chunk", number, "is missing");
  *value = std::move(*stored);
  LOYALTY_ASSIGN_OR_RETURN(const ChunkView chunk, ChunkView::Parse(info_, number, *value));
  const uint64_t expected =
      std::min<uint64_t>(kChunkIds, info_.count - uint64_t{kChunkIds} * number);
  if (chunk.count() != expected || chunk.id(0) != first_ids_[number]) {
    return Damaged(info_, "chunk", number, "belongs elsewhere");
  }
  return chunk;
}

Status IdRun::ReadChunk(uint32_t number, std::vector<IdAt>* ids) const {
  std::string value;
  LOYALTY_ASSIGN_OR_RETURN(const ChunkView chunk, GetChunk(number, &value));
  chunk.Decode(ids);
  return Status();
}

Status IdRun::Verify(uint32_t number, std::span<const IdAt> ids) const {
  const auto damaged = [&](std::string_view what) { return Damaged(info_, "chunk", number, what); };
  const Id limit = number + 1 < first_ids_.size() ? first_ids_[number + 1] : info_.greatest;
  for (size_t i = 0; i < ids.size(); ++i) {
    const Id& next = i + 1 < ids.size() ? ids[i + 1].id : limit;
    const bool is_last = i + 1 == ids.size() && number + 1 == first_ids_.size();
    if (is_last ? ids[i].id != limit : !Before(ids[i].id, next)) {
      return damaged("is out of order");
    }
    if (ids[i].sequence < info_.first || ids[i].sequence > info_.last) {
      return damaged("has a sequence outside its run");
    }
    if (!filter_.MayContain(HashId(ids[i].id))) return damaged("disagrees with its filter");
  }
  return Status();
}

RunWriter::RunWriter(storage::Store* store, const RunInfo& info)
    : store_(store), run_(new IdRun(store, info)) {
  run_->first_ids_.reserve(info.chunks());
}

Status RunWriter::Append(std::span<const IdAt> ids) {
  while (!ids.empty()) {
    if (pending_.empty() && ids.size() >= kChunkIds) {
      LOYALTY_RETURN_IF_ERROR(PutChunk(ids.first(kChunkIds)));
      ids = ids.subspan(kChunkIds);
      continue;
    }
    const size_t taken = std::min(ids.size(), kChunkIds - pending_.size());
    pending_.insert(pending_.end(), ids.begin(), ids.begin() + taken);
    ids = ids.subspan(taken);
    if (pending_.size() < kChunkIds) break;
    LOYALTY_RETURN_IF_ERROR(PutChunk(pending_));
    pending_.clear();
  }
  return Status();
}

Status RunWriter::PutChunk(std::span<const IdAt> ids) {
  uint64_t hashes[kChunkIds];
  for (size_t i = 0; i < ids.size(); ++i) hashes[i] = HashId(ids[i].id);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i + kPrefetchAhead < ids.size()) run_->filter_.Prefetch(hashes[i + kPrefetchAhead]);
    run_->filter_.Add(hashes[i]);
  }
  const uint32_t number = uint32_t(run_->first_ids_.size());
  batch_.Put(storage::Family::kIds, RunKey(run_->info_, number), EncodeChunk(ids));
  if (number == 0) run_->info_.least = ids.front().id;
  run_->info_.greatest = ids.back().id;
  run_->first_ids_.push_back(ids.front().id);
  count_ += ids.size();
  return WriteWhenLarge();
}

Status RunWriter::PutParts(uint32_t part, std::span<const char> bytes) {
  for (; !bytes.empty(); ++part) {
    const auto piece = bytes.first(std::min(bytes.size(), kPartBytes));
    batch_.Put(storage::Family::kIds, RunKey(run_->info_, part),
               EncodePart(run_->info_, part, {piece.data(), piece.size()}));
    bytes = bytes.subspan(piece.size());
    LOYALTY_RETURN_IF_ERROR(WriteWhenLarge());
  }
  return Status();
}

Status RunWriter::WriteWhenLarge() {
  if (batch_.bytes() < kBatchBytes) return Status();
  return store_->Write(std::exchange(batch_, storage::Batch()), storage::Durability::kUnlogged);
}

Result<std::shared_ptr<const IdRun>> RunWriter::Finish(storage::Batch* batch) {
  if (!pending_.empty()) LOYALTY_RETURN_IF_ERROR(PutChunk(pending_));
  if (count_ != run_->info_.count) {
    return Status(StatusCode::kInternal, "ids: a run has another number of ids than was said");
  }
  LOYALTY_RETURN_IF_ERROR(PutParts(kFirstIdsPart, BytesOf(&run_->first_ids_)));
  LOYALTY_RETURN_IF_ERROR(PutParts(kFilterPart, run_->filter_.bytes()));
  *batch = std::move(batch_);
  return std::shared_ptr<const IdRun>(std::move(run_));
}

}  // namespace loyalty::ids

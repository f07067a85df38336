// One sorted run: its ids in the store, its filter and the first id of each chunk in RAM.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ids/bloom.h"
#include "ids/format.h"
#include "storage/store.h"

namespace loyalty::ids {

// Ids asked for together, each hashed once for all runs.
struct Probes {
  std::span<const Id> ids;
  std::span<const uint64_t> hashes;
  std::span<uint64_t> sequences;  // the answers: 0 until found
};

// Immutable; any thread. Its chunks are in the store as long as it lives.
class IdRun {
 public:
  // Reads first ids and filter back; `store` must outlive the run.
  static Result<std::shared_ptr<const IdRun>> Load(const storage::Store* store,
                                                   const RunInfo& info);

  const RunInfo& info() const { return info_; }
  uint64_t ram_bytes() const;
  bool MayHold(const Id& id) const { return !(id < info_.least) && !(info_.greatest < id); }

  // Fills in the sequences of those ids that the run holds.
  Status Find(const Probes& probes) const;
  // The ids of one chunk, checked.
  Status ReadChunk(uint32_t number, std::vector<IdAt>* ids) const;
  // Whether ids[], the chunk of that number, and first ids and filter agree.
  Status Verify(uint32_t number, std::span<const IdAt> ids) const;

 private:
  friend class RunWriter;
  struct Candidate;

  IdRun(const storage::Store* store, const RunInfo& info);
  Status ReadPart(uint32_t part, std::span<char> bytes);
  Result<ChunkView> GetChunk(uint32_t number, std::string* value) const;
  uint32_t ChunkOf(const Id& id) const;

  const storage::Store* store_;
  RunInfo info_;
  BloomFilter filter_;
  std::vector<Id> first_ids_;  // of each chunk
};

// Writes a run's chunks, then its parts, in batches of some megabytes: bounded RAM apart from the
// filter.
class RunWriter {
 public:
  // `info` says the stretch, the level, and how many ids will come; least and greatest follow from
  // them.
  RunWriter(storage::Store* store, const RunInfo& info);

  // Ids in order, beyond those given before.
  Status Append(std::span<const IdAt> ids);
  // The run, which becomes whole by `batch`, the last of its batches. The caller adds the directory
  // that names it and writes it.
  Result<std::shared_ptr<const IdRun>> Finish(storage::Batch* batch);

 private:
  Status PutChunk(std::span<const IdAt> ids);
  Status PutParts(uint32_t part, std::span<const char> bytes);
  Status WriteWhenLarge();

  storage::Store* store_;
  std::shared_ptr<IdRun> run_;
  storage::Batch batch_;
  std::vector<IdAt> pending_;  // fewer than a chunk
  uint64_t count_ = 0;
};

}  // namespace loyalty::ids

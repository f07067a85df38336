// Permanent idempotency: which sequence has which 128-bit id, for ever.
//
// Ids of the newest entries are in RAM (RecentIds, owned by the writer). Behind the journal, each sealed
// segment becomes a sorted *run*: packed chunks of ids in the store, with a blocked Bloom filter and the
// least and greatest id in RAM. Runs of like size are merged, so an id is looked for in few of them:
// in none when it lies outside every range (time-ordered ids), else in those whose filter has it.
//
// The journal is the truth: runs are unlogged, carry the sequence they reach, and are rebuilt from the
// journal when lost. Thread safety: an IdRuns is immutable and may be used from any thread; IdIndex
// publishes new ones while the old are in use; Add and Merge come from one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "loyalty/posting.h"
#include "loyalty/status.h"
#include "storage/store.h"

namespace loyalty::ids {

struct IdAt {
  Id id;
  uint64_t sequence = 0;
};

class IdRun;  // one sorted run: run.h

// The set of runs at one moment: holds every id with sequence <= sequence().
class IdRuns {
 public:
  uint64_t sequence() const { return sequence_; }
  size_t size() const { return runs_.size(); }
  // sequences[i] = the sequence of ids[i], or 0. Looks only in runs that reach beyond `after`, so a
  // caller that has asked an older set asks only for what came since. Probes are batched and prefetched:
  // give many ids a call.
  Status Find(std::span<const Id> ids, uint64_t after, std::span<uint64_t> sequences) const;
  uint64_t ram_bytes() const;

 private:
  friend class IdIndex;
  std::vector<std::shared_ptr<const IdRun>> runs_;  // by sequence
  uint64_t sequence_ = 0;
};

class IdIndex {
 public:
  // Reads the runs' directory and filters. `store` must outlive the index.
  static Result<std::unique_ptr<IdIndex>> Open(storage::Store* store);
  virtual ~IdIndex() = default;

  virtual std::shared_ptr<const IdRuns> runs() const = 0;
  // Makes one run of `ids` (any order, no id twice, all beyond runs()->sequence()), covering all
  // sequences up to `last_sequence`; merges runs that have come to like sizes; publishes the result.
  // `ids` may be empty: then only the sequence moves.
  virtual Status Add(std::vector<IdAt> ids, uint64_t last_sequence) = 0;
  // Makes what was added durable.
  virtual Status Flush() = 0;
  // Visits every stored id, run by run; for verification.
  virtual Status Visit(const std::function<bool(const IdAt&)>& visitor) const = 0;
};

// The ids of a contiguous stretch of sequences, newest entries only; one thread (the writer).
class RecentIds {
 public:
  explicit RecentIds(uint64_t first_sequence);

  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t next_sequence() const { return first_sequence_ + ids_.size(); }
  // The sequence of `id`, or 0.
  uint64_t Find(const Id& id) const;
  void Prefetch(const Id& id) const;
  // Records the id of sequence next_sequence(); a zero id (an entry of the ledger's own) is counted but
  // never found. Requires that the id is not there.
  void Append(const Id& id);
  const std::vector<Id>& ids() const { return ids_; }

 private:
  void Grow();

  uint64_t first_sequence_;
  std::vector<Id> ids_;
  std::vector<uint32_t> table_;  // index + 1, open addressing, power of two
};

}  // namespace loyalty::ids

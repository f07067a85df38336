// Permanent idempotency: which sequence has which 128-bit id, for ever.
//
// Ids of the newest entries are in RAM (recent_ids.h, owned by the writer). Behind the journal, each
// sealed segment becomes a sorted *run*: packed chunks of ids in the store, with a blocked Bloom
// filter and the least and greatest id in RAM. Runs of like size are merged, so an id is looked for
// in few of them: in none when it lies outside every range (time-ordered ids), else in those whose
// filter has it.
//
// The journal is the truth: runs are unlogged, carry the sequence they reach, and are rebuilt from
// the journal when lost. Thread safety: an IdRuns is immutable and may be used from any thread;
// IdIndex publishes new ones while the old are in use; Add and Flush come from one thread at a
// time. A run that was merged away stays readable until the last IdRuns that holds it is gone: only
// then, at the next Add or Flush, is it removed from the store (or at the next Open, after a
// crash).
#pragma once

#include <cstdint>
#include <functional>
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
  // caller that has asked an older set asks only for what came since. Probes are batched and
  // prefetched: give many ids a call.
  Status Find(std::span<const Id> ids, uint64_t after, std::span<uint64_t> sequences) const;
  uint64_t ram_bytes() const;

 private:
  friend class IdIndexImpl;
  std::vector<std::shared_ptr<const IdRun>> runs_;  // by sequence
  uint64_t sequence_ = 0;
};

class IdIndex {
 public:
  // Reads the runs' directory and filters, and removes what an unfinished merge has left. `store`
  // must outlive the index and every IdRuns of it. kCorruption names what is damaged: then Discard,
  // Open and Add again from the journal; the same goes for a Find, Add or Visit that reports
  // kCorruption.
  static Result<std::unique_ptr<IdIndex>> Open(storage::Store* store);
  // Deletes all that is stored, so that Open starts empty at sequence 0. No index may be open
  // meanwhile.
  static Status Discard(storage::Store* store);
  virtual ~IdIndex() = default;

  virtual std::shared_ptr<const IdRuns> runs() const = 0;
  // Makes one run of `ids` (any order, no id twice, all beyond runs()->sequence()), covering all
  // sequences up to `last_sequence`, and publishes it; then merges runs that have come to like
  // sizes and publishes the result. Zero ids are passed over. `ids` may be empty: then only the
  // sequence moves. After a fault the sequence tells whether the run was added; adding it twice is
  // kInvalidArgument.
  virtual Status Add(std::vector<IdAt> ids, uint64_t last_sequence) = 0;
  // Makes what was added durable.
  virtual Status Flush() = 0;
  // Visits every stored id, run by run, until the visitor returns false; checks order, counts and
  // filters besides checksums. For verification.
  virtual Status Visit(const std::function<bool(const IdAt&)>& visitor) const = 0;
};

}  // namespace loyalty::ids

// Reading the past: which entries of the journal count as of a time, one after the other, with all that they
// did.
//
// Thread safety: any thread, beside the writer: only what is durable is read.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/core.h"

namespace loyalty::engine {

// What counts, and when lots are looked at.
struct Past {
  uint64_t through_sequence = 0;  // durable
  int64_t through_effective_us = kMaxTime_us;
  int64_t at_us = 0;
};
// kInvalidArgument for what is to come, or nothing at all.
Result<Past> ResolveAsOf(const Core& core, const AsOf& as_of);

// Whether entries count, asked in the order of the journal of all that may be about each other.
class Counting {
 public:
  explicit Counting(const Past& past) : past_(past) {}
  bool Counts(uint64_t sequence, const Entry& entry);

 private:
  // Sequences that follow each other: from some time on nearly all are left out.
  struct Run {
    uint64_t first;
    uint64_t last;
  };
  bool IsLeftOut(uint64_t sequence) const;

  const Past past_;
  std::vector<Run> left_out_;  // in order
};

struct JournalRow {
  uint64_t sequence;
  const Entry& entry;
  const Details& details;
  std::span<const journal::LotMovement> movements;
  std::string_view text;  // as stored; empty for entries without one
};
using RowVisitor = std::function<Status(const JournalRow& row)>;

// Visits the entries that were posted and count, by sequence. Told to stop by `progress`: kInterrupted.
Status VisitAll(const Core& core, const Past& past, const Progress& progress,
                const RowVisitor& visitor);
// The same of some members only, from a sequence on, without reading the whole journal. `members` are in order,
// each once.
Status VisitMembers(const Core& core, std::span<const uint32_t> members, uint64_t from,
                    const Past& past, const RowVisitor& visitor);

}  // namespace loyalty::engine

// Ladders as callers see them: runs that assess members, where members stand, and what they lack.
// docs/tiers.md says how levels come about. Plain values; no thread safety needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loyalty/posting.h"

namespace loyalty {

// What a ladder is called, and its levels and metrics, in the order of the programme. Elsewhere they go by their
// places in these lists.
struct LadderNames {
  std::string name;
  std::vector<std::string> levels;
  std::vector<std::string> metrics;
};

struct TierQuery {
  std::optional<int64_t> at_us;                   // nothing: now
  std::vector<std::string> ladders;               // by name; none: all
  std::optional<std::vector<MemberKey>> members;  // nothing: all
  bool dry_run = false;                           // journals nothing
  bool keep_changes = true;                       // fill TierRun::changes
  unsigned threads = 0;                           // 0: as many as there are processors
};

// One change of a member's standing: another level, or the same one for longer (`from` == `to`).
struct TierChange {
  uint32_t member = 0;  // slot
  uint16_t ladder = 0;  // place in TierRun::ladders
  uint16_t from = 0;
  uint16_t to = 0;
  int64_t effective_us = 0;
  int64_t assessed_us = 0;   // the metrics are as of this instant
  int64_t until_us = 0;      // the new end of validity; kNever_us without one
  uint64_t first_value = 0;  // in TierRun::values: of the ladder's first metric
};

struct TierRun {
  int64_t at_us = 0;
  uint64_t through_sequence = 0;  // what counted
  uint32_t program_version = 0;
  uint64_t started_sequence = 0;  // of the entries that record the run; 0: a dry run
  uint64_t finished_sequence = 0;
  std::vector<LadderNames> ladders;
  uint64_t assessed = 0;     // members
  uint64_t passed_over = 0;  // whose standing on a ladder changed beside the run
  // By ladder, from * levels + to: how many members that were assessed were on the one level before, and are on
  // the other after.
  std::vector<std::vector<uint64_t>> moved;
  std::vector<TierChange> changes;  // by member, ladder, time
  std::vector<int64_t> values;      // of the metrics, change by change
};

struct TierRow {
  uint32_t member = 0;  // slot; survivors only
  uint16_t ladder = 0;
  uint16_t level = 0;
  int64_t since_us = kMinTime_us;  // kMinTime_us: since the opening
  int64_t until_us =
      kNever_us;      // the end of its validity; kNever_us: while it is earned, or for good
  uint16_t kept = 0;  // nothing takes the member below this level
  int64_t kept_until_us = kMinTime_us;
  uint16_t for_life = 0;  // nor ever below this one
  uint64_t sequence = 0;  // of the change that said so; 0: none did
};
struct TierTable {
  std::vector<LadderNames> ladders;
  std::vector<uint32_t> slots;  // of the members asked for: of their survivors; kNoMember: unknown
  std::vector<TierRow> rows;    // by member as asked for, then ladder; of all: by slot
};

// What an alternative of a level's condition asks for, and what there is of it.
struct TierNeed {
  uint16_t metric = 0;
  int64_t least = 0;
  int64_t value = 0;
  int64_t missing() const { return value >= least ? 0 : least - value; }
};
// Where a member stands on a ladder at an instant, and what comes next.
struct TierProgress {
  TierRow now;
  std::optional<LevelChange> evidence;        // what the entry of now.sequence says
  std::vector<std::string> evidence_metrics;  // what its values are of, by the programme of then
  std::vector<int64_t> values;                // of the metrics, as of the instant
  uint16_t found = 0;                         // the level that they reach
  // The next higher level that can be earned, and what is lacking, by alternative; none at the top.
  std::optional<uint16_t> next;
  std::vector<std::vector<TierNeed>> to_next;
  // When the level is assessed next: the end of its validity. Without one, it is by each run.
  int64_t ends_us = kNever_us;
  std::vector<int64_t> values_at_end;  // if nothing more is posted; of the instant without an end
  std::vector<std::vector<TierNeed>> to_stay;  // of values_at_end; empty when nothing is needed
  uint16_t projected = 0;  // the level after that assessment, if nothing more is posted
};

}  // namespace loyalty

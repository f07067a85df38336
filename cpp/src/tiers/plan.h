// A run of assessments, by the ledger's numbers: which ladders, as of when, of whom.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "history/history.h"
#include "ledger/state.h"
#include "tiers/assess.h"
#include "tiers/measure.h"

namespace loyalty::tiers {

struct LadderPlan {
  const ledger::CodedLadder* coded = nullptr;
  std::vector<Measure> measures;  // by metric

  const program::Ladder& ladder() const { return *coded->ladder; }
  Standing StandingOf(const LevelStanding& standing) const;
  LevelChange Coded(const Change& change) const;
};

// What it is assessed from. All of it may be read beside the writer.
struct Sources {
  const ledger::State* state = nullptr;
  // Appends the entries of some members, in order, through a sequence.
  std::function<Status(std::span<const uint32_t> members, uint64_t through,
                       std::vector<history::Item>* entries)>
      entries_of;
  const storage::Store* store = nullptr;
  // The active points of a member at an instant, of the entries through `through` that were effective by latest_us.
  std::function<Result<int64_t>(uint32_t member, uint16_t currency, int64_t at_us,
                                int64_t latest_us, uint64_t through)>
      active_at;
};

struct Plan {
  Sources sources;
  std::shared_ptr<const ledger::Rules> rules;
  std::vector<LadderPlan> ladders;
  int64_t at_us = 0;
  uint64_t through = 0;             // what counts: at this sequence a segment of history ends
  int64_t latest_us = kMaxTime_us;  // of members alone: what is effective later does not count
  // By slot, whether he is to be assessed; empty: all.
  std::vector<bool> members;

  const program::Calendar& calendar() const { return rules->program().calendar(); }
};

// Ladders with such numbers among the rules' ones.
std::vector<LadderPlan> PlanLadders(const ledger::Rules& rules, const std::vector<size_t>& which,
                                    const ledger::Dictionary& codes);

// What an assessment changes of a member's standing on a ladder.
struct MemberChanges {
  uint32_t member = 0;
  uint32_t ladder = 0;    // index in Plan::ladders
  uint64_t sequence = 0;  // of the last change before; 0: he never changed his level on it
  std::vector<Change> changes;
};

// When he came to his level; kMinTime_us: he never changed it.
inline int64_t SinceOf(const std::optional<ledger::MemberLevel>& level) {
  return level ? level->standing.since_us : kMinTime_us;
}

// What an assessment by the plan changes of a member's standing, who is on such a level of one of its ladders. Nothing
// if he came to it after the plan's instant.
MemberChanges AssessMember(const Plan& plan, size_t ladder, uint32_t member,
                           const std::optional<ledger::MemberLevel>& level, int64_t opened_us,
                           const Evaluate& evaluate);

// Who was assessed.
struct Tally {
  explicit Tally(const Plan& plan) {
    for (const LadderPlan& one : plan.ladders) on_level.emplace_back(one.ladder().levels.size());
  }
  uint64_t members = 0;
  std::vector<std::vector<uint64_t>> on_level;  // by ladder and level: how many were on it before
};

}  // namespace loyalty::tiers

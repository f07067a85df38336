// Assesses all members of neighbouring ranges: sums by one scan, then conditions, then what becomes of standings.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tiers/plan.h"
#include "tiers/range_scan.h"

namespace loyalty::tiers {

// What is known of a range's members on one ladder; by member, from `first` on.
struct RangeView {
  size_t ladder = 0;  // index in Plan::ladders
  uint32_t first = 0;
  std::span<const uint8_t> places;     // of their levels
  std::span<const uint8_t> known;      // not 0: whose metrics are in `values`
  std::vector<const int64_t*> values;  // by metric, as of Plan::at_us
};
// Called on any of the threads that assess.
using OnRange = std::function<void(const RangeView&)>;

// For one thread. The plan must outlive it.
class RangeAssessor {
 public:
  explicit RangeAssessor(const Plan& plan, OnRange on_range = {});

  // Appends what changes, by member, and tells who was assessed. Of the first `member_count` members
  // of the ledger.
  Status Assess(uint32_t first_range, uint32_t end_range, uint32_t member_count,
                std::vector<MemberChanges>* out, Tally* tally);

 private:
  enum class Way : uint8_t { kNot, kByScan, kAlone };
  // A member on a ladder whose validity has ended.
  struct Ended {
    ledger::MemberLevel level;
    int64_t last_us;  // of the period that ended
  };
  // What is known of a range's members on one ladder before the scan; by member, from the range's first one.
  struct OnLadder {
    std::vector<uint8_t> places;  // of their levels
    // All ones for those whose standing may change although they are where their metrics say.
    std::vector<uint8_t> special;
    std::vector<int64_t> since_us;  // of their levels; empty when no window counts from there
    std::vector<Ended> ended;       // in the order of members
    // By metric, their place among the range's sums; -1: it is not summed.
    std::vector<int> now;
    std::vector<int> at_end;

    const Ended* FindEnded(uint32_t slot) const;
  };
  struct Range {
    uint32_t number = 0;
    std::vector<Way> ways;         // by member in the range
    std::vector<uint32_t> opened;  // their minutes
    int64_t latest_us = kMinTime_us;
    std::vector<OnLadder> ladders;
    std::vector<Sum> sums;

    uint32_t first() const { return number * history::kRangeMembers; }
  };

  void Prepare(uint32_t member_count, Range* range);
  void ReadPage(const ledger::Page& page, uint32_t first, Range* range) const;
  void NoteLevel(const LadderPlan& plan, const ledger::MemberLevel& level, uint32_t member,
                 OnLadder* on) const;
  void ChooseWays(uint32_t count, Range* range) const;
  void PrepareSums(const LadderPlan& plan, OnLadder* on, Range* range);
  int AddSum(const LadderPlan& plan, size_t metric, const OnLadder& on, Range* range);
  int AddSumAtEnd(const LadderPlan& plan, size_t metric, const OnLadder& on, Range* range);
  Months MonthsOf(const std::vector<Range>& ranges) const;
  Status AssessRange(const Range& range, std::vector<MemberChanges>* out);
  void Tell(const Range& range, size_t ladder) const;
  void Count(const Range& range, Tally* tally) const;
  // The columns of a ladder's metrics, by member.
  Status LoadValues(const Range& range, size_t ladder);
  Status LoadBalances(const Range& range, const Measure& measure, std::vector<int64_t>* values);
  void FindLevels(const program::Ladder& ladder);
  // Of one whom the scan has the metrics of; false when it takes others.
  bool AssessByScan(const Range& range, size_t ladder, uint32_t member, MemberChanges* changes);
  // Whether an assessment changes nothing of such a standing: seen without making it.
  bool Stays(const LadderPlan& plan, const LevelStanding& now, int found) const;
  Status AssessAlone(std::span<const uint32_t> slots, std::vector<MemberChanges>* out);
  Span_us SpanOfMember(const program::Window& window, int64_t opened_us, int64_t since_us);
  int64_t TenureOf(uint32_t opened_minute);

  const Plan& plan_;
  const OnRange on_range_;
  RangeScan scan_;
  std::vector<uint32_t> closed_;  // of the range that is being prepared
  // Of the range and ladder that are being assessed.
  std::vector<std::vector<int64_t>> columns_;  // of the metrics that are no sums
  std::vector<const int64_t*> values_;         // by metric
  // By member. As wide as the values: so the compiler compares several at a time.
  std::vector<int64_t> found_;  // levels
  std::vector<int64_t> meets_;  // all ones, or zero
  // Members are often opened together.
  std::unordered_map<uint32_t, int64_t> tenures_;
  std::pair<const program::Window*, uint32_t> anniversary_of_{};
  Span_us anniversary_;
};

}  // namespace loyalty::tiers

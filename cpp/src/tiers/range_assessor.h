// Assesses all members of neighbouring ranges: sums by one scan, then conditions, then what becomes of standings.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tiers/plan.h"
#include "tiers/range_scan.h"

namespace loyalty::tiers {

// For one thread. The plan must outlive it.
class RangeAssessor {
 public:
  explicit RangeAssessor(const Plan& plan);

  // Appends what changes, by member, and tells who was assessed. Of the first `member_count` members
  // of the ledger.
  Status Assess(uint32_t first_range, uint32_t end_range, uint32_t member_count,
                std::vector<MemberChanges>* out, Tally* tally);

 private:
  enum class Way : uint8_t { kNot, kByScan, kAlone };
  // A member on a ladder whose validity has ended.
  struct Ended {
    uint32_t member;  // in the range
    int64_t last_us;  // of the period that ended
  };
  struct OnLadder {
    std::vector<const ledger::MemberLevel*> levels;  // by member in the range; null: never changed
    std::vector<Ended> ended;
    // By metric, their place among the range's sums; -1: it is not summed.
    std::vector<int> now;
    std::vector<int> at_end;
  };
  struct Range {
    uint32_t number = 0;
    std::vector<Way> ways;         // by member in the range
    std::vector<uint32_t> opened;  // their minutes
    int64_t latest_us = kMinTime_us;
    std::vector<OnLadder> ladders;
    std::vector<Sum> sums;
  };

  void Prepare(uint32_t number, uint32_t member_count, Range* range);
  void PrepareLadder(const LadderPlan& plan, OnLadder* on, Range* range);
  int AddSum(const LadderPlan& plan, size_t metric, const OnLadder& on, Range* range);
  int AddSumAtEnd(const LadderPlan& plan, size_t metric, const OnLadder& on, Range* range);
  Months MonthsOf(const std::vector<Range>& ranges) const;
  Status AssessRange(const Range& range, std::vector<MemberChanges>* out);
  void Count(const Range& range, Tally* tally) const;
  // The columns of a ladder's metrics, by member.
  Status LoadValues(const Range& range, size_t ladder);
  Status LoadBalances(const Range& range, const Measure& measure, std::vector<int64_t>* values);
  void FindLevels(const program::Ladder& ladder);
  // Whether an assessment may change anything: quicker than making it.
  bool MayChange(const LadderPlan& plan, const ledger::MemberLevel* level, int found) const;
  // Of one whom the scan has the metrics of; false when it takes others.
  bool AssessByScan(const Range& range, size_t ladder, uint32_t member, MemberChanges* changes);
  Status AssessAlone(const Range& range, uint32_t member, std::vector<MemberChanges>* out);
  Span_us SpanOfMember(const program::Window& window, int64_t opened_us,
                       const ledger::MemberLevel* level);
  int64_t TenureOf(uint32_t opened_minute);

  const Plan& plan_;
  RangeScan scan_;
  std::vector<ledger::State::PageLevels> pages_;
  // Of the range and ladder that are being assessed.
  std::vector<std::vector<int64_t>> columns_;  // of the metrics that are no sums
  std::vector<const int64_t*> values_;         // by metric
  std::vector<uint8_t> found_;                 // levels, by member
  std::vector<uint8_t> meets_;
  // Members are often opened together.
  std::unordered_map<uint32_t, int64_t> tenures_;
  std::pair<const program::Window*, uint32_t> anniversary_of_{};
  Span_us anniversary_;
};

}  // namespace loyalty::tiers

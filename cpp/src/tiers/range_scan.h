// Adds up the entries of all members of one range: what a run does ten million times, so column by column.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "history/walk.h"
#include "tiers/days.h"
#include "tiers/measure.h"
#include "tiers/window.h"

namespace loyalty::tiers {

// A measure over a window.
struct Sum {
  const Measure* measure = nullptr;
  Span_us common;
  std::vector<Span_us> of_each;  // of the range's members; empty: the common one
};

// Calendar months in UTC (history::MonthOf).
struct Months {
  uint32_t first = 0;
  uint32_t end = 0;

  // Those that a span has some of.
  static Months Of(const Span_us& span);
};

// For one thread.
class RangeScan {
 public:
  // Counts entries up to `through`, at which a segment of history ends.
  RangeScan(const storage::Store& store, const program::Calendar& calendar, uint64_t through)
      : store_(store), calendar_(calendar), through_(through) {}

  // Before the first of some neighbouring ranges: reading on is much quicker than beginning anew. Other months are
  // not read, whatever the sums' spans.
  Status Begin(uint32_t first_range, uint32_t end_range, const Months& months);
  // The ranges one after the other: sums[i] of member m is result(i)[m], until the next call. What leaves 64 bits
  // stays at their end.
  Status Run(uint32_t range, const std::vector<Sum>& sums);
  const std::vector<int64_t>& result(size_t sum) const { return results_[sum]; }

 private:
  Status AddPiece(const std::vector<Sum>& sums);
  // Which rows of the piece count: all ones, or zero.
  Status Mark(const Filter& filter);
  Status MarkCodes(const Filter& filter);
  Status MarkTimes(const Sum& sum);
  Status LoadTimes();
  // The rows with remarks, and what they say.
  Status LoadRemarks(bool needs_codes);
  void AddCorrections(const Sum& sum, size_t number);
  // Counts the days of members with corrected visits anew: a day may have had others.
  Status Recount(uint32_t range, const std::vector<Sum>& sums);
  Status AddVisits(const std::vector<Sum>& sums, const std::vector<std::vector<bool>>& wanted);
  void AddUp(const history::PieceView& piece, const Measure& measure, size_t sum);
  const DaysOfMonth& DaysOf(uint32_t month);

  const storage::Store& store_;
  const program::Calendar& calendar_;
  const uint64_t through_;
  Months months_;
  std::unique_ptr<history::Walk> walk_;
  bool at_piece_ = false;
  std::vector<std::vector<int64_t>> results_;
  std::vector<bool> careful_;     // by sum: whether it might leave 64 bits
  std::vector<DayCounter> days_;  // by sum, of those that count days
  std::map<uint32_t, DaysOfMonth> calendar_months_;
  uint32_t month_ = UINT32_MAX;
  // Of the present piece, by row.
  std::vector<uint16_t> members_;
  std::vector<uint8_t> kinds_;
  std::vector<uint16_t> small_;
  std::vector<uint32_t> codes_;
  std::vector<int64_t> values_;
  std::vector<int64_t> times_us_;  // since the month began
  std::vector<int64_t> marks_;
  bool has_times_ = false;
  std::vector<uint32_t> waiting_;  // rows
  struct Corrected {
    uint32_t row;
    Entry entry;  // its related kind, currency and time
    Correction correction;
  };
  std::vector<Corrected> corrected_;
  // Visits of a member on a day, more or fewer.
  struct Visits {
    size_t sum;
    uint16_t member;
    int32_t day;
    int64_t count;
    auto operator<=>(const Visits&) const = default;
  };
  std::vector<Visits> recounted_;
  std::vector<uint32_t> corrected_at_;  // by row, of those in it: their place in corrected_
};

}  // namespace loyalty::tiers

// Metrics that add up entries, by the ledger's numbers.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "history/history.h"
#include "ledger/state.h"
#include "program/ladder.h"
#include "tiers/window.h"

namespace loyalty::tiers {

// Which entries count.
struct Filter {
  uint64_t kinds = 0;  // bit k for kind k
  std::optional<uint16_t> currency;
  // Of rule, channel, location, category: those that count, in order; nothing: all.
  std::array<std::optional<std::vector<uint32_t>>, 4> codes;

  bool HasKind(Kind kind) const { return uint8_t(kind) < 64 && kinds >> uint8_t(kind) & 1; }
  bool NeedsCodes() const;
  // An entry by itself.
  bool Matches(const Entry& entry) const;
  // What it corrects.
  bool Matches(const Entry& entry, const Correction& correction) const;
  bool MatchesCodes(const std::array<uint32_t, 4>& values) const;
  bool operator==(const Filter&) const = default;
};

struct Measure {
  program::Metric::Of of = program::Metric::Of::kPoints;
  Filter filter;
  bool debits = false;  // whose points are counted as positive numbers

  // What an entry that matches adds; of days and postings 1.
  int64_t ValueOf(const Entry& entry) const;
  int64_t ValueOf(const Correction& correction) const;
  // Points as they are counted.
  int64_t Signed(int64_t points) const {
    if (!debits) return points;
    return points == INT64_MIN ? INT64_MAX : -points;
  }
};

// A metric of a ladder by the ledger's numbers. A code that the ledger has never seen matches nothing.
Measure Resolve(const program::Metric& metric, const std::vector<std::string>& currencies,
                const ledger::Dictionary& codes);

// How many visits each day (Calendar::DayOf) has, of a measure of days; 0 where all were taken back.
std::map<int32_t, int64_t> VisitsOf(const Measure& measure, const Span_us& span,
                                    const program::Calendar& calendar,
                                    std::span<const history::Item> entries);
// The measure of a member over a span, of his entries in any order: what a scan of all members gives, too. What leaves
// 64 bits stays at their end.
int64_t Total(const Measure& measure, const Span_us& span, const program::Calendar& calendar,
              std::span<const history::Item> entries);
int64_t SaturatingSum(int64_t a, int64_t b);

}  // namespace loyalty::tiers

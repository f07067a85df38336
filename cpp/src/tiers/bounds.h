// Upper bounds of what all members' metrics are on a ladder that upgrades at once. Entries are added as they come;
// what leaves a window is not taken away until all is worked out anew. So whoever comes to meet a level is seen,
// and few are looked at in vain.
//
// A bound is *exact*, so the metric itself, when the window is the same for all members, nothing of his leaves
// it before all is worked out anew, nothing of his is to come, and no visit of his comes weeks late. Most are
// (docs/tiers.md).
//
// Thread safety: one thread at a time, but Note and MarkLeaving, which are safe for members of different ranges.
#pragma once

#include <cstdint>
#include <vector>

#include "base/prefetch.h"
#include "base/slab.h"
#include "tiers/alone.h"
#include "tiers/range_assessor.h"

namespace loyalty::tiers {

class Bounds {
 public:
  // Unknown of all. They are to be used for instants before `until_us` only.
  Bounds(const program::Ladder& ladder, uint32_t members, int64_t until_us);

  // How entries count from here on, and as of when bounds are asked for. The plan must outlive the next Use.
  void Use(const Plan& plan, size_t ladder);
  // What a scan has found, as of Plan::at_us.
  void Note(const RangeView& found);
  // What leaves the windows until `until_us`.
  std::vector<Sum> Leaving() const;
  // He has some of it: his bounds are not exact.
  void MarkLeaving(uint32_t member) { *MetaOf(member) &= ~kExact; }
  // Unknown: he is due whenever something is posted.
  void Forget(uint32_t member);
  // A new member, who has nothing yet.
  void Open(uint32_t member);
  // From his entries, as of Plan::at_us.
  void Set(Alone* alone);
  void SetPlace(uint32_t member, int place);

  // Adds an entry that is posted; tells whether its member may be due for it.
  bool Add(const Entry& entry, const history::Remark& remark);
  // Whether he seems to meet a higher level than the one he is on.
  bool IsDue(uint32_t member);
  // His metrics as of Plan::at_us, when all are exact; else false.
  bool Read(uint32_t member, std::vector<int64_t>* values) const;
  // Brings the memory near that Add will touch, if there is such a member.
  void Prefetch(uint32_t member) const {
    if (member * width_ < rows_.size()) loyalty::Prefetch(RowOf(member));
  }

 private:
  // The last word of a row: the member's place on the ladder, and whether his bounds are exact.
  static constexpr int64_t kPlaces = 0xff;
  static constexpr int64_t kExact = 0x100;

  enum class Way : uint8_t {
    kSum,
    kDays,
    kBalance,  // not kept
    kTenure,   // not kept
  };
  // Of one metric, as of Plan::at_us.
  struct Counted {
    Way way = Way::kSum;
    bool is_anchored = false;             // over each member's own window
    int64_t from_us = kMinTime_us;        // of the window that all have in common
    int64_t stays_from_us = kMinTime_us;  // what is later stays in it until `until_us`

    bool IsKept() const { return way == Way::kSum || way == Way::kDays; }
  };

  const int64_t* RowOf(uint32_t member) const { return &rows_[member * width_]; }
  int64_t* RowOf(uint32_t member) { return &rows_[member * width_]; }
  int64_t* MetaOf(uint32_t member) { return RowOf(member) + width_ - 1; }
  bool Count(size_t metric, int64_t at_us, int64_t value, int64_t* row);
  bool CountDay(int64_t at_us, int64_t* packed, int64_t* meta);
  int64_t PackVisits(size_t metric, int64_t changed_us, Alone* alone) const;
  int32_t DayOf(int64_t at_us);
  int64_t BalanceOf(uint32_t member, const Measure& measure) const;
  int64_t TenureOf(uint32_t member) const;

  const int64_t until_us_;
  const size_t width_;  // a row: a bound a metric, then the last word
  bool may_be_exact_ = true;
  std::vector<Counted> counted_;  // by metric
  HugePageVector<int64_t> rows_;  // by member
  const Plan* plan_ = nullptr;
  const LadderPlan* ladder_ = nullptr;
  std::vector<int64_t> values_;  // of the member who is being looked at
  // The day that was counted last, since most are on the same.
  Span_us day_span_ = {1, 0};
  int32_t day_ = 0;
};

// Marks whose bounds are not exact, of all members but those after `member_count`: what leaves is scanned, and what
// is to come. Appends who has something to come, unordered, whose bounds are unknown.
Status MarkInexact(const Plan& plan, uint32_t member_count, std::vector<Bounds>* bounds,
                   std::vector<uint32_t>* with_more_to_come);

}  // namespace loyalty::tiers

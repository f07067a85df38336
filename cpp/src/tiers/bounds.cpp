#include "tiers/bounds.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "tiers/parallel.h"

namespace loyalty::tiers {
namespace {

using history::kRangeMembers;
using program::Window;
using Of = program::Metric::Of;

constexpr int64_t kUnknown = INT64_MAX;

// A bound of days, in 64 bits: the last day, how many there are, and which of those just before the last.
class Days {
 public:
  explicit Days(int64_t count) : count_(count) {}
  static Days Unpack(int64_t packed) {
    Days days(packed >> kRecent & kCounts);
    days.last_ = packed >> (kRecent + kCountBits);
    days.recent_ = packed & kRecents;
    return days;
  }
  int64_t Pack() const { return (last_ << kCountBits | count_) << kRecent | recent_; }

  // Whether it was not there before; not known for sure when it is long before the last, or that is not known.
  bool Add(int32_t calendar_day, bool* is_sure) {
    const int64_t day = calendar_day - kNoDay;
    const int64_t ago = last_ - day;
    *is_sure = last_ == 0 ? count_ == 0 : ago <= kRecent;
    if (ago == 0 || (ago > 0 && ago <= kRecent && recent_ >> (ago - 1) & 1)) return false;
    if (ago > 0) {
      if (ago <= kRecent) recent_ |= int64_t(1) << (ago - 1);
    } else {
      // The last one is now the one so many days before.
      recent_ = -ago > kRecent ? 0 : (recent_ << 1 | (last_ != 0)) << (-ago - 1) & kRecents;
      last_ = day;
    }
    count_ = std::min(count_ + 1, kCounts);
    return true;
  }
  int64_t count() const { return count_; }

 private:
  static constexpr int kRecent = 28;
  static constexpr int kCountBits = 18;
  static constexpr int64_t kRecents = (int64_t(1) << kRecent) - 1;
  static constexpr int64_t kCounts = (int64_t(1) << kCountBits) - 1;
  static constexpr int32_t kNoDay = -25'600;  // before 1900

  int64_t last_ = 0;  // 0: not known; all that there can be have 17 bits
  int64_t count_;
  int64_t recent_ = 0;  // bit i: i + 1 days before the last
};
int64_t DaysIn(int64_t packed) {
  return packed == kUnknown ? kUnknown : Days::Unpack(packed).count();
}

}  // namespace

Bounds::Bounds(const program::Ladder& ladder, uint32_t members, int64_t until_us)
    : until_us_(until_us), width_(ladder.metrics.size() + 1), values_(ladder.metrics.size()) {
  for (const program::Metric& metric : ladder.metrics) {
    Counted& counted = counted_.emplace_back();
    switch (metric.of) {
      case Of::kBalance: counted.way = Way::kBalance; break;
      case Of::kTenureMonths: counted.way = Way::kTenure; break;
      case Of::kDays: counted.way = Way::kDays; break;
      default: counted.way = Way::kSum;
    }
    counted.is_anchored = IsAnchored(metric.window);
    may_be_exact_ &= counted.way != Way::kBalance && !counted.is_anchored;
  }
  rows_.assign(members * width_, kUnknown);
  for (uint32_t member = 0; member < members; ++member) *MetaOf(member) = 0;
}

void Bounds::Use(const Plan& plan, size_t ladder) {
  plan_ = &plan;
  ladder_ = &plan.ladders[ladder];
  for (size_t k = 0; k < counted_.size(); ++k) {
    const Window& window = ladder_->ladder().metrics[k].window;
    if (IsAnchored(window)) continue;
    counted_[k].from_us = SpanOf(window, plan.calendar(), plan.at_us, {}).from_us;
    counted_[k].stays_from_us = SpanOf(window, plan.calendar(), until_us_ - 1, {}).from_us;
  }
}

void Bounds::Note(const RangeView& found) {
  for (uint32_t m = 0; m < found.known.size() && (found.first + m) * width_ < rows_.size(); ++m) {
    const uint32_t member = found.first + m;
    int64_t* const row = RowOf(member);
    *MetaOf(member) = found.places[m];
    if (!found.known[m]) continue;
    bool is_exact = may_be_exact_;
    for (size_t k = 0; k < counted_.size(); ++k) {
      const int64_t value = found.values[k][m];
      const bool is_days = counted_[k].way == Way::kDays;
      row[k] = is_days ? Days(value).Pack() : value;
      if (is_days && value > 0) is_exact = false;  // which days they are is not known
    }
    if (is_exact) *MetaOf(member) |= kExact;
  }
}

std::vector<Sum> Bounds::Leaving() const {
  std::vector<Sum> sums;
  for (size_t k = 0; k < counted_.size() && may_be_exact_; ++k) {
    const Counted& counted = counted_[k];
    if (!counted.IsKept() || counted.from_us == counted.stays_from_us) continue;
    sums.push_back({&ladder_->measures[k], {counted.from_us, counted.stays_from_us - 1}, {}});
  }
  return sums;
}

void Bounds::Forget(uint32_t member) {
  std::fill_n(RowOf(member), counted_.size(), kUnknown);
  *MetaOf(member) &= ~kExact;
}

void Bounds::Open(uint32_t member) {
  if (rows_.size() < (member + 1) * width_) rows_.resize((member + 1) * width_);
  std::fill_n(RowOf(member), counted_.size(), 0);
  *MetaOf(member) = may_be_exact_ ? kExact : 0;
}

void Bounds::Set(Alone* alone) {
  const uint32_t member = alone->member();
  const int64_t changed_us = SinceOf(plan_->sources.state->LevelOn(member, ladder_->coded->code));
  Forget(member);
  // Its bounds change without a posting.
  if (alone->NextToCome_us(plan_->at_us) != kNever_us) return;
  int64_t* const row = RowOf(member);
  bool stays = may_be_exact_;
  for (size_t k = 0; k < counted_.size(); ++k) {
    const Counted& counted = counted_[k];
    if (!counted.IsKept()) continue;
    const Filter& filter = ladder_->measures[k].filter;
    row[k] = alone->Value(*ladder_, k, plan_->at_us, changed_us);
    if (counted.way == Way::kDays) row[k] = PackVisits(k, changed_us, alone);
    stays = stays && !alone->Has(filter, {counted.from_us, counted.stays_from_us - 1});
  }
  if (stays) *MetaOf(member) |= kExact;
}

void Bounds::SetPlace(uint32_t member, int place) {
  int64_t* const meta = MetaOf(member);
  *meta = (*meta & ~kPlaces) | place;
}

bool Bounds::Add(const Entry& entry, const history::Remark& remark) {
  int64_t* const row = RowOf(entry.member);
  const Correction& correction = remark.correction;
  bool rises = false;
  for (size_t k = 0; k < counted_.size(); ++k) {
    const Measure& measure = ladder_->measures[k];
    if (counted_[k].way == Way::kBalance) rises |= entry.currency == *measure.filter.currency;
    if (!counted_[k].IsKept()) continue;
    if (!remark.waits && measure.filter.Matches(entry)) {
      rises |= Count(k, entry.effective_us, measure.ValueOf(entry), row);
    }
    if (correction != Correction() && measure.filter.Matches(entry, correction)) {
      // It counts from its own time on.
      const int64_t at_us = std::max(entry.effective_us, correction.of_us);
      rises |= Count(k, at_us > plan_->at_us ? at_us : correction.of_us,
                     measure.ValueOf(correction), row);
    }
  }
  return rises;
}

// Whether the bound rises.
bool Bounds::Count(size_t metric, int64_t at_us, int64_t value, int64_t* row) {
  const Counted& counted = counted_[metric];
  if (at_us > plan_->at_us) {
    std::fill_n(row, counted_.size(), kUnknown);
    row[width_ - 1] &= ~kExact;
    return true;
  }
  if (at_us < counted.from_us) return false;
  int64_t& bound = row[metric];
  if (bound == kUnknown) return true;
  int64_t* const meta = row + width_ - 1;
  if (at_us < counted.stays_from_us) *meta &= ~kExact;
  if (counted.way == Way::kDays) {
    if (value > 0) return CountDay(at_us, &bound, meta);
    *meta &= ~kExact;  // the day may have had others
    return false;
  }
  // It may take away what does not count any more.
  if (value < 0 && counted.is_anchored) return false;
  bound = SaturatingSum(bound, value);
  return value > 0;
}

int64_t Bounds::PackVisits(size_t metric, int64_t changed_us, Alone* alone) const {
  Days days(0);
  bool is_sure = true;
  for (const auto& [day, visits] : alone->Visits(*ladder_, metric, plan_->at_us, changed_us)) {
    if (visits > 0) (void)days.Add(day, &is_sure);
  }
  return days.Pack();
}

bool Bounds::CountDay(int64_t at_us, int64_t* packed, int64_t* meta) {
  Days days = Days::Unpack(*packed);
  bool is_sure = true;
  const bool is_new = days.Add(DayOf(at_us), &is_sure);
  if (!is_sure) *meta &= ~kExact;
  *packed = days.Pack();
  return is_new;
}

int32_t Bounds::DayOf(int64_t at_us) {
  if (!day_span_.Has(at_us)) {
    const program::Calendar& calendar = plan_->calendar();
    day_ = calendar.DayOf(at_us);
    day_span_.from_us = calendar.StartOf(at_us, program::Unit::kDay);
    day_span_.to_us = calendar.EndOf(at_us + 1, program::Unit::kDay) - 1;
  }
  return day_;
}

bool Bounds::IsDue(uint32_t member) {
  const int64_t* const row = RowOf(member);
  for (size_t k = 0; k < counted_.size(); ++k) {
    switch (counted_[k].way) {
      case Way::kBalance: values_[k] = BalanceOf(member, ladder_->measures[k]); break;
      case Way::kTenure: values_[k] = TenureOf(member); break;
      case Way::kDays: values_[k] = DaysIn(row[k]); break;
      default: values_[k] = row[k];
    }
  }
  return LevelOf(ladder_->ladder(), values_) > (*MetaOf(member) & kPlaces);
}

int64_t Bounds::BalanceOf(uint32_t member, const Measure& measure) const {
  const ledger::Account account =
      plan_->sources.state->ReadAccount(member, *measure.filter.currency);
  return account.extra == ledger::kNoIndex ? account.total : kUnknown;
}

int64_t Bounds::TenureOf(uint32_t member) const {
  const ledger::State& state = *plan_->sources.state;
  if (!state.merges.empty() && state.merges.FamilyOf(member).size() > 1) return kUnknown;
  return MonthsSince(plan_->calendar(), state.OpeningOf_us(member), plan_->at_us);
}

bool Bounds::Read(uint32_t member, std::vector<int64_t>* values) const {
  const int64_t* const row = RowOf(member);
  if (!(row[width_ - 1] & kExact)) return false;
  values->assign(row, row + counted_.size());
  for (size_t k = 0; k < counted_.size(); ++k) {
    if (counted_[k].way == Way::kTenure) (*values)[k] = TenureOf(member);
    if (counted_[k].way == Way::kDays) (*values)[k] = DaysIn(row[k]);
  }
  return std::find(values->begin(), values->end(), kUnknown) == values->end();
}

namespace {

// Some ranges of members: what leaves, and what is to come.
class Marker {
 public:
  Marker(const Plan& plan, std::vector<Bounds>* bounds)
      : bounds_(bounds), scan_(*plan.sources.store, plan.calendar(), plan.through) {
    anything_.of = Of::kPostings;
    anything_.filter.kinds = UINT64_MAX;
    to_come_.sums.push_back({&anything_, {plan.at_us + 1, kMaxTime_us}, {}});
    for (size_t l = 0; l < bounds->size(); ++l) {
      for (const Sum& sum : (*bounds)[l].Leaving()) {
        Measure& measure = measures_.emplace_back(*sum.measure);
        measure.of = Of::kPostings;
        leaving_.sums.push_back({&measure, sum.common, {}});
        leaving_.of_ladder.push_back(l);
      }
    }
  }

  Status Mark(uint32_t first_range, uint32_t end_range, uint32_t member_count,
              std::vector<uint32_t>* with_more_to_come) {
    LOYALTY_RETURN_IF_ERROR(Visit(to_come_, first_range, end_range, [&](size_t, uint32_t member) {
      if (member < member_count) with_more_to_come->push_back(member);
    }));
    return Visit(leaving_, first_range, end_range, [&](size_t sum, uint32_t member) {
      if (member < member_count) (*bounds_)[leaving_.of_ladder[sum]].MarkLeaving(member);
    });
  }

 private:
  struct Sums {
    std::vector<Sum> sums;
    std::vector<size_t> of_ladder;
  };

  template <typename Found>
  Status Visit(const Sums& wanted, uint32_t first_range, uint32_t end_range, Found found) {
    if (wanted.sums.empty()) return {};
    Span_us all = wanted.sums[0].common;
    for (const Sum& sum : wanted.sums) {
      all = {std::min(all.from_us, sum.common.from_us), std::max(all.to_us, sum.common.to_us)};
    }
    LOYALTY_RETURN_IF_ERROR(scan_.Begin(first_range, end_range, Months::Of(all)));
    for (uint32_t range = first_range; range < end_range; ++range) {
      LOYALTY_RETURN_IF_ERROR(scan_.Run(range, wanted.sums));
      for (size_t s = 0; s < wanted.sums.size(); ++s) {
        for (uint32_t m = 0; m < kRangeMembers; ++m) {
          if (scan_.result(s)[m] != 0) found(s, range * kRangeMembers + m);
        }
      }
    }
    return {};
  }

  std::vector<Bounds>* const bounds_;
  RangeScan scan_;
  Measure anything_;
  std::deque<Measure> measures_;
  Sums to_come_;
  Sums leaving_;
};

}  // namespace

Status MarkInexact(const Plan& plan, uint32_t member_count, std::vector<Bounds>* bounds,
                   std::vector<uint32_t>* with_more_to_come) {
  struct {
    Mutex mutex;
    Status fault GUARDED_BY(mutex);
  } shared;
  const size_t ranges = (size_t(member_count) + kRangeMembers - 1) / kRangeMembers;
  ForAll(ranges, std::max(1u, std::thread::hardware_concurrency()), [&]() -> Worker {
    auto marker = std::make_shared<Marker>(plan, bounds);
    return [&, marker](size_t begin, size_t end) {
      std::vector<uint32_t> found;
      const Status status = marker->Mark(uint32_t(begin), uint32_t(end), member_count, &found);
      MutexLock lock(shared.mutex);
      if (shared.fault.ok()) shared.fault = status;
      with_more_to_come->insert(with_more_to_come->end(), found.begin(), found.end());
    };
  });
  for (const uint32_t member : *with_more_to_come) {
    for (Bounds& of_ladder : *bounds) of_ladder.Forget(member);
  }
  MutexLock lock(shared.mutex);
  return shared.fault;
}

}  // namespace loyalty::tiers

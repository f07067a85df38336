#include "tiers/range_scan.h"

#include <algorithm>

#include "history/month.h"

namespace loyalty::tiers {
namespace {

using history::Column;
using history::kRangeMembers;
using history::Part;
using history::PieceView;
using history::Walk;
using Of = program::Metric::Of;

constexpr std::array kCodeColumns = {Column::kRule, Column::kChannel, Column::kLocation,
                                     Column::kCategory};

template <typename T>
void Unpack(const PieceView& part, Column column, std::vector<T>* to) {
  if (to->size() < part.count()) to->resize(part.count());
  part.column(column).Unpack(part.count(), to->data());
}

// Of values so small no ledger has enough to leave 64 bits.
constexpr int64_t kSmall = int64_t(1) << 30;

// Whether a span has all of a month.
bool Covers(const Span_us& span, uint32_t month) {
  return span.from_us <= history::MonthStart_us(month) &&
         span.to_us >= history::MonthStart_us(month + 1) - 1;
}

}  // namespace

Months Months::Of(const Span_us& span) {
  if (span.from_us > span.to_us) return {};
  return {history::MonthOf(std::clamp(span.from_us, kMinTime_us, kMaxTime_us - 1)),
          history::MonthOf(std::clamp(span.to_us, kMinTime_us, kMaxTime_us - 1)) + 1};
}

Status RangeScan::Begin(uint32_t first_range, uint32_t end_range, const Months& months) {
  months_ = months;
  walk_ = std::make_unique<Walk>(store_,
                                 history::Extent{first_range, end_range, months.first, months.end});
  at_piece_ = walk_->Next();
  return walk_->status();
}

Status RangeScan::Run(uint32_t range, const std::vector<Sum>& sums) {
  results_.resize(sums.size());
  for (auto& result : results_) result.assign(kRangeMembers, 0);
  careful_.assign(sums.size(), false);
  days_.assign(sums.size(), DayCounter(0));
  for (size_t s = 0; s < sums.size(); ++s) {
    if (sums[s].measure->of == Of::kDays) days_[s] = DayCounter(kRangeMembers);
  }
  recounted_.clear();
  month_ = UINT32_MAX;
  for (; at_piece_ && walk_->measures().key().range <= range; at_piece_ = walk_->Next()) {
    const history::PieceKey& key = walk_->measures().key();
    if (key.range < range || key.first_sequence > through_) continue;
    LOYALTY_RETURN_IF_ERROR(AddPiece(sums));
  }
  for (size_t s = 0; s < sums.size(); ++s) {
    if (sums[s].measure->of == Of::kDays) results_[s] = days_[s].Finish();
  }
  LOYALTY_RETURN_IF_ERROR(walk_->status());
  return recounted_.empty() ? Status() : Recount(range, sums);
}

Status RangeScan::AddPiece(const std::vector<Sum>& sums) {
  const PieceView& piece = walk_->measures();
  const uint32_t month = piece.key().month;
  if (month != month_) {
    month_ = month;
    for (size_t s = 0; s < sums.size(); ++s) {
      if (sums[s].measure->of == Of::kDays) days_[s].BeginMonth(&DaysOf(month));
    }
  }
  has_times_ = false;
  Unpack(piece, Column::kMember, &members_);
  const bool needs_codes = std::any_of(
      sums.begin(), sums.end(), [](const Sum& sum) { return sum.measure->filter.NeedsCodes(); });
  LOYALTY_RETURN_IF_ERROR(LoadRemarks(needs_codes));
  const Filter* marked = nullptr;  // what the marks are of
  for (size_t s = 0; s < sums.size(); ++s) {
    const Sum& sum = sums[s];
    const Measure& measure = *sum.measure;
    if (!marked || *marked != measure.filter) {
      LOYALTY_RETURN_IF_ERROR(Mark(measure.filter));
      marked = &measure.filter;
    }
    if (!sum.of_each.empty() || !Covers(sum.common, month)) {
      LOYALTY_RETURN_IF_ERROR(MarkTimes(sum));
      marked = nullptr;
    }
    AddCorrections(sum, s);
    if (measure.of == Of::kDays) {
      LOYALTY_RETURN_IF_ERROR(LoadTimes());
      for (size_t i = 0; i < piece.count(); ++i) {
        if (marks_[i]) days_[s].Add(members_[i], times_us_[i]);
      }
    } else {
      AddUp(piece, measure, s);
    }
  }
  return {};
}

Status RangeScan::Mark(const Filter& filter) {
  const PieceView& piece = walk_->measures();
  const size_t count = piece.count();
  if (marks_.size() < count) marks_.resize(count);
  const history::PackedColumn& kinds = piece.column(Column::kKind);
  const auto mark_of = [&](int64_t kind) { return -int64_t(filter.HasKind(Kind(kind))); };
  if (kinds.HasTwoValues()) {
    const auto [low, high] = kinds.bounds();
    kinds.WithValues(mark_of(low), mark_of(high)).Unpack(count, marks_.data());
  } else {
    Unpack(piece, Column::kKind, &kinds_);
    for (size_t i = 0; i < count; ++i) marks_[i] = mark_of(kinds_[i]);
  }
  if (!piece.IsDefault(Column::kStatus)) {
    Unpack(piece, Column::kStatus, &small_);
    for (size_t i = 0; i < count; ++i) marks_[i] &= -int64_t(IsPosted(PostingStatus(small_[i])));
  }
  for (const uint32_t row : waiting_) marks_[row] = 0;
  if (filter.currency && (*filter.currency != 0 || !piece.IsDefault(Column::kCurrency))) {
    Unpack(piece, Column::kCurrency, &small_);
    for (size_t i = 0; i < count; ++i) marks_[i] &= -int64_t(small_[i] == *filter.currency);
  }
  return filter.NeedsCodes() ? MarkCodes(filter) : Status();
}

Status RangeScan::MarkCodes(const Filter& filter) {
  const PieceView* const part = walk_->Get(Part::kCodes);
  if (!part) return walk_->status();
  for (size_t c = 0; c < kCodeColumns.size(); ++c) {
    if (!filter.codes[c]) continue;
    const std::vector<uint32_t>& wanted = *filter.codes[c];
    Unpack(*part, kCodeColumns[c], &codes_);
    for (size_t i = 0; i < part->count(); ++i) {
      if (!marks_[i]) continue;
      marks_[i] = -int64_t(std::binary_search(wanted.begin(), wanted.end(), codes_[i]));
    }
  }
  return {};
}

Status RangeScan::LoadTimes() {
  if (has_times_) return {};
  const PieceView* const times = walk_->Get(Part::kTimes);
  if (!times) return walk_->status();
  Unpack(*times, Column::kEffective, &times_us_);
  has_times_ = true;
  return {};
}

Status RangeScan::LoadRemarks(bool needs_codes) {
  waiting_.clear();
  corrected_.clear();
  const PieceView& piece = walk_->measures();
  if (piece.IsDefault(Column::kRemark)) return {};
  const size_t count = piece.count();
  if (corrected_at_.size() < count) corrected_at_.resize(count);
  piece.column(Column::kRemark).ForEachPresent(count, [&](size_t row, int64_t kind) {
    if (kind == history::kWaits) waiting_.push_back(uint32_t(row));
    if (kind != history::kCorrects) return;
    corrected_at_[row] = uint32_t(corrected_.size());
    corrected_.push_back({uint32_t(row), {}, {}});
  });
  if (corrected_.empty()) return {};
  LOYALTY_RETURN_IF_ERROR(LoadTimes());
  const int64_t month_us = history::MonthStart_us(piece.key().month);
  for (Corrected& one : corrected_) {
    one.entry.effective_us = month_us + times_us_[one.row];
    one.correction.of_us = month_us;
  }
  const auto read = [&](const PieceView& part, Column column, auto put) {
    if (part.IsDefault(column)) return;
    part.column(column).ForEachPresent(count, [&](size_t row, int64_t value) {
      const uint32_t at = corrected_at_[row];
      if (at < corrected_.size() && corrected_[at].row == row) put(&corrected_[at], value);
    });
  };
  read(piece, Column::kRelatedKind,
       [](Corrected* c, int64_t v) { c->entry.related_kind = Kind(v); });
  read(piece, Column::kCurrency, [](Corrected* c, int64_t v) { c->entry.currency = uint16_t(v); });
  read(piece, Column::kOfTime, [](Corrected* c, int64_t v) { c->correction.of_us += v; });
  read(piece, Column::kOfPoints, [](Corrected* c, int64_t v) { c->correction.points = v; });
  read(piece, Column::kOfMoney, [](Corrected* c, int64_t v) { c->correction.money = v; });
  read(piece, Column::kOfVisits, [](Corrected* c, int64_t v) { c->correction.visits = v; });
  if (!needs_codes) return {};
  const PieceView* const codes = walk_->Get(Part::kCodes);
  if (!codes) return walk_->status();
  read(*codes, Column::kOfRule, [](Corrected* c, int64_t v) { c->correction.rule = v; });
  read(*codes, Column::kOfChannel, [](Corrected* c, int64_t v) { c->correction.channel = v; });
  read(*codes, Column::kOfLocation, [](Corrected* c, int64_t v) { c->correction.location = v; });
  read(*codes, Column::kOfCategory, [](Corrected* c, int64_t v) { c->correction.category = v; });
  return {};
}

void RangeScan::AddCorrections(const Sum& sum, size_t number) {
  const Measure& measure = *sum.measure;
  for (const Corrected& one : corrected_) {
    const uint16_t member = members_[one.row];
    const Span_us& span = sum.of_each.empty() ? sum.common : sum.of_each[member];
    if (!span.Has(one.correction.of_us) || one.entry.effective_us > span.to_us) continue;
    if (!measure.filter.Matches(one.entry, one.correction)) continue;
    const int64_t value = measure.ValueOf(one.correction);
    if (measure.of == Of::kDays) {
      if (value == 0) continue;
      recounted_.push_back({number, member, calendar_.DayOf(one.correction.of_us), value});
    } else {
      if (value < -kSmall || value > kSmall) careful_[number] = true;
      int64_t& total = results_[number][member];
      total = SaturatingSum(total, value);
    }
  }
}

Status RangeScan::MarkTimes(const Sum& sum) {
  LOYALTY_RETURN_IF_ERROR(LoadTimes());
  const int64_t month_us = history::MonthStart_us(walk_->measures().key().month);
  for (size_t i = 0; i < walk_->measures().count(); ++i) {
    const Span_us& span = sum.of_each.empty() ? sum.common : sum.of_each[members_[i]];
    marks_[i] &= -int64_t(span.Has(month_us + times_us_[i]));
  }
  return {};
}

void RangeScan::AddUp(const PieceView& piece, const Measure& measure, size_t sum) {
  const size_t count = piece.count();
  int64_t* const totals = results_[sum].data();
  if (measure.of == Of::kPostings) {
    for (size_t i = 0; i < count; ++i) totals[members_[i]] -= marks_[i];
    return;
  }
  const Column column = measure.of == Of::kPoints ? Column::kPoints : Column::kMoney;
  Unpack(piece, column, &values_);
  const bool turned = measure.of == Of::kPoints && measure.debits;
  const history::PackedColumn::Bounds bounds = piece.column(column).bounds();
  if (bounds.low < -kSmall || bounds.high > kSmall) careful_[sum] = true;
  if (!careful_[sum]) {
    const int64_t sign = turned ? -1 : 1;
    for (size_t i = 0; i < count; ++i) totals[members_[i]] += (values_[i] * sign) & marks_[i];
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    if (!marks_[i]) continue;
    int64_t& total = totals[members_[i]];
    total = SaturatingSum(total, turned ? measure.Signed(values_[i]) : values_[i]);
  }
}

Status RangeScan::Recount(uint32_t range, const std::vector<Sum>& sums) {
  std::vector<std::vector<bool>> wanted(sums.size());
  for (const Visits& visits : recounted_) {
    wanted[visits.sum].resize(kRangeMembers);
    wanted[visits.sum][visits.member] = true;
  }
  auto walk =
      std::make_unique<Walk>(store_, history::Extent{range, range + 1, months_.first, months_.end});
  std::swap(walk, walk_);
  Status status;
  while (status.ok() && walk_->Next()) {
    if (walk_->measures().key().first_sequence <= through_) status = AddVisits(sums, wanted);
  }
  if (status.ok()) status = walk_->status();
  std::swap(walk, walk_);
  LOYALTY_RETURN_IF_ERROR(status);
  for (size_t s = 0; s < sums.size(); ++s) {
    for (size_t m = 0; m < wanted[s].size(); ++m) {
      if (wanted[s][m]) results_[s][m] = 0;
    }
  }
  std::sort(recounted_.begin(), recounted_.end());
  for (size_t i = 0; i < recounted_.size();) {
    const Visits& first = recounted_[i];
    int64_t visits = 0;
    for (; i < recounted_.size() && recounted_[i].sum == first.sum &&
           recounted_[i].member == first.member && recounted_[i].day == first.day;
         ++i) {
      visits += recounted_[i].count;
    }
    results_[first.sum][first.member] += visits > 0;
  }
  return {};
}

Status RangeScan::AddVisits(const std::vector<Sum>& sums,
                            const std::vector<std::vector<bool>>& wanted) {
  const PieceView& piece = walk_->measures();
  const int64_t month_us = history::MonthStart_us(piece.key().month);
  has_times_ = false;
  Unpack(piece, Column::kMember, &members_);
  LOYALTY_RETURN_IF_ERROR(LoadRemarks(false));
  LOYALTY_RETURN_IF_ERROR(LoadTimes());
  for (size_t s = 0; s < sums.size(); ++s) {
    if (wanted[s].empty()) continue;
    LOYALTY_RETURN_IF_ERROR(Mark(sums[s].measure->filter));
    LOYALTY_RETURN_IF_ERROR(MarkTimes(sums[s]));
    for (size_t i = 0; i < piece.count(); ++i) {
      if (!marks_[i] || !wanted[s][members_[i]]) continue;
      recounted_.push_back({s, members_[i], calendar_.DayOf(month_us + times_us_[i]), 1});
    }
  }
  return {};
}

const DaysOfMonth& RangeScan::DaysOf(uint32_t month) {
  const auto found = calendar_months_.find(month);
  if (found != calendar_months_.end()) return found->second;
  return calendar_months_.emplace(month, DaysOfMonth(calendar_, month)).first->second;
}

}  // namespace loyalty::tiers

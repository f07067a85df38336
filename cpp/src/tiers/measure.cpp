#include "tiers/measure.h"

#include <algorithm>

namespace loyalty::tiers {
namespace {

using Of = program::Metric::Of;

std::optional<std::vector<uint32_t>> CodesOf(const std::optional<std::vector<std::string>>& texts,
                                             const ledger::Dictionary& codes) {
  if (!texts) return std::nullopt;
  std::vector<uint32_t> known;
  for (const std::string& text : *texts) {
    uint32_t code = 0;
    if (codes.Find(text, &code)) known.push_back(code);
  }
  std::sort(known.begin(), known.end());
  return known;
}

// Calls add(at_us, value) for what entries add to a measure, or take away from it, in a span.
template <typename Add>
void ForEachThatCounts(const Measure& measure, const Span_us& span,
                       std::span<const history::Item> entries, Add add) {
  for (const history::Item& item : entries) {
    const Entry& entry = item.entry;
    const Correction& correction = item.remark.correction;
    if (item.remark.waits) continue;
    if (measure.filter.Matches(entry) && span.Has(entry.effective_us)) {
      add(entry.effective_us, measure.ValueOf(entry));
    }
    if (correction != Correction() && entry.effective_us <= span.to_us &&
        span.Has(correction.of_us) && measure.filter.Matches(entry, correction)) {
      add(correction.of_us, measure.ValueOf(correction));
    }
  }
}

}  // namespace

bool Filter::NeedsCodes() const {
  return std::any_of(codes.begin(), codes.end(), [](const auto& some) { return some.has_value(); });
}

bool Filter::MatchesCodes(const std::array<uint32_t, 4>& values) const {
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] && !std::binary_search(codes[i]->begin(), codes[i]->end(), values[i]))
      return false;
  }
  return true;
}

bool Filter::Matches(const Entry& entry) const {
  const Codes& own = entry.codes;
  return IsPosted(entry.status) && HasKind(entry.kind) &&
         (!currency || entry.currency == *currency) &&
         MatchesCodes({own.rule, own.channel, own.location, own.category});
}

bool Filter::Matches(const Entry& entry, const Correction& c) const {
  return HasKind(entry.related_kind) && (!currency || entry.currency == *currency) &&
         MatchesCodes(
             {uint32_t(c.rule), uint32_t(c.channel), uint32_t(c.location), uint32_t(c.category)});
}

int64_t Measure::ValueOf(const Entry& entry) const {
  switch (of) {
    case Of::kPoints: return Signed(entry.points);
    case Of::kMoney: return entry.money;
    default: return 1;
  }
}

int64_t Measure::ValueOf(const Correction& correction) const {
  switch (of) {
    case Of::kPoints: return Signed(correction.points);
    case Of::kMoney: return correction.money;
    default: return correction.visits;
  }
}

Measure Resolve(const program::Metric& metric, const std::vector<std::string>& currencies,
                const ledger::Dictionary& codes) {
  Measure measure;
  measure.of = metric.of;
  for (const Kind kind : metric.kinds) {
    measure.filter.kinds |= uint64_t(1) << uint8_t(kind);
    measure.debits |= kind == Kind::kRedeem || kind == Kind::kCapture;
  }
  if (!metric.currency.empty()) {
    const auto found = std::find(currencies.begin(), currencies.end(), metric.currency);
    measure.filter.currency = uint16_t(found - currencies.begin());
  }
  measure.filter.codes = {CodesOf(metric.rules, codes), CodesOf(metric.channels, codes),
                          CodesOf(metric.locations, codes), CodesOf(metric.categories, codes)};
  return measure;
}

int64_t SaturatingSum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

std::map<int32_t, int64_t> VisitsOf(const Measure& measure, const Span_us& span,
                                    const program::Calendar& calendar,
                                    std::span<const history::Item> entries) {
  std::map<int32_t, int64_t> days;
  ForEachThatCounts(measure, span, entries,
                    [&](int64_t at_us, int64_t value) { days[calendar.DayOf(at_us)] += value; });
  return days;
}

int64_t Total(const Measure& measure, const Span_us& span, const program::Calendar& calendar,
              std::span<const history::Item> entries) {
  if (measure.of == Of::kDays) {
    const auto days = VisitsOf(measure, span, calendar, entries);
    return std::count_if(days.begin(), days.end(), [](const auto& day) { return day.second > 0; });
  }
  int64_t total = 0;
  ForEachThatCounts(measure, span, entries,
                    [&](int64_t, int64_t value) { total = SaturatingSum(total, value); });
  return total;
}

}  // namespace loyalty::tiers

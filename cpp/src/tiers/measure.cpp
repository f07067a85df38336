#include "tiers/measure.h"

#include <algorithm>
#include <set>

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

}  // namespace

bool Filter::NeedsCodes() const {
  return std::any_of(codes.begin(), codes.end(), [](const auto& some) { return some.has_value(); });
}

bool Filter::Matches(const Entry& entry) const {
  if (!IsPosted(entry.status) || !HasKind(entry.kind)) return false;
  if (currency && entry.currency != *currency) return false;
  const Codes& own = entry.codes;
  const std::array<uint32_t, 4> values = {own.rule, own.channel, own.location, own.category};
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] && !std::binary_search(codes[i]->begin(), codes[i]->end(), values[i]))
      return false;
  }
  return true;
}

int64_t Measure::ValueOf(const Entry& entry) const {
  switch (of) {
    case Of::kPoints:
      if (!debits) return entry.points;
      return entry.points == INT64_MIN ? INT64_MAX : -entry.points;
    case Of::kMoney: return entry.money;
    default: return 1;
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

int64_t Total(const Measure& measure, const Span_us& span, const program::Calendar& calendar,
              std::span<const Entry> entries) {
  int64_t total = 0;
  std::set<int32_t> days;
  for (const Entry& entry : entries) {
    if (!span.Has(entry.effective_us) || !measure.filter.Matches(entry)) continue;
    if (measure.of == Of::kDays) {
      days.insert(calendar.DayOf(entry.effective_us));
    } else {
      total = SaturatingSum(total, measure.ValueOf(entry));
    }
  }
  return measure.of == Of::kDays ? int64_t(days.size()) : total;
}

}  // namespace loyalty::tiers

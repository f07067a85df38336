#include "program/read_ladder.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>

#include "program/read_expiry.h"

namespace loyalty::program {
namespace {

constexpr size_t kLaddersMost = 8;
constexpr size_t kMetricsMost = 16;
constexpr size_t kLevelsLeast = 2;
constexpr size_t kLevelsMost = 32;
constexpr size_t kAlternativesMost = 16;
constexpr int64_t kThresholdMost = int64_t(1) << 61;
constexpr int kYearsMost = 300;

using Texts = std::vector<std::string>;

Date ReadStart(const Json& from, const std::string& path) {
  const std::string text = Text(from, path, "start");
  const Date date = ReadDate(text, path + ".start");
  const std::chrono::year_month_day day{std::chrono::year(date.year),
                                        std::chrono::month(unsigned(date.month)),
                                        std::chrono::day(unsigned(date.day))};
  if (!day.ok() || date.year < 1900 || date.year > 2199) {
    Refuse(path + ".start", "must be a date of 1900 to 2199, not '" + text + "'");
  }
  return date;
}

Window ReadWindow(const Json& from, const std::string& path) {
  Window window;
  window.model = Window::Model(
      Choice(from, path, "model",
             {"trailing", "calendar_year", "anniversary", "cycle", "since_change", "lifetime"}));
  switch (window.model) {
    case Window::Model::kTrailing:
      OnlyKeys(from, path, {"model", "days", "months"});
      ReadSpan(from, path, &window);
      break;
    case Window::Model::kCycle:
      OnlyKeys(from, path, {"model", "start", "months"});
      window.start = ReadStart(from, path);
      window.months = int(Integer(from, path, "months", 1, kMonthsMost));
      break;
    default: OnlyKeys(from, path, {"model"});
  }
  return window;
}

std::optional<Texts> ReadTexts(const Json& object, const std::string& parent, const char* key) {
  const Json& list = At(object, parent, key);
  if (list.is_null()) return std::nullopt;
  const std::string path = parent + "." + key;
  if (!list.is_array() || list.empty()) Refuse(path, "must be null or a list of texts");
  Texts texts;
  for (const Json& item : list) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
      Refuse(path, "must be null or a list of texts");
    }
    texts.push_back(item.get<std::string>());
  }
  if (std::adjacent_find(texts.begin(), texts.end(), std::greater_equal<>()) != texts.end()) {
    Refuse(path, "must be sorted, without repeats");
  }
  return texts;
}

std::vector<Kind> ReadKinds(const Json& object, const std::string& path) {
  const auto texts = ReadTexts(object, path, "kinds");
  if (!texts) Refuse(path + ".kinds", "must be a list of kinds");
  std::vector<Kind> kinds;
  size_t credits = 0;
  for (const std::string& text : *texts) {
    constexpr std::array kCounted = {Kind::kEarn, Kind::kAdjust, Kind::kRedeem, Kind::kCapture};
    const auto* const kind = std::find_if(kCounted.begin(), kCounted.end(),
                                          [&](Kind each) { return ToString(each) == text; });
    if (kind == kCounted.end()) Refuse(path + ".kinds", "has the unknown value '" + text + "'");
    credits += *kind == Kind::kEarn || *kind == Kind::kAdjust;
    kinds.push_back(*kind);
  }
  if (credits != 0 && credits != kinds.size()) {
    Refuse(path + ".kinds", "must be credits alone or debits alone");
  }
  return kinds;
}

void MustBeNull(const Json& from, const std::string& path,
                std::initializer_list<const char*> keys) {
  for (const char* const key : keys) {
    if (!At(from, path, key).is_null()) Refuse(path + "." + key, "must be null");
  }
}

void ReadCurrencyOf(const Json& from, const std::string& path,
                    const std::vector<Currency>& currencies, Metric* metric) {
  using enum Metric::Of;
  if (metric->of == kTenureMonths) return MustBeNull(from, path, {"currency"});
  const bool required = metric->of == kPoints || metric->of == kBalance;
  if (!required && At(from, path, "currency").is_null()) return;
  metric->currency = Text(from, path, "currency");
  (void)IndexOf(metric->currency, currencies, path + ".currency", "currency of the programme");
}

Metric ReadMetric(const Json& from, const std::string& path,
                  const std::vector<Currency>& currencies) {
  OnlyKeys(from, path,
           {"name", "of", "currency", "kinds", "rules", "channels", "locations", "categories",
            "window"});
  Metric metric;
  metric.name = Text(from, path, "name");
  metric.of = Metric::Of(Choice(
      from, path, "of", {"points", "money", "postings", "days", "balance", "tenure_months"}));
  ReadCurrencyOf(from, path, currencies, &metric);
  if (metric.of == Metric::Of::kBalance || metric.of == Metric::Of::kTenureMonths) {
    MustBeNull(from, path, {"kinds", "rules", "channels", "locations", "categories", "window"});
    return metric;
  }
  metric.kinds = ReadKinds(from, path);
  metric.rules = ReadTexts(from, path, "rules");
  metric.channels = ReadTexts(from, path, "channels");
  metric.locations = ReadTexts(from, path, "locations");
  metric.categories = ReadTexts(from, path, "categories");
  metric.window = ReadWindow(At(from, path, "window"), path + ".window");
  return metric;
}

std::vector<Least> ReadAlternative(const Json& from, const std::string& path,
                                   const std::vector<Metric>& metrics) {
  if (!from.is_object() || from.empty()) Refuse(path, "must be an object of metrics");
  std::vector<Least> all;
  for (const auto& item : from.items()) {
    const size_t metric = IndexOf(item.key(), metrics, path, "metric of the ladder");
    const int64_t value = Integer(item.value(), path + "." + item.key(), 1, kThresholdMost);
    all.push_back({uint16_t(metric), value});
  }
  return all;
}

// Programmes from before levels had it do not say it.
void ReadLevelExpiry(const Json& from, const std::string& parent,
                     const std::vector<Currency>& currencies, Level* level) {
  if (!from.contains("expiry")) return;
  const std::string path = parent + ".expiry";
  const Json& by_currency = from["expiry"];
  if (!by_currency.is_object() || by_currency.empty()) {
    Refuse(path, "must be an object of currencies");
  }
  for (const auto& item : by_currency.items()) {
    (void)IndexOf(item.key(), currencies, path, "currency of the programme");
    level->expiry[item.key()] = ReadExpiry(item.value(), path + "." + item.key());
  }
}

Level ReadLevel(const Json& from, const std::string& path, const std::vector<Metric>& metrics,
                const std::vector<Currency>& currencies) {
  OnlyKeys(from, path, {"name", "by_invitation", "when", "validity", "expiry"});
  Level level;
  level.name = Text(from, path, "name");
  level.by_invitation = Flag(from, path, "by_invitation");
  const Json& when = At(from, path, "when");
  if (!when.is_array() || when.size() > kAlternativesMost) {
    Refuse(path + ".when", "must be a list of at most " + std::to_string(kAlternativesMost));
  }
  for (const Json& alternative : when) {
    const std::string at = path + ".when[" + std::to_string(level.when.size()) + "]";
    level.when.push_back(ReadAlternative(alternative, at, metrics));
  }
  ReadLevelExpiry(from, path, currencies, &level);
  const Json& validity = At(from, path, "validity");
  if (validity.is_null()) return level;
  const std::string within = path + ".validity";
  OnlyKeys(validity, within, {"days", "months", "round_up"});
  Validity& read = level.validity.emplace();
  ReadSpan(validity, within, &read);
  const size_t end =
      Choice(validity, within, "round_up", {"none", "day", "month", "quarter", "year", "period"});
  read.to_period_end = end == size_t(Unit::kYear) + 1;
  if (!read.to_period_end) read.round_up = Unit(end);
  return level;
}

void ReadLifetime(const Json& object, const std::string& parent, Ladder* ladder) {
  const Json& from = At(object, parent, "lifetime");
  if (from.is_null()) return;
  const std::string path = parent + ".lifetime";
  OnlyKeys(from, path, {"level", "years"});
  const size_t level =
      IndexOf(Text(from, path, "level"), ladder->levels, path + ".level", "level of the ladder");
  if (level == 0) Refuse(path + ".level", "must not be the first level");
  ladder->lifetime_level = int(level);
  ladder->lifetime_years = int(Integer(from, path, "years", 1, kYearsMost));
}

void CheckLevels(const std::vector<Level>& levels, const std::string& path) {
  if (levels.size() < kLevelsLeast || levels.size() > kLevelsMost) {
    Refuse(path, "must be from " + std::to_string(kLevelsLeast) + " to " +
                     std::to_string(kLevelsMost) + " levels");
  }
  const Level& first = levels[0];
  if (first.by_invitation || !first.when.empty() || first.validity) {
    Refuse(path + "[0]", "must need nothing and have no validity: it is the first level");
  }
  for (size_t at = 1; at < levels.size(); ++at) {
    if (levels[at].by_invitation != levels[at].when.empty()) {
      Refuse(path + "[" + std::to_string(at) + "]", "needs either when or by_invitation");
    }
  }
}

// Whether whoever meets an alternative meets some of `any`, whatever else he has.
bool Implies(const std::vector<Least>& alternative, const std::vector<std::vector<Least>>& any) {
  const auto met = [&](const Least& wanted) {
    return std::any_of(alternative.begin(), alternative.end(), [&](const Least& given) {
      return given.metric == wanted.metric && given.value >= wanted.value;
    });
  };
  return std::any_of(any.begin(), any.end(), [&](const std::vector<Least>& all) {
    return std::all_of(all.begin(), all.end(), met);
  });
}

// That of any two levels the higher one implies the lower: then it does of all that follow each other.
void CheckRising(const std::vector<Level>& levels, const std::string& path) {
  const Level* lower = nullptr;
  for (size_t at = 1; at < levels.size(); ++at) {
    const Level& level = levels[at];
    if (level.by_invitation) continue;
    for (size_t each = 0; lower != nullptr && each < level.when.size(); ++each) {
      if (Implies(level.when[each], lower->when)) continue;
      Refuse(
          path + "[" + std::to_string(at) + "].when[" + std::to_string(each) + "]",
          "is enough for '" + level.name + "', and not for the lower level '" + lower->name + "'");
    }
    lower = &level;
  }
}

bool SamePeriods(const Window& one, const Window& other) {
  return one.model == other.model && one.months == other.months &&
         one.start.year == other.start.year && one.start.month == other.start.month &&
         one.start.day == other.start.day;
}

// Whether the ladder's metrics say what its period is.
bool HasOnePeriod(const std::vector<Metric>& metrics) {
  const Window* period = nullptr;
  for (const Metric& metric : metrics) {
    if (!metric.window.has_periods()) continue;
    if (period != nullptr && !SamePeriods(*period, metric.window)) return false;
    period = &metric.window;
  }
  return period != nullptr;
}

void CheckValidity(const Ladder& ladder, const std::string& path) {
  bool some = false;
  for (size_t at = 0; at < ladder.levels.size(); ++at) {
    const auto& validity = ladder.levels[at].validity;
    if (!validity) continue;
    some = true;
    const std::string within = path + ".levels[" + std::to_string(at) + "].validity";
    if (ladder.downgrade == Ladder::Downgrade::kNever) {
      Refuse(within, "must be null: downgrade is 'never'");
    }
    if (validity->to_period_end && !HasOnePeriod(ladder.metrics)) {
      Refuse(within + ".round_up", "must not be 'period': the metrics do not have one");
    }
  }
  if (ladder.grace_days > 0 && !some) Refuse(path + ".grace_days", "must be 0 without validity");
}

Ladder ReadLadder(const Json& from, const std::string& path,
                  const std::vector<Currency>& currencies) {
  OnlyKeys(from, path,
           {"name", "upgrade", "downgrade", "grace_days", "lifetime", "metrics", "levels"});
  Ladder ladder;
  ladder.name = Text(from, path, "name");
  ladder.at_once = Choice(from, path, "upgrade", {"at_run", "at_once"}) == 1;
  ladder.downgrade =
      Ladder::Downgrade(Choice(from, path, "downgrade", {"full", "one_level", "never"}));
  ladder.grace_days = int(Integer(from, path, "grace_days", 0, kDaysMost));
  ladder.metrics = List<Metric>(At(from, path, "metrics"), path + ".metrics",
                                [&](const Json& metric, const std::string& at) {
                                  return ReadMetric(metric, at, currencies);
                                });
  if (ladder.metrics.size() > kMetricsMost) {
    Refuse(path + ".metrics", "must be at most " + std::to_string(kMetricsMost));
  }
  const std::string levels = path + ".levels";
  ladder.levels =
      List<Level>(At(from, path, "levels"), levels, [&](const Json& level, const std::string& at) {
        return ReadLevel(level, at, ladder.metrics, currencies);
      });
  CheckLevels(ladder.levels, levels);
  CheckRising(ladder.levels, levels);
  CheckValidity(ladder, path);
  ReadLifetime(from, path, &ladder);
  return ladder;
}

// That not more than one ladder says when points of a currency expire.
void CheckExpiries(const std::vector<Ladder>& ladders) {
  std::map<std::string, size_t> said;  // by currency: in which ladder
  for (size_t l = 0; l < ladders.size(); ++l) {
    const std::vector<Level>& levels = ladders[l].levels;
    for (size_t at = 0; at < levels.size(); ++at) {
      for (const auto& [currency, expiry] : levels[at].expiry) {
        const size_t by = said.try_emplace(currency, l).first->second;
        if (by == l) continue;
        Refuse("ladders[" + std::to_string(l) + "].levels[" + std::to_string(at) + "].expiry." +
                   currency,
               "must not be there: levels of '" + ladders[by].name + "' say it already");
      }
    }
  }
}

}  // namespace

std::vector<Ladder> ReadLadders(const Json& list, const std::vector<Currency>& currencies) {
  auto ladders = List<Ladder>(list, "ladders", [&](const Json& from, const std::string& path) {
    return ReadLadder(from, path, currencies);
  });
  if (ladders.size() > kLaddersMost) {
    Refuse("ladders", "must be at most " + std::to_string(kLaddersMost));
  }
  CheckExpiries(ladders);
  return ladders;
}

}  // namespace loyalty::program

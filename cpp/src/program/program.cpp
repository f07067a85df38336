#include "program/program.h"

#include <algorithm>
#include <utility>

#include "program/json.h"
#include "program/read_expiry.h"
#include "program/read_ladder.h"

namespace loyalty::program {

// Reads the normalised form, whose keys are those of docs/programme.md.
struct Reader {
  static Pending ReadPending(const Json& object, const std::string& parent) {
    const Json& from = At(object, parent, "pending");
    const std::string path = parent + ".pending";
    if (from.is_null()) return {};
    OnlyKeys(from, path, {"days", "confirm_within_days"});
    if (from.size() != 1) Refuse(path, "needs either days or confirm_within_days");
    if (from.contains("days")) return {int(Integer(from, path, "days", 1, kDaysMost)), 0};
    return {0, int(Integer(from, path, "confirm_within_days", 1, kDaysMost))};
  }

  static Currency ReadCurrency(const Json& from, const std::string& path) {
    constexpr int64_t kMost = int64_t(1) << 61;
    OnlyKeys(from, path,
             {"name", "decimals", "expiry", "pending", "floor", "ceiling", "over_ceiling",
              "reversal", "return_of_expired_days", "reinstate_within_days", "transfer"});
    Currency currency;
    currency.name = Text(from, path, "name");
    currency.decimals = int(Integer(from, path, "decimals", 0, 9));
    currency.expiry = ReadExpiry(At(from, path, "expiry"), path + ".expiry");
    currency.pending = ReadPending(from, path);
    currency.floor = Integer(from, path, "floor", -kMost, kMost);
    if (!At(from, path, "ceiling").is_null()) {
      currency.ceiling = Integer(from, path, "ceiling", currency.floor, kMost);
    }
    currency.clips = Choice(from, path, "over_ceiling", {"reject", "clip"}) == 1;
    currency.stops_at_zero = Choice(from, path, "reversal", {"arrears", "stop_at_zero"}) == 1;
    currency.return_of_expired_days =
        int(Integer(from, path, "return_of_expired_days", 0, kDaysMost));
    currency.reinstate_within_days =
        int(Integer(from, path, "reinstate_within_days", 0, kDaysMost));
    currency.transfer = Currency::Transfer(
        Choice(from, path, "transfer", {"keep_expiry", "restart_expiry", "forbidden"}));
    return currency;
  }

  static EarnRule ReadRule(const Json& from, const std::string& path,
                           const std::vector<Currency>& currencies) {
    OnlyKeys(
        from, path,
        {"name", "currency", "points_per_money", "rounding", "expiry", "pending", "over_ceiling"});
    EarnRule rule;
    rule.name = Text(from, path, "name");
    rule.currency = Text(from, path, "currency");
    (void)IndexOf(rule.currency, currencies, path + ".currency", "currency of the programme");
    const Json& rate = At(from, path, "points_per_money");
    if (!rate.is_null()) {
      const auto positive = [](const Json& n) {
        return n.is_number_integer() && n >= 1 && n <= INT32_MAX;
      };
      if (!rate.is_array() || rate.size() != 2 || !positive(rate[0]) || !positive(rate[1])) {
        Refuse(path + ".points_per_money", "must be two integers from 1 to 2147483647");
      }
      rule.numerator = rate[0].get<int64_t>();
      rule.denominator = rate[1].get<int64_t>();
    }
    rule.rounding =
        EarnRule::Rounding(Choice(from, path, "rounding", {"floor", "half_even", "ceil"}));
    const Json& expiry = At(from, path, "expiry");
    if (!expiry.is_null()) rule.expiry = ReadExpiry(expiry, path + ".expiry");
    rule.pending = ReadPending(from, path);
    rule.clips = Choice(from, path, "over_ceiling", {"reject", "clip"}) == 1;
    return rule;
  }

  static std::shared_ptr<const Program> Read(std::string_view text) {
    const Json document = Json::parse(text, nullptr, false);
    if (document.is_discarded()) Refuse("the document", "is not JSON");
    OnlyKeys(document, "the document",
             {"format", "name", "time_zone", "currencies", "rules", "ladders"});
    (void)Integer(document, "the document", "format", 1, 1);
    auto program = std::make_shared<Program>();
    program->json_ = text;
    program->name_ = Text(document, "the document", "name");
    auto calendar = Calendar::Open(Text(document, "the document", "time_zone"));
    if (!calendar.ok()) Refuse("time_zone:", calendar.status().message());
    program->calendar_ = std::move(calendar).value();
    const auto list = [&](const char* key) -> const Json& {
      return At(document, "the document", key);
    };
    program->currencies_ = List<Currency>(list("currencies"), "currencies", ReadCurrency);
    if (program->currencies_.empty()) Refuse("currencies", "must not be empty");
    program->rules_ =
        List<EarnRule>(list("rules"), "rules", [&](const Json& from, const std::string& path) {
          return ReadRule(from, path, program->currencies_);
        });
    program->ladders_ = ReadLadders(list("ladders"), program->currencies_);
    return program;
  }

  static std::shared_ptr<const Program> MakeDefault() {
    auto program = std::make_shared<Program>();
    auto utc = Calendar::Open("UTC");
    if (utc.ok()) program->calendar_ = std::move(utc).value();
    return program;
  }
};

Result<std::shared_ptr<const Program>> Program::Parse(std::string_view json) {
  try {
    return Reader::Read(json);
  } catch (const Wrong& wrong) {
    return Status(StatusCode::kInvalidArgument, wrong.what);
  }
}

std::shared_ptr<const Program> Program::Default() {
  static const std::shared_ptr<const Program> program = Reader::MakeDefault();
  return program;
}

std::optional<int64_t> EarnRule::PointsOf(int64_t money) const {
  __extension__ using Wide = __int128;
  const Wide product = Wide(money) * numerator;
  Wide points = product / denominator;
  const Wide rest = product % denominator;
  if (rounding == Rounding::kCeil) {
    points += rest > 0;
  } else if (rounding == Rounding::kHalfEven) {
    const Wide twice = rest * 2;
    points += twice > denominator || (twice == denominator && points % 2 == 1);
  }
  if (points > INT64_MAX) return std::nullopt;
  return int64_t(points);
}

std::vector<std::string> Program::Names() const {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const EarnRule& rule : rules_) add(rule.name);
  for (const Ladder& ladder : ladders_) {
    add(ladder.name);
    for (const Level& level : ladder.levels) add(level.name);
  }
  return names;
}

int64_t Program::ExpiryFrom(const Expiry& expiry, int64_t at_us) const {
  int64_t expires_us = kNever_us;
  if (expiry.model == Expiry::Model::kRolling) {
    const int64_t end_us = expiry.months > 0 ? calendar_.AddMonths(at_us, expiry.months)
                                             : calendar_.AddDays(at_us, expiry.days);
    expires_us = calendar_.EndOf(end_us, expiry.round_up);
  } else if (expiry.model == Expiry::Model::kInactivity) {
    // Never for ever: a later activity could not put that off.
    return std::min(calendar_.AddMonths(at_us, expiry.months), kMaxTime_us - 1);
  } else if (expiry.model == Expiry::Model::kDates) {
    expires_us = calendar_.NextEndOf(at_us, expiry.dates).value_or(kNever_us);
  }
  return expires_us < kMaxTime_us ? expires_us : kNever_us;
}

}  // namespace loyalty::program

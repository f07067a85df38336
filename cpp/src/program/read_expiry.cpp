#include "program/read_expiry.h"

namespace loyalty::program {

Expiry ReadExpiry(const Json& from, const std::string& path) {
  Expiry expiry;
  expiry.model =
      Expiry::Model(Choice(from, path, "model", {"never", "rolling", "dates", "inactivity"}));
  switch (expiry.model) {
    case Expiry::Model::kNever: OnlyKeys(from, path, {"model"}); break;
    case Expiry::Model::kRolling:
      OnlyKeys(from, path, {"model", "days", "months", "round_up"});
      ReadSpan(from, path, &expiry);
      expiry.round_up =
          Unit(Choice(from, path, "round_up", {"none", "day", "month", "quarter", "year"}));
      break;
    case Expiry::Model::kDates: {
      OnlyKeys(from, path, {"model", "dates"});
      const Json& dates = At(from, path, "dates");
      if (!dates.is_array() || dates.empty()) Refuse(path + ".dates", "must be a list of dates");
      for (const Json& date : dates) {
        if (!date.is_string()) Refuse(path + ".dates", "must be a list of dates");
        expiry.dates.push_back(ReadDate(date.get<std::string>(), path + ".dates"));
      }
      break;
    }
    case Expiry::Model::kInactivity:
      OnlyKeys(from, path, {"model", "months"});
      expiry.months = int(Integer(from, path, "months", 1, kMonthsMost));
  }
  return expiry;
}

}  // namespace loyalty::program

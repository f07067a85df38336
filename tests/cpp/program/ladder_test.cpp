#include "program/ladder.h"

#include <gtest/gtest.h>

#include "program/program.h"

namespace loyalty::program {
namespace {

const std::string kBefore =
    R"({"format":1,"name":"Shop","time_zone":"UTC","currencies":[)"
    R"({"name":"points","decimals":0,"expiry":{"model":"never"},"pending":null,"floor":0,"ceiling":null,)"
    R"("over_ceiling":"reject","reversal":"arrears","return_of_expired_days":0,"reinstate_within_days":0,)"
    R"("transfer":"keep_expiry"}],"rules":[],"ladders":[)";
const std::string kStatus =
    R"({"name":"status","upgrade":"at_once","downgrade":"one_level","grace_days":30,)"
    R"("lifetime":{"level":"gold","years":10},"metrics":[)"
    R"({"name":"spent","of":"money","currency":null,"kinds":["adjust","earn"],"rules":["a","b"],)"
    R"("channels":null,"locations":null,"categories":["food"],"window":{"model":"calendar_year"}},)"
    R"({"name":"visits","of":"days","currency":"points","kinds":["redeem"],"rules":null,"channels":null,)"
    R"("locations":null,"categories":null,"window":{"model":"trailing","days":90,"months":0}},)"
    R"({"name":"has","of":"balance","currency":"points","kinds":null,"rules":null,"channels":null,)"
    R"("locations":null,"categories":null,"window":null}],"levels":[)"
    R"({"name":"blue","by_invitation":false,"when":[],"validity":null},)"
    R"({"name":"silver","by_invitation":false,"when":[{"spent":500},{"has":7}],)"
    R"("validity":{"days":0,"months":12,"round_up":"period"}},)"
    R"({"name":"gold","by_invitation":false,"when":[{"spent":1000,"visits":20}],)"
    R"("validity":{"days":5,"months":0,"round_up":"year"}},)"
    R"({"name":"diamond","by_invitation":true,"when":[],"validity":null}]})";
const std::string kAfter = "]}";

// The text with something else in place of the first of what is there.
std::string With(const std::string& what, const std::string& instead) {
  std::string json = kStatus;
  const size_t at = json.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return json.replace(at, what.size(), instead);
}

std::string FaultOf(const std::string& ladders) {
  const auto program = Program::Parse(kBefore + ladders + kAfter);
  EXPECT_EQ(program.status().code(), StatusCode::kInvalidArgument) << ladders;
  return program.ok() ? "" : std::string(program.status().message());
}

void ExpectFault(const std::string& ladders, const std::string& fault) {
  const std::string found = FaultOf(ladders);
  EXPECT_NE(found.find(fault), std::string::npos) << found << " instead of " << fault;
}

void ExpectFault(const std::string& what, const std::string& instead, const std::string& fault) {
  ExpectFault(With(what, instead), "ladders[0]" + fault);
}

TEST(Ladder, IsReadWhole) {
  const auto parsed = Program::Parse(kBefore + kStatus + kAfter);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  ASSERT_EQ((*parsed)->ladders().size(), 1u);
  const Ladder& ladder = (*parsed)->ladders()[0];
  EXPECT_EQ(ladder.name, "status");
  EXPECT_TRUE(ladder.at_once);
  EXPECT_EQ(ladder.downgrade, Ladder::Downgrade::kOneLevel);
  EXPECT_EQ(ladder.grace_days, 30);
  EXPECT_EQ(ladder.lifetime_level, 2);
  EXPECT_EQ(ladder.lifetime_years, 10);
  EXPECT_EQ(ladder.metrics.size(), 3u);
  EXPECT_EQ(ladder.levels.size(), 4u);
}

TEST(Ladder, HasMetricsWithWhatTheyAddUp) {
  const auto parsed = Program::Parse(kBefore + kStatus + kAfter);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const std::vector<Metric>& metrics = (*parsed)->ladders().at(0).metrics;
  const Metric& spent = metrics.at(0);
  EXPECT_EQ(spent.of, Metric::Of::kMoney);
  EXPECT_EQ(spent.currency, "");
  EXPECT_EQ(spent.kinds, (std::vector{Kind::kAdjust, Kind::kEarn}));
  EXPECT_EQ(spent.rules, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(spent.channels, std::nullopt);
  EXPECT_EQ(spent.locations, std::nullopt);
  EXPECT_EQ(spent.categories, (std::vector<std::string>{"food"}));
  EXPECT_EQ(spent.window.model, Window::Model::kCalendarYear);
  const Metric& visits = metrics.at(1);
  EXPECT_EQ(visits.of, Metric::Of::kDays);
  EXPECT_EQ(visits.currency, "points");
  EXPECT_EQ(visits.kinds, std::vector{Kind::kRedeem});
  EXPECT_EQ(visits.window.model, Window::Model::kTrailing);
  EXPECT_EQ(visits.window.days, 90);
  EXPECT_EQ(visits.window.months, 0);
  const Metric& has = metrics.at(2);
  EXPECT_EQ(has.of, Metric::Of::kBalance);
  EXPECT_TRUE(has.kinds.empty());
}

TEST(Ladder, HasLevelsWithConditionsAndValidity) {
  const auto parsed = Program::Parse(kBefore + kStatus + kAfter);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const std::vector<Level>& levels = (*parsed)->ladders().at(0).levels;
  EXPECT_TRUE(levels.at(0).when.empty());
  EXPECT_FALSE(levels.at(0).validity);
  const Level& silver = levels.at(1);
  ASSERT_EQ(silver.when.size(), 2u);
  EXPECT_EQ(silver.when[1].at(0).metric, 2);
  EXPECT_EQ(silver.when[1].at(0).value, 7);
  ASSERT_TRUE(silver.validity);
  EXPECT_EQ(silver.validity->months, 12);
  EXPECT_EQ(silver.validity->round_up, Unit::kNone);
  EXPECT_TRUE(silver.validity->to_period_end);
  const Level& gold = levels.at(2);
  ASSERT_EQ(gold.when.size(), 1u);
  ASSERT_EQ(gold.when[0].size(), 2u);
  EXPECT_EQ(gold.when[0][1].metric, 1);
  EXPECT_EQ(gold.when[0][1].value, 20);
  EXPECT_EQ(gold.validity->days, 5);
  EXPECT_EQ(gold.validity->round_up, Unit::kYear);
  EXPECT_FALSE(gold.validity->to_period_end);
  EXPECT_TRUE(levels.at(3).by_invitation);
  EXPECT_TRUE(levels.at(3).when.empty());
}

// With such an expiry of its gold.
std::string WithExpiry(const std::string& expiry) {
  return With(R"("name":"gold",)", R"("name":"gold","expiry":)" + expiry + ",");
}

TEST(Ladder, LevelsMaySayWhenPointsExpire) {
  const auto parsed = Program::Parse(
      kBefore +
      WithExpiry(R"({"points":{"model":"rolling","days":0,"months":36,"round_up":"month"}})") +
      kAfter);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const std::vector<Level>& levels = (*parsed)->ladders().at(0).levels;
  EXPECT_TRUE(levels.at(1).expiry.empty());
  const Expiry& expiry = levels.at(2).expiry.at("points");
  EXPECT_EQ(expiry.model, Expiry::Model::kRolling);
  EXPECT_EQ(expiry.months, 36);
  EXPECT_EQ(expiry.round_up, Unit::kMonth);
}

TEST(Ladder, SaysWhichKeyOfALevelsExpiryIsWrong) {
  const std::string at = "ladders[0].levels[2].expiry";
  ExpectFault(WithExpiry("{}"), at + " must be an object of currencies");
  ExpectFault(WithExpiry("null"), at + " must be an object of currencies");
  ExpectFault(WithExpiry(R"({"miles":{"model":"never"}})"),
              at + " names no currency of the programme: 'miles'");
  ExpectFault(WithExpiry(R"({"points":{"model":"inactivity","months":0}})"),
              at + ".points.months must be an integer from 1");
  ExpectFault(WithExpiry(R"({"points":{"model":"never","months":3}})"),
              at + ".points has an unknown key 'months'");
  const std::string never = R"({"points":{"model":"never"}})";
  std::string other = WithExpiry(never);
  other.replace(other.find("status"), 6, "other");
  ExpectFault(WithExpiry(never) + "," + other,
              "ladders[1].levels[2].expiry.points must not be there: levels of 'status' say it");
}

TEST(Ladder, MayHaveAnyNames) {
  const auto parsed = Program::Parse(
      kBefore +
      R"({"name":"\u0000","upgrade":"at_run","downgrade":"full","grace_days":0,"lifetime":null,)"
      R"("metrics":[{"name":"\u0000a","of":"tenure_months","currency":null,"kinds":null,)"
      R"("rules":null,"channels":null,"locations":null,"categories":null,"window":null}],"levels":[)"
      R"({"name":"\u0000","by_invitation":false,"when":[],"validity":null},)"
      R"({"name":"é","by_invitation":false,"when":[{"\u0000a":3}],"validity":null}]})" +
      kAfter);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ((*parsed)->ladders().at(0).levels.at(1).when.at(0).at(0).value, 3);
}

TEST(Ladder, HasWindowsOfAllModels) {
  const std::string year = R"({"model":"calendar_year"})";
  const auto window_of = [&](const std::string& json) {
    std::string status = With(year, json);
    const std::string period = "\"period\"";
    status.replace(status.find(period), period.size(), "\"none\"");
    const auto parsed = Program::Parse(kBefore + status + kAfter);
    EXPECT_TRUE(parsed.ok()) << parsed.status().message();
    return parsed.ok() ? (*parsed)->ladders().at(0).metrics.at(0).window : Window();
  };
  EXPECT_EQ(window_of(R"({"model":"anniversary"})").model, Window::Model::kAnniversary);
  EXPECT_EQ(window_of(R"({"model":"since_change"})").model, Window::Model::kSinceChange);
  EXPECT_EQ(window_of(R"({"model":"lifetime"})").model, Window::Model::kLifetime);
  const Window trailing = window_of(R"({"model":"trailing","days":0,"months":6})");
  EXPECT_EQ(trailing.model, Window::Model::kTrailing);
  EXPECT_EQ(trailing.months, 6);
  const Window cycle = window_of(R"({"model":"cycle","start":"2024-01-15","months":6})");
  EXPECT_EQ(cycle.model, Window::Model::kCycle);
  EXPECT_EQ(cycle.months, 6);
  EXPECT_EQ(cycle.start.year, 2024);
  EXPECT_EQ(cycle.start.month, 1);
  EXPECT_EQ(cycle.start.day, 15);
}

TEST(Ladder, SaysWhichKeyIsWrong) {
  ExpectFault("\"grace_days\"", "\"grace_day\"", " has an unknown key 'grace_day'");
  ExpectFault("\"grace_days\":30,", "", " has no 'grace_days'");
  ExpectFault("\"grace_days\":30", "\"grace_days\":-1", ".grace_days must be an integer from 0");
  ExpectFault("at_once", "soon", ".upgrade has the unknown value 'soon'");
  ExpectFault("one_level", "two_levels", ".downgrade has the unknown value 'two_levels'");
  ExpectFault("\"level\":\"gold\"", "\"level\":\"blue\"", ".lifetime.level must not be the first");
  ExpectFault("\"level\":\"gold\"", "\"level\":\"g\"", ".lifetime.level names no level of the");
  ExpectFault("\"years\":10", "\"years\":0", ".lifetime.years must be an integer from 1");
  ExpectFault(kStatus + "," + kStatus, "ladders has 'status' twice");
  std::string many = kStatus;
  for (const char* const name : {"b", "c", "d", "e", "f", "g", "h", "i"}) {
    many += ",";
    many += With("status", name);
  }
  ExpectFault(many, "ladders must be at most 8");
}

TEST(Ladder, SaysWhichKeyOfAMetricIsWrong) {
  ExpectFault("\"money\"", "\"cash\"", ".metrics[0].of has the unknown value 'cash'");
  ExpectFault("\"of\":\"money\"", "\"of\":\"points\"", ".metrics[0].currency must be a text");
  ExpectFault("\"currency\":\"points\"", "\"currency\":\"miles\"",
              ".metrics[1].currency names no currency of the programme: 'miles'");
  ExpectFault("\"of\":\"balance\"", "\"of\":\"tenure_months\"",
              ".metrics[2].currency must be null");
  ExpectFault("[\"redeem\"]", "null", ".metrics[1].kinds must be a list");
  ExpectFault("[\"redeem\"]", "[\"reverse\"]", ".metrics[1].kinds has the unknown value 'reverse'");
  ExpectFault("[\"redeem\"]", "[\"earn\",\"redeem\"]", ".metrics[1].kinds must be credits alone");
  ExpectFault("\"kinds\":null", "\"kinds\":[\"earn\"]", ".metrics[2].kinds must be null");
  ExpectFault("[\"a\",\"b\"]", "[]", ".metrics[0].rules must be null or a list of texts");
  ExpectFault("[\"a\",\"b\"]", "[\"\"]", ".metrics[0].rules must be null or a list of texts");
  ExpectFault("[\"a\",\"b\"]", "[\"a\",\"a\"]",
              ".metrics[0].rules must be sorted, without repeats");
  ExpectFault("\"name\":\"visits\"", "\"name\":\"spent\"", ".metrics has 'spent' twice");
}

TEST(Ladder, SaysWhichKeyOfAWindowIsWrong) {
  const std::string year = R"({"model":"calendar_year"})";
  ExpectFault(year, "null", ".metrics[0].window has no 'model'");
  ExpectFault("\"window\":null", "\"window\":" + year, ".metrics[2].window must be null");
  ExpectFault("calendar_year", "year", ".metrics[0].window.model has the unknown value 'year'");
  ExpectFault(year, R"({"model":"lifetime","days":1})", ".metrics[0].window has an unknown key");
  ExpectFault("\"days\":90", "\"days\":0", ".metrics[1].window needs either days or months");
  ExpectFault("\"days\":90", "\"days\":100001", ".metrics[1].window.days must be an integer from");
  const auto cycle = [](const std::string& start, int months) {
    return R"({"model":"cycle","start":")" + start + R"(","months":)" + std::to_string(months) +
           "}";
  };
  ExpectFault(year, cycle("2024-01-15", 0), ".metrics[0].window.months must be an integer from 1");
  for (const char* const start : {"2024-02-30", "1899-12-31", "2200-01-01", "01-15", "x"}) {
    ExpectFault(year, cycle(start, 6), ".metrics[0].window.start ");
  }
}

TEST(Ladder, SaysWhichKeyOfALevelIsWrong) {
  ExpectFault("\"by_invitation\":false", "\"by_invitation\":0",
              ".levels[0].by_invitation must be true or false");
  ExpectFault("\"when\":[],", "\"when\":[{\"has\":1}],", ".levels[0] must need nothing");
  ExpectFault("\"by_invitation\":false", "\"by_invitation\":true", ".levels[0] must need nothing");
  ExpectFault("[{\"spent\":500},{\"has\":7}]", "[]",
              ".levels[1] needs either when or by_invitation");
  ExpectFault("\"by_invitation\":true,\"when\":[]",
              "\"by_invitation\":true,\"when\":[{\"spent\":1}]",
              ".levels[3] needs either when or by_invitation");
  ExpectFault("{\"has\":7}", "{}", ".levels[1].when[1] must be an object of metrics");
  ExpectFault("{\"has\":7}", "{\"had\":7}",
              ".levels[1].when[1] names no metric of the ladder: 'had'");
  ExpectFault("{\"has\":7}", "{\"has\":0}", ".levels[1].when[1].has must be an integer from 1");
  ExpectFault("\"months\":12", "\"months\":0", ".levels[1].validity needs either days or months");
  ExpectFault("\"period\"", "\"week\"",
              ".levels[1].validity.round_up has the unknown value 'week'");
  ExpectFault("\"name\":\"gold\"", "\"name\":\"silver\"", ".levels has 'silver' twice");
  const size_t second = kStatus.find(",{\"name\":\"silver\"");
  ExpectFault(kStatus.substr(0, second) + "]}", "ladders[0].levels must be from 2 to 32 levels");
}

TEST(Ladder, RefusesAHigherLevelThatIsWithinReachBeforeALowerOne) {
  const std::string gold = "{\"spent\":1000,\"visits\":20}";
  const std::string fault = ".when[0] is enough for 'gold', and not for the lower level 'silver'";
  ExpectFault(gold, "{\"spent\":499}", ".levels[2]" + fault);
  ExpectFault(gold, "{\"visits\":20}", ".levels[2]" + fault);
  ExpectFault(gold, "{\"has\":6}", ".levels[2]" + fault);
  ExpectFault(gold, gold + ",{\"visits\":9}", ".levels[2].when[1] is enough for 'gold'");
  const auto enough = Program::Parse(kBefore + With(gold, "{\"has\":7},{\"spent\":500}") + kAfter);
  EXPECT_TRUE(enough.ok()) << enough.status().message();
}

TEST(Ladder, RefusesValidityThatHasNoMeaning) {
  ExpectFault("one_level", "never", ".levels[1].validity must be null: downgrade is 'never'");
  ExpectFault("\"calendar_year\"", "\"lifetime\"",
              ".levels[1].validity.round_up must not be 'period'");
  ExpectFault(R"({"model":"trailing","days":90,"months":0})", R"({"model":"anniversary"})",
              ".levels[1].validity.round_up must not be 'period'");
  std::string status = kStatus;
  for (size_t at; (at = status.find("\"validity\":{")) != std::string::npos;) {
    status.replace(at, status.find('}', at) + 1 - at, "\"validity\":null");
  }
  ExpectFault(status, "ladders[0].grace_days must be 0 without validity");
}

}  // namespace
}  // namespace loyalty::program

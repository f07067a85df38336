#include "program/program.h"

#include <gtest/gtest.h>

namespace loyalty::program {
namespace {

const std::string kShop =
    R"({"format":1,"name":"Shop","time_zone":"Europe/Paris","currencies":[)"
    R"({"name":"points","decimals":0,"expiry":{"model":"rolling","days":0,"months":12,"round_up":"month"},)"
    R"("pending":{"days":14},"floor":-50,"ceiling":1000,"over_ceiling":"clip","reversal":"stop_at_zero",)"
    R"("return_of_expired_days":30,"reinstate_within_days":90,"transfer":"forbidden"}],)"
    R"("rules":[{"name":"base","currency":"points","points_per_money":[1,10],"rounding":"half_even",)"
    R"("expiry":{"model":"dates","dates":["06-30","2027-03-31"]},"pending":null,"over_ceiling":"reject"}],"ladders":[]})";

std::string With(const std::string& what, const std::string& instead) {
  std::string json = kShop;
  const size_t at = json.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return json.replace(at, what.size(), instead);
}

std::string FaultOf(const std::string& json) {
  const auto program = Program::Parse(json);
  EXPECT_EQ(program.status().code(), StatusCode::kInvalidArgument);
  return program.ok() ? "" : std::string(program.status().message());
}

TEST(Program, ReadsWhatItHeeds) {
  const auto parsed = Program::Parse(kShop);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const Program& program = **parsed;
  EXPECT_EQ(program.json(), kShop);
  ASSERT_EQ(program.currencies().size(), 1u);
  const Currency& points = program.currencies()[0];
  EXPECT_EQ(points.expiry.months, 12);
  EXPECT_EQ(points.expiry.round_up, Unit::kMonth);
  EXPECT_EQ(points.pending.days, 14);
  EXPECT_EQ(points.floor, -50);
  EXPECT_EQ(points.ceiling, 1000);
  EXPECT_TRUE(points.clips);
  EXPECT_TRUE(points.stops_at_zero);
  EXPECT_EQ(points.return_of_expired_days, 30);
  const EarnRule& base = program.rules().at(0);
  EXPECT_EQ(base.expiry->dates.at(1).year, 2027);
  EXPECT_EQ(base.pending.days, 0);
  EXPECT_FALSE(base.clips);
  EXPECT_TRUE(program.ladders().empty());
}

TEST(Program, ARuleMayLeaveTheExpiryToLevels) {
  const auto parsed = Program::Parse(
      With(R"("expiry":{"model":"dates","dates":["06-30","2027-03-31"]})", R"("expiry":null)"));
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_FALSE((*parsed)->rules().at(0).expiry.has_value());
}

TEST(Program, SaysWhichKeyIsWrong) {
  EXPECT_NE(FaultOf("{").find("is not JSON"), std::string::npos);
  EXPECT_NE(FaultOf(With("Europe/Paris", "Mars/Olympus")).find("time_zone: there is no time zone"),
            std::string::npos);
  EXPECT_NE(FaultOf(With("\"floor\":-50", "\"flour\":-50"))
                .find("currencies[0] has an unknown key 'flour'"),
            std::string::npos);
  EXPECT_NE(FaultOf(With("\"floor\":-50,", "")).find("currencies[0] has no 'floor'"),
            std::string::npos);
  EXPECT_NE(
      FaultOf(With("\"ceiling\":1000", "\"ceiling\":-51")).find("currencies[0].ceiling must be"),
      std::string::npos);
  EXPECT_NE(FaultOf(With("\"months\":12", "\"months\":0")).find("needs either days or months"),
            std::string::npos);
  EXPECT_NE(FaultOf(With("06-30", "13-30")).find("wrong date '13-30'"), std::string::npos);
  EXPECT_NE(
      FaultOf(With("\"currency\":\"points\"", "\"currency\":\"miles\"")).find("rules[0].currency"),
      std::string::npos);
  EXPECT_NE(FaultOf(With("[1,10]", "[1,0]")).find("rules[0].points_per_money"), std::string::npos);
  EXPECT_NE(FaultOf(With("half_even", "up")).find("unknown value 'up'"), std::string::npos);
  EXPECT_NE(FaultOf(With(",\"ladders\":[]", "")).find("has no 'ladders'"), std::string::npos);
  EXPECT_NE(FaultOf(With("\"format\":1", "\"format\":2")).find("format"), std::string::npos);
}

TEST(EarnRule, RoundsAsItSays) {
  EarnRule rule;
  rule.numerator = 1;
  rule.denominator = 10;
  const auto points = [&](EarnRule::Rounding rounding, int64_t money) {
    rule.rounding = rounding;
    return rule.PointsOf(money).value_or(-1);
  };
  using enum EarnRule::Rounding;
  EXPECT_EQ(points(kFloor, 19), 1);
  EXPECT_EQ(points(kCeil, 11), 2);
  EXPECT_EQ(points(kCeil, 10), 1);
  EXPECT_EQ(points(kHalfEven, 15), 2);
  EXPECT_EQ(points(kHalfEven, 25), 2);
  EXPECT_EQ(points(kHalfEven, 26), 3);
  rule.numerator = INT32_MAX;
  rule.denominator = 1;
  EXPECT_EQ(rule.PointsOf(INT64_MAX), std::nullopt);
}

}  // namespace
}  // namespace loyalty::program

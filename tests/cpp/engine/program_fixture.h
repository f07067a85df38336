// A ledger with a programme of one currency, and the rule "base".
#pragma once

#include "engine/ledger_fixture.h"

namespace loyalty::engine {

inline constexpr int64_t kDay_us = 86'400'000'000;

// A currency and the rule "base" (a point for 10 of money); `more` are further members of the currency.
struct Shop {
  std::string expiry = R"({"model":"never"})";
  std::string pending = "null";
  std::string floor = "0";
  std::string ceiling = "null";
  std::string over_ceiling = "reject";
  std::string reversal = "arrears";
  int return_of_expired_days = 0;
  int reinstate_within_days = 0;
  std::string transfer = "keep_expiry";
  std::string rule_expiry = "";  // the same as of the currency
  std::string name = "points";
  int decimals = 0;
  std::string ladders = "";  // separated by commas

  std::string Json() const {
    const std::string currency =
        R"({"name":")" + name + R"(","decimals":)" + std::to_string(decimals) + R"(,"expiry":)" +
        expiry + R"(,"pending":)" + pending + R"(,"floor":)" + floor + R"(,"ceiling":)" + ceiling +
        R"(,"over_ceiling":")" + over_ceiling + R"(","reversal":")" + reversal +
        R"(","return_of_expired_days":)" + std::to_string(return_of_expired_days) +
        R"(,"reinstate_within_days":)" + std::to_string(reinstate_within_days) +
        R"(,"transfer":")" + transfer + R"("})";
    const std::string rule = R"({"name":"base","currency":")" + name +
                             R"(","points_per_money":[1,10],"rounding":"floor","expiry":)" +
                             (rule_expiry.empty() ? expiry : rule_expiry) + R"(,"pending":)" +
                             pending + R"(,"over_ceiling":")" + over_ceiling + R"("})";
    return R"({"format":1,"name":"Shop","time_zone":"UTC","currencies":[)" + currency +
           R"(],"rules":[)" + rule + R"(],"ladders":[)" + ladders + "]}";
  }
};

class ProgramTest : public LedgerTest {
 protected:
  void SetUp() override {}
  void Start(const Shop& shop) {
    ASSERT_OK(Ledger::CreateWithProgram(path_, shop.Json()));
    Reopen();
    Post({Open(1, 7)});
    base_ = *Intern("base");
  }
  void Change(const Shop& shop) {
    const auto version = ledger_->ApplyProgram(shop.Json(), {});
    ASSERT_OK(version.status());
  }
  Posting Buy(uint64_t id, int64_t money) {
    Posting posting = Earn(id, 7, kByProgram);
    posting.money = money;
    posting.codes.rule = base_;
    return posting;
  }
  Record RecordOf(uint64_t sequence) { return ledger_->Changes(sequence, 1)->at(0); }

  uint32_t base_ = 0;
};

}  // namespace loyalty::engine

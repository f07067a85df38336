// A ledger in a directory of its own, and short ways to post to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/ledger_impl.h"
#include "loyalty/ledger.h"
#include "temporary_directory.h"

namespace loyalty {

inline void PrintTo(const BalanceParts& p, std::ostream* out) {
  *out << "active " << p.active << " pending " << p.pending << " held " << p.held << " arrears "
       << p.arrears;
}

}  // namespace loyalty

namespace loyalty::engine {

#define ASSERT_OK(expression)                                            \
  do {                                                                   \
    const ::loyalty::Status s_ = (expression);                           \
    ASSERT_TRUE(s_.ok()) << ToString(s_.code()) << ": " << s_.message(); \
  } while (false)

constexpr int64_t kNoon_us = 1'700'000'000'000'000;

inline Posting Request(Kind kind, uint64_t id, MemberKey member, int64_t points = 0) {
  Posting posting;
  posting.kind = kind;
  posting.id = {0x0190'0000'0000'7000, id};
  posting.member = member;
  posting.points = points;
  posting.effective_us = kNoon_us + int64_t(id);
  return posting;
}
inline Posting Open(uint64_t id, int64_t member) {
  return Request(Kind::kOpenMember, id, MemberKey(member));
}
inline Posting Earn(uint64_t id, int64_t member, int64_t points) {
  return Request(Kind::kEarn, id, MemberKey(member), points);
}
inline Posting Redeem(uint64_t id, int64_t member, int64_t points) {
  return Request(Kind::kRedeem, id, MemberKey(member), points);
}
inline Posting Reverse(uint64_t id, int64_t member, uint64_t of) {
  Posting posting = Request(Kind::kReverse, id, MemberKey(member));
  posting.related = {0x0190'0000'0000'7000, of};
  return posting;
}

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Ledger::Create(path_, {"points", "status"}));
    Reopen();
  }
  void Reopen() {
    ledger_.reset();
    auto opened = OpenLedger(path_, options_, nullptr);
    ASSERT_OK(opened.status());
    ledger_ = std::move(opened).value();
  }
  std::vector<Reply> Post(const std::vector<Posting>& postings) {
    std::vector<Reply> replies(postings.size());
    const Status status = ledger_->Post(postings, replies);
    EXPECT_TRUE(status.ok()) << status.message();
    return replies;
  }
  Reply PostOne(const Posting& posting) { return Post({posting})[0]; }
  Result<uint32_t> Intern(std::string_view text) {
    LOYALTY_ASSIGN_OR_RETURN(const std::vector<uint32_t> codes, ledger_->InternCodes({&text, 1}));
    return codes[0];
  }
  int64_t BalanceOf(int64_t member, uint16_t currency = 0) {
    const MemberKey key(member);
    Balance balance;
    EXPECT_TRUE(ledger_->Balances({&key, 1}, {currency, kNoon_us}, {&balance, 1}).ok());
    EXPECT_TRUE(balance.found) << "member " << member;
    return balance.parts.active;
  }
  // All that the member has at an instant, with what expires next.
  Balance At(int64_t at_us, int64_t member = 7) {
    const MemberKey key(member);
    Balance balance;
    EXPECT_TRUE(
        ledger_->Balances({&key, 1}, {.at_us = at_us, .expiring = true}, {&balance, 1}).ok());
    return balance;
  }
  void ExpectVerified() {
    const auto report = ledger_->Verify(nullptr);
    ASSERT_OK(report.status());
    for (const std::string& problem : report->problems) ADD_FAILURE() << problem;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "ledger";
  LedgerOptions options_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace loyalty::engine

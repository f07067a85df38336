// Balances, statements, changes, totals: during a life of the ledger, and after reopening.
#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

class ReadingTest : public LedgerTest {
 protected:
  std::vector<Record> StatementOf(int64_t member, int64_t from_us = kMinTime_us,
                                  int64_t to_us = kMaxTime_us) {
    auto page = ledger_->Statement(MemberKey(member), {from_us, to_us});
    EXPECT_TRUE(page.ok()) << page.status().message();
    return std::move(page->records);
  }
};

TEST_F(ReadingTest, StatementMergesHistoryAndTail) {
  Post({Open(1, 7), Earn(2, 7, 10), Open(3, 8), Earn(4, 8, 1)});
  ASSERT_OK(ledger_->Checkpoint());
  Posting earlier = Earn(5, 7, 20);
  earlier.effective_us = kNoon_us - 1;
  Post({earlier, Redeem(6, 7, 500)});
  for (int opening = 0; opening < 3; ++opening) {
    const auto records = StatementOf(7);
    ASSERT_EQ(records.size(), 4u);
    EXPECT_EQ(records[0].entry.points, 20);  // by effective time
    EXPECT_EQ(records[1].text, "7");
    EXPECT_EQ(records[2].entry.points, 10);
    EXPECT_EQ(records[2].entry.id, Earn(2, 7, 10).id);
    EXPECT_EQ(records[3].entry.status, PostingStatus::kInsufficientPoints);
    EXPECT_EQ(StatementOf(7, kNoon_us, kNoon_us + 3).size(), 2u);
    EXPECT_EQ(StatementOf(8).size(), 2u);
    if (opening == 1) {
      ASSERT_OK(ledger_->Checkpoint());
    }
    Reopen();
  }
  EXPECT_EQ(ledger_->Statement(MemberKey(int64_t(9)), {0, 1}).status().code(),
            StatusCode::kNotFound);
}

TEST_F(ReadingTest, PagesOfAStatementAreNotDisturbed) {
  options_.segment_entries = 20;
  Reopen();
  Post({Open(1, 7)});
  for (uint64_t i = 2; i < 60; ++i) {
    Posting posting = i % 3 ? Earn(i, 7, int64_t(i)) : Redeem(i, 7, 4);
    posting.currency = i % 5 == 0;
    posting.effective_us = kNoon_us + int64_t(i * 37 % 50);  // several at one time
    Post({posting});
  }
  const MemberKey key(int64_t(7));
  StatementQuery query{.from_us = kNoon_us + 5, .to_us = kNoon_us + 45};
  const auto whole = ledger_->Statement(key, query);
  ASSERT_OK(whole.status());
  EXPECT_FALSE(whole->next);
  query.limit = 7;
  StatementPage pages;
  uint64_t id = 1000;
  do {
    const auto page = ledger_->Statement(key, query);
    ASSERT_OK(page.status());
    EXPECT_EQ(page->records.size(), page->next ? 7u : whole->records.size() % 7);
    for (size_t i = 0; i < page->records.size(); ++i) {
      pages.records.push_back(page->records[i]);
      pages.running.push_back(page->running[i]);
    }
    query.after = page->next;
    Posting late = Earn(++id, 7, 1000);
    late.effective_us = kNoon_us + int64_t(id % 45);
    Post({late});
  } while (query.after);
  ASSERT_EQ(pages.records.size(), whole->records.size());
  for (size_t i = 0; i < pages.records.size(); ++i) {
    EXPECT_EQ(pages.records[i].sequence, whole->records[i].sequence) << i;
  }
  EXPECT_EQ(pages.running, whole->running);
}

TEST_F(ReadingTest, ChangesRebuildTheBalances) {
  for (uint64_t i = 0; i < 50; ++i) {
    Post({Open(10 * i + 1, int64_t(i)), Earn(10 * i + 2, int64_t(i), int64_t(i)),
          Redeem(10 * i + 3, int64_t(i), 20)});
    if (i == 25) {
      ASSERT_OK(ledger_->Checkpoint());
    }
  }
  std::vector<int64_t> balances(50);
  uint64_t next = 1;
  for (;;) {
    const auto records = ledger_->Changes(next, 7);
    ASSERT_OK(records.status());
    if (records->empty()) break;
    for (const Record& record : *records) {
      ASSERT_EQ(record.sequence, next++);
      const Entry& e = record.entry;
      if (e.status == PostingStatus::kPosted && e.kind != Kind::kDefineCurrency) {
        balances[e.member] += e.points;
      }
    }
  }
  EXPECT_EQ(next, 2 + 150 + 1u);
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(balances[size_t(i)], BalanceOf(i));
  EXPECT_EQ(ledger_->Changes(0, 1).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ReadingTest, BalancesOfManyAndOfAll) {
  Post({Open(1, 7), Earn(2, 7, 10), Open(3, 8)});
  const MemberKey keys[] = {MemberKey(int64_t(8)), MemberKey(int64_t(99)), MemberKey(int64_t(7))};
  Balance balances[3];
  ASSERT_OK(ledger_->Balances(keys, {.at_us = kNoon_us}, balances));
  EXPECT_TRUE(balances[0].found);
  EXPECT_FALSE(balances[1].found);
  EXPECT_EQ(balances[2].parts.active, 10);
  EXPECT_EQ(balances[2].lifetime_earned, 10);
  const auto all = ledger_->AllBalances({.at_us = kNoon_us});
  ASSERT_OK(all.status());
  ASSERT_EQ(all->members.size(), 2u);
  EXPECT_EQ(all->members[0].number, 7);
  EXPECT_EQ(all->balances[0].parts.active, 10);
  EXPECT_EQ(ledger_->Balances(keys, {.currency = 5}, balances).code(),
            StatusCode::kInvalidArgument);
}

TEST_F(ReadingTest, TotalsSumToZero) {
  Post({Open(1, 7), Earn(2, 7, 10), Redeem(3, 7, 4), Reverse(4, 7, 3), Redeem(5, 7, 1)});
  const Totals totals = ledger_->TrialBalance()->at(0);
  EXPECT_EQ(totals.currency, "points");
  EXPECT_EQ(totals.members, 9);
  EXPECT_EQ(totals.issued, -10);
  EXPECT_EQ(totals.redeemed, 1);
  EXPECT_EQ(totals.adjusted, 0);
}

TEST_F(ReadingTest, TheDigestTellsLedgersApart) {
  const Digest empty = ledger_->GetInfo()->digest;
  Post({Open(1, 7)});
  const Digest one = ledger_->GetInfo()->digest;
  EXPECT_NE(one, empty);
  Reopen();
  EXPECT_EQ(ledger_->GetInfo()->digest, one);
}

TEST_F(ReadingTest, ASnapshotStaysWhilePostingGoesOn) {
  Post({Open(1, 7), Earn(2, 7, 10)});
  const auto before = ledger_->AllBalances({.at_us = kNoon_us});
  Post({Earn(3, 7, 5)});
  EXPECT_EQ(before->balances[0].parts.active, 10);
  EXPECT_EQ(BalanceOf(7), 15);
}

TEST_F(ReadingTest, EverythingIsRefusedAfterClose) {
  Post({Open(1, 7)});
  ASSERT_OK(ledger_->Close());
  ASSERT_OK(ledger_->Close());
  const MemberKey key(int64_t(7));
  Balance balance;
  Reply reply;
  const Posting earn = Earn(2, 7, 1);
  EXPECT_EQ(ledger_->Balances({&key, 1}, {}, {&balance, 1}).code(), StatusCode::kClosed);
  EXPECT_EQ(ledger_->Post({&earn, 1}, {&reply, 1}).code(), StatusCode::kClosed);
  EXPECT_EQ(ledger_->Statement(key, {0, 1}).status().code(), StatusCode::kClosed);
  EXPECT_EQ(ledger_->Verify(nullptr).status().code(), StatusCode::kClosed);
  EXPECT_EQ(Intern("x").status().code(), StatusCode::kClosed);
}

TEST_F(ReadingTest, WaitsForWhatIsNotThereYet) {
  constexpr int64_t kLong_us = 60'000'000;
  const uint64_t begin = ledger_->WaitFor(0, 0)->sequence;
  EXPECT_EQ(ledger_->WaitFor(begin, kLong_us)->sequence, begin);
  EXPECT_EQ(ledger_->WaitFor(begin + 1, 1'000)->sequence, begin);  // in vain
  Result<Head> seen = Head{};
  std::thread waiting([&] { seen = ledger_->WaitFor(begin + 2, kLong_us); });
  Post({Open(1, 7)});
  Post({Earn(2, 7, 10)});
  waiting.join();
  EXPECT_EQ(seen->sequence, begin + 2);
  EXPECT_EQ(seen->digest, ledger_->GetInfo()->digest);
  ASSERT_OK(seen->fault);
}

TEST_F(ReadingTest, ClosingEndsTheWait) {
  constexpr int64_t kLong_us = 600'000'000;
  std::thread waiting([&] { (void)ledger_->WaitFor(UINT64_MAX, kLong_us); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_OK(ledger_->Close());
  waiting.join();
  EXPECT_EQ(ledger_->WaitFor(0, 0).status().code(), StatusCode::kClosed);
}

TEST_F(ReadingTest, VerifyCanBeStopped) {
  Post({Open(1, 7)});
  const auto report = ledger_->Verify([](uint64_t, uint64_t) { return false; });
  EXPECT_EQ(report.status().code(), StatusCode::kInterrupted);
}

}  // namespace
}  // namespace loyalty::engine

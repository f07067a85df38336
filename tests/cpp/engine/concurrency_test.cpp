// Many threads posting and reading at once.
#include <atomic>
#include <functional>
#include <thread>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

class ConcurrencyTest : public LedgerTest {
 protected:
  void InThreads(int count, const std::function<void(int)>& work) {
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t) threads.emplace_back([&work, t] { work(t); });
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(ConcurrencyTest, ExactlyThePointsThereAreAreSpent) {
  Post({Open(1, 7), Earn(2, 7, 100)});
  std::atomic<int> spent = 0;
  std::atomic<int> refused = 0;
  InThreads(64, [&](int t) {
    for (int i = 0; i < 5; ++i) {
      Reply reply;
      const Posting redeem = Redeem(uint64_t(100 + t * 5 + i), 7, 1);
      ASSERT_TRUE(ledger_->Post({&redeem, 1}, {&reply, 1}).ok());
      ++(reply.status == PostingStatus::kPosted ? spent : refused);
    }
  });
  EXPECT_EQ(spent, 100);
  EXPECT_EQ(refused, 220);
  EXPECT_EQ(BalanceOf(7), 0);
  ExpectVerified();
}

// Each thread spends a point in one of five ways, and sends every request twice; an expiry run and readers of
// lots are beside them.
TEST_F(ConcurrencyTest, WhateverTheMixExactlyThePointsThereAreAreSpent) {
  Post({Open(1, 7), Open(2, 8), Earn(3, 7, 100)});
  const MemberKey seven(int64_t(7));
  const MemberKey eight(int64_t(8));
  const Terms until{.deadline_us = kNoon_us + 3'600'000'000};
  std::atomic<int> spent = 0;
  std::atomic<bool> over = false;
  std::thread runs([&] {
    while (!over) ASSERT_TRUE(ledger_->Expire(kNoon_us, false, nullptr).ok());
  });
  std::thread readers([&] {
    while (!over) {
      Balance balance;
      ASSERT_TRUE(
          ledger_->Balances({&seven, 1}, {.at_us = kNoon_us, .expiring = true}, {&balance, 1})
              .ok());
      ASSERT_GE(balance.parts.active, 0);
      ASSERT_LE(balance.parts.active + balance.parts.held, 100);
    }
  });
  const auto twice = [&](const Posting& posting) {
    Reply first;
    Reply again;
    EXPECT_TRUE(ledger_->Post({&posting, 1}, {&first, 1}).ok());
    EXPECT_TRUE(ledger_->Post({&posting, 1}, {&again, 1}).ok());
    EXPECT_EQ(again.status == PostingStatus::kAlreadyExists, IsPosted(first.status));
    return IsPosted(first.status);
  };
  InThreads(64, [&](int t) {
    for (int i = 0; i < 4; ++i) {
      const uint64_t id = 1000 + uint64_t(t) * 100 + uint64_t(i) * 10;
      Posting hold = Request(Kind::kHold, id, seven, 1);
      hold.terms = &until;
      Posting about = Reverse(id + 1, 7, id);
      Posting transfer = Request(Kind::kTransfer, id, seven, 1);
      transfer.other = &eight;
      switch ((t + i) % 4) {
        case 0: spent += twice(Redeem(id, 7, 1)); break;
        case 1: spent += twice(transfer); break;
        case 2:  // held and captured
          about.kind = Kind::kCapture;
          if (twice(hold)) spent += twice(about);
          break;
        case 3:  // held, given back, and redeemed by whoever is first
          about.kind = Kind::kRelease;
          if (twice(hold)) {
            EXPECT_TRUE(twice(about));
          }
          spent += twice(Redeem(id + 2, 7, 1));
      }
    }
  });
  over = true;
  runs.join();
  readers.join();
  // What was refused while others held points may be left over; then it is spent now.
  for (uint64_t id = 500; BalanceOf(7) > 0; ++id) spent += twice(Redeem(id, 7, 1));
  EXPECT_EQ(spent, 100);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, BalanceOf(8));
  ExpectVerified();
}

TEST_F(ConcurrencyTest, TheSameIdFromManyThreadsPostsOnce) {
  Post({Open(1, 7)});
  std::atomic<int> posted = 0;
  InThreads(16, [&](int) {
    for (uint64_t id = 100; id < 150; ++id) {
      Reply reply;
      const Posting earn = Earn(id, 7, 1);
      ASSERT_TRUE(ledger_->Post({&earn, 1}, {&reply, 1}).ok());
      posted += reply.status == PostingStatus::kPosted;
      EXPECT_TRUE(reply.status == PostingStatus::kPosted ||
                  reply.status == PostingStatus::kAlreadyExists);
    }
  });
  EXPECT_EQ(posted, 50);
  EXPECT_EQ(BalanceOf(7), 50);
}

// Both take segments in: neither may take what the other has, or what is not there yet.
TEST_F(ConcurrencyTest, CheckpointsOfCallersAndTheLedgersOwnLoseNothing) {
  options_.segment_entries = 20;
  options_.checkpoint_entries = 50;
  Reopen();
  Post({Open(1, 7)});
  std::atomic<bool> over = false;
  std::thread checkpoints([&] {
    while (!over) ASSERT_TRUE(ledger_->Checkpoint().ok());
  });
  InThreads(4, [&](int t) {
    for (uint64_t i = 0; i < 1000; ++i) {
      const Posting earn = Earn(10'000 * uint64_t(t + 1) + i, 7, 1);
      Reply reply;
      ASSERT_TRUE(ledger_->Post({&earn, 1}, {&reply, 1}).ok());
    }
  });
  over = true;
  checkpoints.join();
  ExpectVerified();
  for (int t = 0; t < 4; ++t) {
    for (uint64_t i = 0; i < 1000; i += 37) {
      EXPECT_EQ(PostOne(Earn(10'000 * uint64_t(t + 1) + i, 7, 1)).status,
                PostingStatus::kAlreadyExists);
    }
  }
}

TEST_F(ConcurrencyTest, ReadersSeeWhatWasAcknowledgedAndNothingTorn) {
  options_.segment_entries = 200;
  options_.checkpoint_entries = 500;
  Reopen();
  for (int64_t m = 0; m < 8; ++m) Post({Open(uint64_t(m) + 1, m)});
  std::atomic<bool> over = false;
  std::thread reader([&] {
    while (!over) {
      const auto totals = ledger_->TrialBalance();
      ASSERT_TRUE(totals.ok());
      const Totals& t = totals->at(0);
      ASSERT_EQ(t.members + t.issued + t.redeemed + t.adjusted, 0);
      const auto all = ledger_->AllBalances({.at_us = kNoon_us});
      for (const Balance& balance : all->balances) {
        ASSERT_EQ(balance.parts.active, balance.lifetime_earned - balance.lifetime_redeemed);
      }
    }
  });
  InThreads(8, [&](int t) {
    int64_t expected = 0;
    for (uint64_t i = 0; i < 200; ++i) {
      const Posting earn = Earn(1000 * uint64_t(t + 1) + i, t, 3);
      Reply reply;
      ASSERT_TRUE(ledger_->Post({&earn, 1}, {&reply, 1}).ok());
      expected += 3;
      ASSERT_EQ(reply.balance.active, expected);
      ASSERT_EQ(BalanceOf(t), expected);
    }
  });
  over = true;
  reader.join();
  ExpectVerified();
}

TEST_F(ConcurrencyTest, ASmallQueueOnlySlowsCallersDown) {
  options_.queue_capacity = 3;
  Reopen();
  Post({Open(1, 7)});
  InThreads(8, [&](int t) {
    for (uint64_t i = 0; i < 20; ++i) {
      const Posting pair[] = {Earn(1000 * uint64_t(t + 1) + 2 * i, 7, 1),
                              Earn(1000 * uint64_t(t + 1) + 2 * i + 1, 7, 1)};
      Reply replies[2];
      ASSERT_TRUE(ledger_->Post(pair, replies).ok());
    }
  });
  EXPECT_EQ(BalanceOf(7), 320);
}

TEST_F(ConcurrencyTest, CodesInternedByManyThreadsAreOne) {
  std::vector<uint32_t> codes(16);
  InThreads(16, [&](int t) { codes[size_t(t)] = *Intern("the same"); });
  for (uint32_t code : codes) EXPECT_EQ(code, codes[0]);
}

TEST_F(ConcurrencyTest, ClosingWaitsForWhatIsUnderWay) {
  Post({Open(1, 7)});
  std::atomic<int> posted = 0;
  std::thread closer([&] {
    while (posted < 50) std::this_thread::yield();
    EXPECT_TRUE(ledger_->Close().ok());
  });
  InThreads(8, [&](int t) {
    for (uint64_t i = 0;; ++i) {
      const Posting earn = Earn(100'000 * uint64_t(t + 1) + i, 7, 1);
      Reply reply;
      const Status status = ledger_->Post({&earn, 1}, {&reply, 1});
      if (!status.ok()) {
        ASSERT_EQ(status.code(), StatusCode::kClosed);
        return;
      }
      ++posted;
    }
  });
  closer.join();
  Reopen();
  EXPECT_EQ(BalanceOf(7), posted);
}

}  // namespace
}  // namespace loyalty::engine

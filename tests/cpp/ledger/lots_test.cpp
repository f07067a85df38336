#include "ledger/lots.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace loyalty::ledger {
namespace {

// An account's lots, read through the list.
std::vector<std::pair<LotOrder, int64_t>> Contents(const LotPool& pool, const Account& account) {
  std::vector<std::pair<LotOrder, int64_t>> lots;
  pool.ForEach(account, [&](const Lot& lot, int64_t) {
    lots.emplace_back(lot.order(), lot.points);
    return true;
  });
  return lots;
}

TEST(Lot, KeepsItsExtremes) {
  for (int64_t expires :
       {kMinTime_us, int64_t(-1), int64_t(0), kMaxTime_us - 1, kByInactivity_us, kNever_us}) {
    for (int64_t effective : {kMinTime_us, kMaxTime_us - 1}) {
      const LotOrder order{expires, effective, (uint64_t(1) << 48) - 1};
      Lot lot(INT64_MAX, order);
      for (uint32_t next : {0u, 0x12345678u, Lot::kNone}) {
        lot.set_link(next);
        EXPECT_EQ(lot.link(), next);
        EXPECT_EQ(lot.order(), order);
        EXPECT_EQ(lot.points, INT64_MAX);
      }
    }
  }
}

TEST(LotPool, SpendsSoonestExpiryFirstNeverLast) {
  LotPool pool;
  Account account;
  ASSERT_TRUE(pool.Move(&account, {kNever_us, 5, 1}, 10));
  ASSERT_TRUE(pool.Move(&account, {900, 7, 2}, 10));
  ASSERT_TRUE(pool.Move(&account, {900, 6, 4}, 10));
  ASSERT_TRUE(pool.Move(&account, {900, 6, 3}, 10));
  ASSERT_TRUE(pool.Move(&account, {800, 9, 5}, 10));
  std::vector<LotMovement> plan;
  const auto all = [](const LotOrder&, int64_t) { return true; };
  EXPECT_EQ(pool.PlanDebit(account, 45, all, &plan), 0);
  std::vector<uint64_t> sources;
  for (const LotMovement& movement : plan) sources.push_back(movement.source);
  EXPECT_EQ(sources, (std::vector<uint64_t>{5, 3, 4, 2, 1}));
  EXPECT_EQ(plan.back().points, -5);
  plan.clear();
  const auto later = [](const LotOrder& lot, int64_t) { return lot.expires_us > 800; };
  EXPECT_EQ(pool.PlanDebit(account, 45, later, &plan), 5);  // passes over source 5
  EXPECT_EQ(plan.front().source, 3u);
}

TEST(LotPool, RefusesWhatIsNotThere) {
  LotPool pool;
  Account account;
  EXPECT_FALSE(pool.Move(&account, {900, 1, 1}, -1));
  ASSERT_TRUE(pool.Move(&account, {900, 1, 1}, 10));
  EXPECT_FALSE(pool.Move(&account, {900, 1, 1}, -11));
  EXPECT_FALSE(pool.Move(&account, {901, 1, 1}, -1));
  ASSERT_EQ(Contents(pool, account).size(), 1u);
  EXPECT_EQ(Contents(pool, account)[0].second, 10);
}

TEST(LotPool, AgreesWithASortedMap) {
  std::mt19937_64 random(21);
  LotPool pool;
  std::vector<Account> accounts(5);
  std::vector<std::map<LotOrder, int64_t>> expected(accounts.size());
  uint64_t sequence = 0;
  for (int step = 0; step < 20'000; ++step) {
    const size_t which = random() % accounts.size();
    auto& lots = expected[which];
    if (random() % 2 || lots.empty()) {
      const LotOrder order{int64_t(random() % 20), int64_t(random() % 20), ++sequence};
      const auto points = int64_t(random() % 50 + 1);
      ASSERT_TRUE(pool.Move(&accounts[which], order, points));
      lots[order] = points;
    } else {
      auto at = std::next(lots.begin(), ptrdiff_t(random() % lots.size()));
      const auto points = int64_t(random() % uint64_t(at->second)) + 1;
      ASSERT_TRUE(pool.Move(&accounts[which], at->first, -points));
      at->second -= points;
      if (at->second == 0) lots.erase(at);
    }
    if (step % 100) continue;
    for (size_t a = 0; a < accounts.size(); ++a) {
      const std::vector<std::pair<LotOrder, int64_t>> wanted(expected[a].begin(),
                                                             expected[a].end());
      ASSERT_EQ(Contents(pool, accounts[a]), wanted) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace loyalty::ledger

// The scan of all members against adding up the entries of one.
#include "tiers/range_scan.h"

#include "civil.h"
#include "history/history_fixture.h"
#include "tiers/parallel.h"

namespace loyalty::tiers {
namespace {

using history::EntryMaker;
using history::Item;
using history::kRangeMembers;
using Of = program::Metric::Of;

constexpr uint32_t kRanges = 3;
constexpr uint32_t kMembers = kRanges * kRangeMembers;
constexpr Months kAllMonths{0, UINT32_MAX};

class RangeScanTest : public history::HistoryFixture {
 protected:
  RangeScanTest() {
    Result<program::Calendar> calendar = program::Calendar::Open("America/St_Johns");
    EXPECT_TRUE(calendar.ok());
    calendar_ = *calendar;
  }

  // Entries of few members, so that each has many.
  void Live(uint64_t seed, int segments) {
    EntryMaker maker(seed);
    for (int s = 0; s < segments; ++s) {
      std::vector<Entry> segment = maker.Segment(1 + maker.Below(4000), 60, 150);
      for (Entry& entry : segment) {
        if (entry.member == Entry::kNoMember) continue;
        entry.member = entry.member * 211 % kMembers;
        entry.currency = uint16_t(maker.Below(3));
        entry.codes.rule = uint32_t(maker.Below(4));
        entry.codes.category = uint32_t(maker.Below(3));
      }
      for (Entry& entry : segment) {
        entry.related_kind = maker.OneIn(2) ? Kind::kEarn : Kind::kRedeem;
      }
      Add(segment, maker.Remarks(segment, 5));
    }
  }
  std::vector<Item> EntriesOf(uint32_t member, uint64_t through) const {
    std::vector<Item> entries;
    for (const Item& item : model_) {
      if (item.entry.member == member && item.sequence <= through) entries.push_back(item);
    }
    return entries;
  }
  void ExpectAgrees(const std::vector<Measure>& measures, const std::vector<Span_us>& common,
                    EntryMaker* maker, uint64_t through) {
    RangeScan scan(*store_, calendar_, through);
    ASSERT_TRUE(history::Check(scan.Begin(0, kRanges, kAllMonths)));
    size_t not_zero = 0;
    for (uint32_t range = 0; range < kRanges; ++range) {
      std::vector<Sum> sums;
      for (size_t i = 0; i < measures.size(); ++i) {
        Sum& sum = sums.emplace_back(Sum{&measures[i], common[i], {}});
        if (i % 2 == 1) continue;
        for (uint32_t m = 0; m < kRangeMembers; ++m) sum.of_each.push_back(RandomSpan(maker));
      }
      ASSERT_TRUE(history::Check(scan.Run(range, sums)));
      for (uint32_t m = 0; m < kRangeMembers; ++m) {
        const std::vector<Item> entries = EntriesOf(range * kRangeMembers + m, through);
        for (size_t i = 0; i < sums.size(); ++i) {
          const Span_us span = sums[i].of_each.empty() ? sums[i].common : sums[i].of_each[m];
          ASSERT_EQ(scan.result(i)[m], Total(measures[i], span, calendar_, entries))
              << "member " << m << " sum " << i;
          not_zero += scan.result(i)[m] != 0;
        }
      }
    }
    EXPECT_GT(not_zero, 0u);
  }
  Span_us RandomSpan(EntryMaker* maker) {
    const auto any = [&] {
      return history::kStart_us + int64_t(maker->Below(uint64_t(160 * history::kDay_us))) -
             5 * history::kDay_us;
    };
    const int64_t from_us = any();
    return {from_us, maker->OneIn(3) ? INT64_MAX : any()};
  }
  Measure RandomMeasure(EntryMaker* maker) {
    Measure measure;
    measure.of = std::array{Of::kPoints, Of::kMoney, Of::kPostings, Of::kDays}[maker->Below(4)];
    measure.debits = maker->OneIn(3);
    measure.filter.kinds = uint64_t(1) << uint8_t(measure.debits ? Kind::kRedeem : Kind::kEarn);
    if (maker->OneIn(2)) measure.filter.kinds |= uint64_t(1) << uint8_t(Kind::kOpenMember);
    if (maker->OneIn(2)) measure.filter.currency = uint16_t(maker->Below(3));
    if (maker->OneIn(3)) measure.filter.codes[0] = {{1, 3}};
    if (maker->OneIn(4)) measure.filter.codes[3] = {{0, 2}};
    return measure;
  }

  program::Calendar calendar_;
};

TEST_F(RangeScanTest, AgreesWithAddingUpEntries) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    EntryMaker maker(100 + seed);
    Live(seed, 3);
    std::vector<Measure> measures;
    std::vector<Span_us> common;
    for (int i = 0; i < 6; ++i) {
      measures.push_back(RandomMeasure(&maker));
      common.push_back(RandomSpan(&maker));
    }
    ExpectAgrees(measures, common, &maker, history_->sequence());
  }
}

TEST_F(RangeScanTest, CountsOnlyUpToItsSequence) {
  EntryMaker maker(7);
  Live(1, 2);
  const uint64_t through = history_->sequence();
  Live(2, 2);
  ExpectAgrees({RandomMeasure(&maker), RandomMeasure(&maker)},
               {{kMinTime_us, INT64_MAX}, {kMinTime_us, INT64_MAX}}, &maker, through);
}

TEST_F(RangeScanTest, DaysAreTheZonesAndCountOnce) {
  // Midnight is at 3:30 UTC, and the month of UTC ends in the middle of a day.
  std::vector<Entry> visits;
  for (const int64_t at_us :
       {Utc(2024, 1, 31, 3, 29), Utc(2024, 1, 31, 3, 30), Utc(2024, 1, 31, 23, 59),
        Utc(2024, 2, 1, 0), Utc(2024, 2, 1, 3, 29), Utc(2024, 2, 1, 3, 30), Utc(2024, 4, 1, 2)}) {
    visits.push_back({.effective_us = at_us,
                      .member = 5,
                      .status = PostingStatus::kPosted,
                      .kind = Kind::kEarn});
  }
  Add(visits);
  Measure days{.of = Of::kDays, .filter = {.kinds = uint64_t(1) << uint8_t(Kind::kEarn)}};
  RangeScan scan(*store_, calendar_, history_->sequence());
  ASSERT_TRUE(history::Check(scan.Begin(0, 1, kAllMonths)));
  ASSERT_TRUE(history::Check(scan.Run(0, {{&days, {kMinTime_us, INT64_MAX}, {}}})));
  EXPECT_EQ(scan.result(0)[5], 4);
  EXPECT_EQ(scan.result(0)[4], 0);
}

TEST_F(RangeScanTest, AnUndoneVisitLeavesTheOthersOfItsDay) {
  const auto visit = [](uint32_t member, int64_t at_us, Kind kind = Kind::kEarn) {
    return Entry{.effective_us = at_us,
                 .member = member,
                 .status = PostingStatus::kPosted,
                 .kind = kind,
                 .related_kind = kind == Kind::kEarn ? Kind::kUnspecified : Kind::kEarn};
  };
  const int64_t day_us = Utc(2024, 1, 10, 12);
  const history::RemarkAt undone{3, {false, {.of_us = day_us, .visits = -1}}};
  Add({visit(5, day_us), visit(5, day_us + 1), visit(6, day_us),
       visit(5, Utc(2024, 3, 1), Kind::kReverse), visit(6, Utc(2024, 3, 1), Kind::kReverse)},
      {undone, {4, undone.remark}});
  Measure days{.of = Of::kDays, .filter = {.kinds = uint64_t(1) << uint8_t(Kind::kEarn)}};
  RangeScan scan(*store_, calendar_, history_->sequence());
  ASSERT_TRUE(history::Check(scan.Begin(0, 1, kAllMonths)));
  ASSERT_TRUE(history::Check(scan.Run(
      0, {{&days, {kMinTime_us, INT64_MAX}, {}}, {&days, {kMinTime_us, Utc(2024, 2, 1)}, {}}})));
  EXPECT_EQ(scan.result(0)[5], 1);
  EXPECT_EQ(scan.result(0)[6], 0);
  EXPECT_EQ(scan.result(1)[6], 1);  // in February it was not undone yet
}

TEST_F(RangeScanTest, WhatLeaves64BitsStaysAtTheirEnd) {
  std::vector<Entry> entries(5);
  for (Entry& entry : entries) {
    entry.effective_us = history::kStart_us;
    entry.member = 1;
    entry.status = PostingStatus::kPosted;
    entry.kind = Kind::kEarn;
    entry.money = INT64_MAX / 2;
  }
  Add(entries);
  entries.resize(1);
  entries[0].money = 7;
  entries[0].effective_us += 40 * history::kDay_us;
  Add(entries);
  Measure money{.of = Of::kMoney, .filter = {.kinds = uint64_t(1) << uint8_t(Kind::kEarn)}};
  RangeScan scan(*store_, calendar_, history_->sequence());
  ASSERT_TRUE(history::Check(scan.Begin(0, 1, kAllMonths)));
  ASSERT_TRUE(history::Check(scan.Run(0, {{&money, {kMinTime_us, INT64_MAX}, {}}})));
  EXPECT_EQ(scan.result(0)[1], INT64_MAX);
}

TEST_F(RangeScanTest, ReadsNoMonthsOutsideOfTheWindows) {
  EntryMaker maker(3);
  Live(1, 1);
  for (const auto& [key, value] : Records()) {
    history::PieceKey piece;
    if (!history::PieceKey::Decode(key, &piece)) continue;
    if (piece.month != history::MonthOf(Utc(2024, 2, 15))) Put(key, "damage");
  }
  const Measure measure = RandomMeasure(&maker);
  RangeScan scan(*store_, calendar_, history_->sequence());
  const Span_us february{Utc(2024, 2, 1), Utc(2024, 3, 1) - 1};
  ASSERT_TRUE(history::Check(scan.Begin(0, 1, Months::Of(february))));
  EXPECT_TRUE(history::Check(scan.Run(0, {{&measure, february, {}}})));
  const Span_us longer{Utc(2024, 2, 1), Utc(2024, 3, 1)};
  ASSERT_TRUE(history::Check(scan.Begin(0, 1, Months::Of(longer))));
  EXPECT_EQ(scan.Run(0, {{&measure, longer, {}}}).code(), StatusCode::kCorruption);
}

TEST(ParallelTest, DoesAllOnceWithSoManyWorkers) {
  for (const unsigned threads : {1u, 2u, 7u}) {
    std::atomic<unsigned> workers = 0;
    std::vector<std::atomic<int>> done(1000);
    ForAll(done.size(), threads, [&] {
      ++workers;
      return [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) ++done[i];
      };
    });
    EXPECT_LE(workers, threads);
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace loyalty::tiers

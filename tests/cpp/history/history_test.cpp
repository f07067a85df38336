#include "history/history.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "base/bytes.h"
#include "base/hash.h"
#include "history/piece.h"
#include "history_fixture.h"

namespace loyalty::history {
namespace {

const std::string kMarkerKey = "\xff\xff\xff\xff";

class HistoryTest : public HistoryFixture {};

TEST_F(HistoryTest, StartsEmpty) {
  EXPECT_EQ(history_->sequence(), 0u);
  EXPECT_TRUE(Read(0).empty());
  EXPECT_TRUE(VisitAll().empty());
}

TEST_F(HistoryTest, ReadEqualsAFilterOverAllAdded) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    EntryMaker maker(seed);
    Add(maker.Segment(1 + maker.Below(4000), 1 + uint32_t(maker.Below(5000)), 100));
    for (int i = 0; i < 200; ++i) {
      const auto member = uint32_t(maker.Below(5000));
      const int64_t from_us = kStart_us + int64_t(maker.Below(uint64_t(100 * kDay_us)));
      const int64_t to_us = from_us + int64_t(maker.Below(uint64_t(60 * kDay_us)));
      ASSERT_EQ(Sorted(Read(member, from_us, to_us)), Sorted(Expected(member, from_us, to_us)));
      ASSERT_EQ(Sorted(Read(member)), Sorted(Expected(member)));
    }
    ExpectMatchesModel();
  }
}

TEST_F(HistoryTest, RemarksStayWithTheirEntries) {
  for (const uint64_t every : {1, 3, 500}) {
    EntryMaker maker(every);
    const std::vector<Entry> segment = maker.Segment(3000, 2 * kRangeMembers, 70);
    Add(segment, maker.Remarks(segment, every));
  }
  ExpectMatchesModel();
  for (uint32_t member = 0; member < 300; ++member) {
    ASSERT_EQ(Sorted(Read(member)), Sorted(Expected(member)));
  }
}

TEST_F(HistoryTest, TheEdgesOfTimesAndOfRanges) {
  std::vector<Entry> entries;
  for (const uint32_t member : {0u, kRangeMembers - 1, kRangeMembers, 2 * kRangeMembers - 1,
                                2 * kRangeMembers, Entry::kNoMember - 1}) {
    for (const int64_t at_us : {kMinTime_us, kStart_us - 1, kStart_us, kMaxTime_us - 1}) {
      Entry entry;
      entry.member = member;
      entry.effective_us = at_us;
      entry.points = int64_t(entries.size());
      entries.push_back(entry);
    }
  }
  Add(entries);
  for (const Entry& entry : entries) {
    const int64_t at_us = entry.effective_us;
    EXPECT_EQ(Read(entry.member, at_us, at_us + 1).size(), 1u);
    EXPECT_EQ(Read(entry.member).size(), 4u);
    EXPECT_EQ(Sorted(Read(entry.member, at_us, kStart_us)),
              Sorted(Expected(entry.member, at_us, kStart_us)));
    EXPECT_TRUE(Read(entry.member, at_us, at_us).empty());
    EXPECT_TRUE(Read(entry.member, at_us, INT64_MIN).empty());
  }
  EXPECT_TRUE(Read(kRangeMembers - 2).empty());
  EXPECT_TRUE(Read(0, INT64_MIN, kMinTime_us).empty());
  EXPECT_TRUE(Read(0, kMaxTime_us, INT64_MAX).empty());
  ExpectMatchesModel();
}

TEST_F(HistoryTest, ReadAppends) {
  Add(EntryMaker(1).Segment(100, 10, 31));
  std::vector<Item> items = Read(1);
  const size_t size = items.size();
  ASSERT_TRUE(Check(history_->Read(std::array{uint32_t(2)}, INT64_MIN, INT64_MAX, &items)));
  EXPECT_EQ(items.size(), size + Expected(2).size());
}

TEST_F(HistoryTest, EntriesWithoutAMemberArePassedOver) {
  Add({});
  EXPECT_EQ(history_->sequence(), 0u);
  Entry nobody;
  nobody.effective_us = INT64_MAX;  // such an entry may hold anything
  Add(std::vector<Entry>(10, nobody));
  EXPECT_EQ(history_->sequence(), 10u);
  EXPECT_TRUE(VisitAll().empty());
  EXPECT_TRUE(Read(Entry::kNoMember).empty());
}

TEST_F(HistoryTest, EffectiveTimesInAnyOrder) {
  for (const int64_t month : {5, 2, 9, 2, 0}) {
    std::vector<Entry> entries = EntryMaker(uint64_t(month)).Segment(500, 100, 40);
    for (Entry& entry : entries) entry.effective_us += month * 31 * kDay_us;
    std::reverse(entries.begin(), entries.end());
    Add(entries);
  }
  for (uint32_t member = 0; member < 100; ++member) {
    ASSERT_EQ(Sorted(Read(member)), Sorted(Expected(member)));
  }
}

TEST_F(HistoryTest, VisitStopsWhenTold) {
  Add(EntryMaker(1).Segment(1000, 5000, 62));
  size_t visited = 0;
  ASSERT_TRUE(Check(history_->Visit([&](const Item&) { return ++visited < 7; })));
  EXPECT_EQ(visited, 7u);
}

TEST_F(HistoryTest, WhatWasFlushedIsThereAfterACrash) {
  EntryMaker maker(1);
  Add(maker.Segment(3000, 5000, 62));
  Add(maker.Segment(3000, 5000, 62));
  ASSERT_TRUE(Check(history_->Flush()));
  Reopen();
  EXPECT_EQ(history_->sequence(), 6000u);
  ExpectMatchesModel();
}

TEST_F(HistoryTest, WhatWasNotFlushedIsThereWholeOrNotAtAll) {
  EntryMaker maker(1);
  Add(maker.Segment(3000, 5000, 62));
  ASSERT_TRUE(Check(history_->Flush()));
  const std::vector<Entry> second = maker.Segment(2000, 5000, 62);
  Add(second);
  Reopen();
  ASSERT_TRUE(history_->sequence() == 3000 || history_->sequence() == 5000);
  if (history_->sequence() == 3000) {
    std::erase_if(model_, [](const Item& item) { return item.sequence > 3000; });
    ExpectMatchesModel();
    Add(second);
  }
  ExpectMatchesModel();
}

TEST_F(HistoryTest, AClosedStoreKeepsAll) {
  Add(EntryMaker(1).Segment(3000, 5000, 62));
  ASSERT_TRUE(Check(store_->Close()));
  Reopen();
  EXPECT_EQ(history_->sequence(), 3000u);
  ExpectMatchesModel();
}

TEST_F(HistoryTest, OnlyTheNextSegmentIsTaken) {
  EntryMaker maker(1);
  const std::vector<Entry> segment = maker.Segment(100, 50, 31);
  EXPECT_EQ(history_->Add(segment, {}, 2).code(), StatusCode::kInternal);
  Add(segment);
  for (const uint64_t first : {0, 1, 100, 102}) {
    EXPECT_EQ(history_->Add(segment, {}, first).code(), StatusCode::kInternal) << first;
  }
  EXPECT_EQ(history_->sequence(), 100u);
  ExpectMatchesModel();
}

TEST_F(HistoryTest, TimesOutOfRangeAreRefusedAndChangeNothing) {
  for (const int64_t at_us : {kMinTime_us - 1, kMaxTime_us, INT64_MIN, INT64_MAX}) {
    std::vector<Entry> segment = EntryMaker(1).Segment(10, 5, 31);
    segment[7].member = 1;
    segment[7].effective_us = at_us;
    const Status status = history_->Add(segment, {}, 1);
    EXPECT_EQ(status.code(), StatusCode::kInternal);
    EXPECT_NE(status.message().find("entry 7"), std::string::npos) << status.message();
  }
  EXPECT_EQ(history_->sequence(), 0u);
  EXPECT_TRUE(Records().empty());
}

TEST_F(HistoryTest, ADamagedPieceIsNamedAndNothingIsReturned) {
  EntryMaker maker(1);
  Add(maker.Segment(2000, 1024, 25));
  Add(maker.Segment(2000, 1024, 25));
  const storage::Store::Found second = Records().at(1);
  for (const size_t byte : {size_t(0), size_t(1), size_t(5), size_t(9), second.value.size() / 2,
                            second.value.size() - 1}) {
    std::string damaged = second.value;
    damaged[byte] = char(damaged[byte] ^ 0x10);
    Put(second.key, damaged);
    std::vector<Item> items(1);
    const Status read = history_->Read(std::array{uint32_t(1)}, INT64_MIN, INT64_MAX, &items);
    const Status visit = history_->Visit([](const Item&) { return true; });
    for (const Status& status : {read, visit}) {
      EXPECT_EQ(status.code(), StatusCode::kCorruption);
      EXPECT_NE(status.message().find("range 0, month 2024-01, segment from sequence 2001"),
                std::string::npos)
          << status.message();
    }
    EXPECT_EQ(items.size(), 1u);
  }
  Put(second.key, second.value);
  ExpectMatchesModel();
}

TEST_F(HistoryTest, AMissingPartIsNamed) {
  Add(EntryMaker(1).Segment(2000, 1024, 25));
  Add(EntryMaker(2).Segment(2000, 1024, 25));
  std::vector<storage::Store::Found> records = Records();
  records.pop_back();  // the marker
  ASSERT_EQ(records.size(), 2 * kParts.size());
  for (const auto& [key, value] : records) {
    Delete(key);
    const Status status = history_->Visit([](const Item&) { return true; });
    if (Part(key[0]) == Part::kMeasures) {
      EXPECT_TRUE(Check(status));  // no row is known; the journal tells that some are missing
    } else {
      EXPECT_EQ(status.code(), StatusCode::kCorruption);
      EXPECT_NE(status.message().find("part " + std::to_string(int(key[0])) + " is missing"),
                std::string::npos)
          << status.message();
    }
    Put(key, value);
  }
  ExpectMatchesModel();
}

TEST_F(HistoryTest, APartOfOtherRowsIsDamage) {
  Add(EntryMaker(1).Segment(2000, 1024, 25));
  const storage::Store::Found times = Records().at(1);
  const std::vector<Entry> segment = EntryMaker(2).Segment(10, 1024, 25);
  const Result<Partition> partition = Partition::Make(segment);
  ASSERT_TRUE(Check(partition.status()));
  PieceEncoder encoder(segment, {}, *partition);
  PieceKey key;
  ASSERT_TRUE(PieceKey::Decode(times.key, &key));
  encoder.Take(key.month, partition->rows());
  Put(times.key, encoder.Encode(key));
  const Status status = history_->Visit([](const Item&) { return true; });
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("other rows"), std::string::npos) << status.message();
}

TEST_F(HistoryTest, ADamagedMarkerSaysWhatToDo) {
  Add(EntryMaker(1).Segment(2000, 3000, 62));
  const std::string marker = Records().back().value;
  ASSERT_EQ(Records().back().key, kMarkerKey);
  std::vector<std::string> damaged = {"", marker + "x", marker.substr(1)};
  for (size_t bit = 0; bit < marker.size() * 8; ++bit) {
    damaged.push_back(marker);
    damaged.back()[bit / 8] = char(marker[bit / 8] ^ 1 << bit % 8);
  }
  for (const std::string& value : damaged) {
    Put(kMarkerKey, value);
    const Status status = History::Open(store_.get()).status();
    ASSERT_EQ(status.code(), StatusCode::kCorruption);
    ASSERT_NE(status.message().find("discard"), std::string::npos) << status.message();
  }
  Delete(kMarkerKey);
  EXPECT_EQ(History::Open(store_.get()).status().code(), StatusCode::kCorruption);
}

TEST_F(HistoryTest, ANewerMarkerIsNotDamage) {
  std::string marker = "\xD2" + std::string(8, '\0');
  AppendLittle(&marker, Checksum(marker));
  Put(kMarkerKey, marker);
  EXPECT_EQ(History::Open(store_.get()).status().code(), StatusCode::kUnsupportedFormat);
}

TEST_F(HistoryTest, DiscardedHistoryIsBuiltAgain) {
  const std::vector<Entry> segment = EntryMaker(1).Segment(2000, 3000, 62);
  Add(segment);
  ASSERT_TRUE(Check(history_->Flush()));
  Put(kMarkerKey, "damage");
  history_.reset();
  ASSERT_TRUE(Check(History::Discard(store_.get())));
  Reopen();
  EXPECT_EQ(history_->sequence(), 0u);
  EXPECT_TRUE(Records().empty());
  model_.clear();
  Add(segment);
  ExpectMatchesModel();
}

}  // namespace
}  // namespace loyalty::history

#include "history/piece.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "history_fixture.h"

namespace loyalty::history {
namespace {

struct Stored {
  std::string key;
  std::string record;
};

// The records of a segment that starts at sequence 1000, part after part of each piece.
std::vector<Stored> RecordsOf(const std::vector<Entry>& segment) {
  const Result<Partition> partition = Partition::Make(segment);
  EXPECT_TRUE(Check(partition.status()));
  PieceEncoder encoder(segment, {}, *partition);
  std::vector<Stored> records;
  for (std::span<const Partition::Row> rows = partition->rows(); !rows.empty();) {
    size_t count = 0;
    while (count < rows.size() && partition->PieceOf(rows[count]) == partition->PieceOf(rows[0])) {
      ++count;
    }
    PieceKey key{Part::kMeasures, partition->RangeOf(rows[0]), partition->MonthOf(rows[0]), 1000};
    encoder.Take(key.month, rows.first(count));
    for (const Part part : kParts) {
      key.part = part;
      if (encoder.Has(part)) records.push_back({key.Encode(), std::string(encoder.Encode(key))});
    }
    rows = rows.subspan(count);
  }
  return records;
}

PieceView Parsed(const Stored& stored) {
  const Result<PieceView> view = PieceView::Parse(stored.key, stored.record);
  EXPECT_TRUE(Check(view.status()));
  return *view;
}

size_t Bytes(const std::vector<Stored>& records) {
  size_t bytes = 0;
  for (const Stored& stored : records) bytes += stored.record.size();
  return bytes;
}

// All parts of a piece of every shape.
std::vector<Stored> OnePiece(size_t count) {
  EntryMaker maker(3);
  std::vector<Entry> segment = maker.Segment(count, kRangeMembers, 31);
  for (Entry& entry : segment) entry.member %= kRangeMembers;
  maker.MakeOdd(&segment[0]);
  std::vector<Stored> records = RecordsOf(segment);
  EXPECT_GE(records.size(), kParts.size());
  records.resize(kParts.size());
  return records;
}

TEST(PieceTest, RowsAreOrderedByMemberThenSequence) {
  const std::vector<Entry> segment = EntryMaker(1).Segment(20'000, 3 * kRangeMembers, 62);
  const std::vector<Stored> records = RecordsOf(segment);
  size_t found = 0;
  while (found < records.size()) {
    const PieceView measures = Parsed(records[found]);
    std::vector<Item> items(measures.count());
    PieceKey key = measures.key();
    for (const Part part : kParts) {
      key.part = part;
      const bool has = found < records.size() && records[found].key == key.Encode();
      EXPECT_EQ(has, measures.Has(part));
      const PieceView view =
          has ? Parsed(records[found++]) : PieceView::WithoutRecord(key.Encode(), measures);
      ASSERT_EQ(view.count(), items.size());
      view.Read({0, view.count()}, items.data());
    }
    for (size_t i = 0; i < items.size(); ++i) {
      const Entry& original = segment.at(items[i].sequence - 1000);
      EXPECT_EQ(Kept(items[i]), Kept({items[i].sequence, original}));
      EXPECT_TRUE(items[i].entry.id.is_zero());
      EXPECT_EQ(items[i].entry.member / kRangeMembers, measures.key().range);
      EXPECT_EQ(MonthOf(items[i].entry.effective_us), measures.key().month);
      if (i == 0) continue;
      const auto order = [](const Item& item) {
        return std::make_pair(item.entry.member, item.sequence);
      };
      EXPECT_LT(order(items[i - 1]), order(items[i]));
    }
  }
}

TEST(PieceTest, RowsOfFindsEachMember) {
  const std::vector<Stored> records = OnePiece(500);
  const PieceView view = Parsed(records[0]);
  size_t rows = 0;
  for (uint32_t member = 0; member < kRangeMembers; ++member) {
    const PieceView::Rows found = view.RowsOf(member);
    ASSERT_EQ(found.from, rows);  // those of the member before end where these begin
    rows = found.to;
    std::vector<Item> items(found.to - found.from);
    view.Read(found, items.data());
    for (const Item& item : items) EXPECT_EQ(item.entry.member % kRangeMembers, member);
  }
  EXPECT_EQ(rows, view.count());
}

TEST(PieceTest, AnyFlippedBitIsFoundAndNamed) {
  for (const Stored& stored : OnePiece(60)) {
    const std::string name =
        "the piece of range 0, month 2024-01, segment from sequence 1000, part " +
        std::to_string(int(stored.key[0]));
    for (size_t bit = 0; bit < stored.record.size() * 8; ++bit) {
      std::string damaged = stored.record;
      damaged[bit / 8] = char(damaged[bit / 8] ^ 1 << bit % 8);
      const Status status = PieceView::Parse(stored.key, damaged).status();
      ASSERT_EQ(status.code(), StatusCode::kCorruption) << "bit " << bit;
      ASSERT_NE(status.message().find(name), std::string::npos) << status.message();
    }
  }
}

TEST(PieceTest, ACutOrMovedRecordIsFound) {
  const Stored stored = OnePiece(60).at(0);
  for (size_t size = 0; size < stored.record.size(); ++size) {
    const std::string cut = stored.record.substr(0, size);
    EXPECT_EQ(PieceView::Parse(stored.key, cut).status().code(), StatusCode::kCorruption) << size;
  }
  for (size_t byte = 0; byte < stored.key.size(); ++byte) {
    std::string key = stored.key;
    key[byte] = char(key[byte] ^ 1);
    EXPECT_EQ(PieceView::Parse(key, stored.record).status().code(), StatusCode::kCorruption);
  }
  const Status status = PieceView::Parse("\xab\x01", stored.record).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("0xab01"), std::string::npos) << status.message();
}

TEST(PieceTest, ANewerFormatIsNotDamage) {
  Stored stored = OnePiece(60).at(0);
  stored.record.resize(stored.record.size() - 8);
  ++stored.record[0];
  AppendLittle(&stored.record, Checksum(stored.record) ^ Checksum(stored.key));
  const Status status = PieceView::Parse(stored.key, stored.record).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupportedFormat);
  EXPECT_NE(status.message().find("newer version"), std::string::npos) << status.message();
}

TEST(PieceTest, UnusedFieldsCostNothing) {
  std::vector<Entry> segment = EntryMaker(5).Segment(600, kRangeMembers, 31);
  for (Entry& entry : segment) {
    entry = {.effective_us = entry.effective_us / kSecond_us * kSecond_us,
             .points = (&entry - segment.data()) * 3727 % 10'007,
             .member = uint32_t(&entry - segment.data()) % 1024,
             .status = PostingStatus::kPosted,
             .kind = Kind::kEarn};
  }
  // Member 10 bits, points 14; time 22; sequence 10; and three heads. No codes, no record of them.
  EXPECT_EQ(RecordsOf(segment).size(), 3u);
  EXPECT_LE(Bytes(RecordsOf(segment)), 600u * 56 / 8 + 90);
  for (Entry& entry : segment) entry.expires_us = entry.effective_us + 730 * kDay_us;
  EXPECT_LE(Bytes(RecordsOf(segment)), 600u * 56 / 8 + 100);
  for (Entry& entry : segment) entry.expires_us = kStart_us + 730 * kDay_us;
  EXPECT_LE(Bytes(RecordsOf(segment)), 600u * 56 / 8 + 100);
}

}  // namespace
}  // namespace loyalty::history

#include "history/piece.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "history_fixture.h"

namespace loyalty::history {
namespace {

struct Stored {
  std::string key;
  std::string piece;
};

// The pieces of a segment that starts at sequence 1000.
std::vector<Stored> PiecesOf(const std::vector<Entry>& segment) {
  const Result<Partition> partition = Partition::Make(segment);
  EXPECT_TRUE(Check(partition.status()));
  PieceEncoder encoder(segment, *partition);
  std::vector<Stored> pieces;
  for (std::span<const Partition::Row> rows = partition->rows(); !rows.empty();) {
    size_t count = 0;
    while (count < rows.size() && partition->PieceOf(rows[count]) == partition->PieceOf(rows[0])) {
      ++count;
    }
    const PieceKey key{partition->RangeOf(rows[0]), partition->MonthOf(rows[0]), 1000};
    pieces.push_back({key.Encode(), std::string(encoder.Encode(key, rows.first(count)))});
    rows = rows.subspan(count);
  }
  return pieces;
}

Stored OnePiece(size_t count) {
  EntryMaker maker(3);
  std::vector<Entry> segment = maker.Segment(count, kRangeMembers, 31);
  for (Entry& entry : segment) entry.member %= kRangeMembers;
  maker.MakeOdd(&segment[0]);
  return PiecesOf(segment).at(0);
}

TEST(PieceTest, RowsAreOrderedByMemberThenSequence) {
  const std::vector<Entry> segment = EntryMaker(1).Segment(20'000, 3000, 62);
  for (const Stored& stored : PiecesOf(segment)) {
    const Result<PieceView> view = PieceView::Parse(stored.key, stored.piece);
    ASSERT_TRUE(Check(view.status()));
    std::vector<Item> items;
    view->Read({0, view->count()}, &items);
    ASSERT_EQ(items.size(), view->count());
    for (size_t i = 0; i < items.size(); ++i) {
      const Entry& original = segment.at(items[i].sequence - 1000);
      EXPECT_EQ(Kept(items[i]), Kept({items[i].sequence, original}));
      EXPECT_TRUE(items[i].entry.id.is_zero());
      EXPECT_EQ(items[i].entry.member / kRangeMembers, view->key().range);
      EXPECT_EQ(MonthOf(items[i].entry.effective_us), view->key().month);
      if (i == 0) continue;
      const auto order = [](const Item& item) {
        return std::make_pair(item.entry.member, item.sequence);
      };
      EXPECT_LT(order(items[i - 1]), order(items[i]));
    }
  }
}

TEST(PieceTest, RowsOfFindsEachMember) {
  const Stored stored = OnePiece(500);
  const Result<PieceView> view = PieceView::Parse(stored.key, stored.piece);
  ASSERT_TRUE(Check(view.status()));
  size_t rows = 0;
  for (uint32_t member = 0; member < kRangeMembers; ++member) {
    const PieceView::Rows found = view->RowsOf(member);
    ASSERT_EQ(found.from, rows);  // those of the member before end where these begin
    rows = found.to;
    std::vector<Item> items;
    view->Read(found, &items);
    for (const Item& item : items) EXPECT_EQ(item.entry.member % kRangeMembers, member);
  }
  EXPECT_EQ(rows, view->count());
}

TEST(PieceTest, AnyFlippedBitIsFoundAndNamed) {
  const Stored stored = OnePiece(60);
  const std::string name = "the piece of range 0, month 2024-01, segment from sequence 1000";
  for (size_t bit = 0; bit < stored.piece.size() * 8; ++bit) {
    std::string damaged = stored.piece;
    damaged[bit / 8] = char(damaged[bit / 8] ^ 1 << bit % 8);
    const Status status = PieceView::Parse(stored.key, damaged).status();
    ASSERT_EQ(status.code(), StatusCode::kCorruption) << "bit " << bit;
    ASSERT_NE(status.message().find(name), std::string::npos) << status.message();
  }
}

TEST(PieceTest, ACutOrMovedPieceIsFound) {
  const Stored stored = OnePiece(60);
  for (size_t size = 0; size < stored.piece.size(); ++size) {
    const std::string cut = stored.piece.substr(0, size);
    EXPECT_EQ(PieceView::Parse(stored.key, cut).status().code(), StatusCode::kCorruption) << size;
  }
  for (size_t byte = 0; byte < stored.key.size(); ++byte) {
    std::string key = stored.key;
    key[byte] = char(key[byte] ^ 1);
    EXPECT_EQ(PieceView::Parse(key, stored.piece).status().code(), StatusCode::kCorruption);
  }
  const Status status = PieceView::Parse("\xab\x01", stored.piece).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("0xab01"), std::string::npos) << status.message();
}

TEST(PieceTest, ANewerFormatIsNotDamage) {
  Stored stored = OnePiece(60);
  stored.piece.resize(stored.piece.size() - 8);
  stored.piece[0] = '\xC2';
  AppendLittle(&stored.piece, Checksum(stored.piece) ^ Checksum(stored.key));
  const Status status = PieceView::Parse(stored.key, stored.piece).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupportedFormat);
  EXPECT_NE(status.message().find("newer version"), std::string::npos) << status.message();
}

TEST(PieceTest, UnusedFieldsCostNothing) {
  std::vector<Entry> segment = EntryMaker(5).Segment(600, kRangeMembers, 31);
  for (Entry& entry : segment) {
    entry = {.effective_us = entry.effective_us / kSecond_us * kSecond_us,
             .points = (&entry - segment.data()) * 3727 % 10'007,
             .member = uint32_t(&entry - segment.data()),
             .status = PostingStatus::kPosted,
             .kind = Kind::kEarn};
  }
  // Member 10 bits, time 22, points 14, sequence 10; and the heads.
  EXPECT_LE(PiecesOf(segment).at(0).piece.size(), 600u * 56 / 8 + 50);
  for (Entry& entry : segment) entry.expires_us = entry.effective_us + 730 * kDay_us;
  EXPECT_LE(PiecesOf(segment).at(0).piece.size(), 600u * 56 / 8 + 60);
  for (Entry& entry : segment) entry.expires_us = kStart_us + 730 * kDay_us;
  EXPECT_LE(PiecesOf(segment).at(0).piece.size(), 600u * 56 / 8 + 60);
}

}  // namespace
}  // namespace loyalty::history

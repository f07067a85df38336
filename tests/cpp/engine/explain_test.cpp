// What a posting took, and what became of what it gave.
#include <algorithm>

#include "engine/ledger_fixture.h"

namespace loyalty {

inline bool operator==(const LotChange& a, const LotChange& b) {
  return a.sequence == b.sequence && a.points == b.points && a.expires_us == b.expires_us;
}
inline void PrintTo(const LotChange& change, std::ostream* out) {
  *out << change.points << " by or from " << change.sequence;
}

}  // namespace loyalty

namespace loyalty::engine {
namespace {

class ExplainTest : public LedgerTest {
 protected:
  void SetUp() override {
    options_.segment_entries = 4;
    LedgerTest::SetUp();
    Post({Open(1, 7), Open(2, 8)});
  }
  uint64_t PostNow(Posting posting, Kind kind, int64_t points) {
    posting.kind = kind;
    posting.points = points;
    const Reply reply = PostOne(posting);
    EXPECT_TRUE(IsPosted(reply.status)) << ToString(reply.status);
    return reply.sequence;
  }
  Explanation Of(uint64_t sequence) {
    auto explanation = ledger_->Explain(sequence);
    EXPECT_TRUE(explanation.ok()) << explanation.status().message();
    return std::move(explanation).value();
  }
  // By member: points in state.
  std::vector<std::pair<uint32_t, int64_t>> Left(const Explanation& of, LotState state) {
    std::vector<std::pair<uint32_t, int64_t>> left;
    for (const auto& lot : of.left) {
      if (lot.state == state) left.push_back({lot.member, lot.points});
    }
    return left;
  }

  static constexpr int64_t kFar_us = kMaxTime_us - 1;
};

TEST_F(ExplainTest, ADebitNamesItsLotsAndACreditItsDebits) {
  Posting first = Earn(3, 7, 100);
  first.expires_us = kFar_us;
  const uint64_t a = PostOne(first).sequence;
  const uint64_t b = PostOne(Earn(4, 7, 50)).sequence;
  const uint64_t redeemed = PostOne(Redeem(5, 7, 120)).sequence;
  const uint64_t reversed = PostNow(Reverse(6, 7, 5), Kind::kReverse, 30);
  EXPECT_EQ(Of(redeemed).took, (std::vector<LotChange>{{a, -100, kFar_us}, {b, -20, kNever_us}}));
  EXPECT_EQ(Of(reversed).took, (std::vector<LotChange>{{b, 20, kNever_us}, {a, 10, kFar_us}}));
  EXPECT_EQ(Of(redeemed).about, std::vector<uint64_t>{reversed});
  const Explanation credit = Of(a);
  EXPECT_TRUE(credit.took.empty());
  EXPECT_EQ(credit.used,
            (std::vector<LotChange>{{redeemed, -100, kFar_us}, {reversed, 10, kFar_us}}));
  EXPECT_EQ(Left(credit, LotState::kActive), (decltype(Left(credit, {})){{0, 10}}));
  EXPECT_EQ(credit.records.size(), 3u);
}

TEST_F(ExplainTest, HoldsAreHeldAndCapturesSayWhatTheyTook) {
  const uint64_t earned = PostOne(Earn(3, 7, 100)).sequence;
  Posting posting = Request(Kind::kHold, 4, MemberKey(int64_t(7)));
  const Terms terms{.deadline_us = kFar_us};
  posting.terms = &terms;
  const uint64_t hold = PostNow(posting, Kind::kHold, 40);
  EXPECT_EQ(Left(Of(earned), LotState::kHeld),
            (std::vector<std::pair<uint32_t, int64_t>>{{0, 40}}));
  const uint64_t capture = PostNow(Reverse(5, 7, 4), Kind::kCapture, 25);
  EXPECT_EQ(Of(capture).took,
            (std::vector<LotChange>{{earned, 40, kNever_us}, {earned, -25, kNever_us}}));
  EXPECT_EQ(Of(hold).about, std::vector<uint64_t>{capture});
  const Explanation credit = Of(earned);
  EXPECT_TRUE(Left(credit, LotState::kHeld).empty());
  EXPECT_EQ(Left(credit, LotState::kActive), (std::vector<std::pair<uint32_t, int64_t>>{{0, 75}}));
}

TEST_F(ExplainTest, LotsAreFollowedToOtherMembers) {
  const uint64_t earned = PostOne(Earn(3, 7, 100)).sequence;
  const MemberKey other(int64_t(8));
  Posting posting = Request(Kind::kTransfer, 4, MemberKey(int64_t(7)));
  posting.other = &other;
  const uint64_t given = PostNow(posting, Kind::kTransfer, 60);
  const uint64_t spent = PostOne(Redeem(5, 8, 45)).sequence;
  const Explanation credit = Of(earned);
  EXPECT_EQ(credit.used,
            (std::vector<LotChange>{
                {given, -60, kNever_us}, {given + 1, 60, kNever_us}, {spent, -45, kNever_us}}));
  EXPECT_EQ(Left(credit, LotState::kActive),
            (std::vector<std::pair<uint32_t, int64_t>>{{0, 40}, {1, 15}}));
  EXPECT_EQ(Of(given).about, std::vector<uint64_t>{given + 1});
}

TEST_F(ExplainTest, ArrearsHaveNoSource) {
  const uint64_t earned = PostOne(Earn(3, 7, 100)).sequence;
  PostOne(Redeem(4, 7, 80));
  const uint64_t reversed = PostNow(Reverse(5, 7, 3), Kind::kReverse, 0);
  EXPECT_EQ(Of(reversed).took,
            (std::vector<LotChange>{{earned, -20, kNever_us}, {0, -80, kNever_us}}));
  EXPECT_TRUE(Of(earned).left.empty());
}

TEST_F(ExplainTest, PostingsAreFoundByTheirIds) {
  std::vector<uint64_t> sequences;
  for (uint64_t id = 10; id < 30; ++id) sequences.push_back(PostOne(Earn(id, 7, 1)).sequence);
  for (int opening = 0; opening < 2; ++opening) {
    for (uint64_t id = 10; id < 30; ++id) {
      const auto found = ledger_->FindPosting(Earn(id, 7, 1).id);
      ASSERT_OK(found.status());
      EXPECT_EQ(*found, sequences[id - 10]);
    }
    ASSERT_OK(ledger_->Checkpoint());
    Reopen();
  }
  EXPECT_EQ(ledger_->FindPosting({1, 2}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger_->FindPosting({}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger_->Explain(0).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger_->Explain(sequences.back() + 1).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace loyalty::engine

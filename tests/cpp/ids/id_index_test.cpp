#include <atomic>
#include <random>
#include <thread>

#include "ids/index_fixture.h"
#include "ids/merge.h"

namespace loyalty::ids {
namespace {

class IdIndexTest : public IndexFixture {};
class IdIndexKindTest : public IndexFixture, public testing::WithParamInterface<IdKind> {};

TEST_F(IdIndexTest, IsEmptyAtFirst) {
  EXPECT_EQ(reached(), 0u);
  EXPECT_EQ(index_->runs()->size(), 0u);
  const Id id{1, 2};
  uint64_t found = 99;
  ASSERT_OK(index_->runs()->Find({&id, 1}, 0, {&found, 1}));
  EXPECT_EQ(found, 0u);
  ASSERT_OK(index_->runs()->Find({}, 0, {}));
}

// 100 adds of various sizes: merges on two levels, the last of several chunks and parts.
TEST_P(IdIndexKindTest, FindsEveryIdThroughAddsAndMerges) {
  std::mt19937_64 random(1);
  for (int add = 0; add < 100; ++add) {
    ASSERT_OK(
        AddNext(add % 10 == 0 ? 3 * kChunkIds + random() % 100 : 1 + random() % 200, GetParam()));
    ASSERT_LT(index_->runs()->size(), 3 * kMergeWidth);
    if (add % 20 == 7) CheckAll(1000, GetParam());
  }
  EXPECT_EQ(index_->runs()->size(), 1u + 4 + 4);  // 100 = 1 * 64 + 4 * 8 + 4
  CheckAll(100'000, GetParam());
  EXPECT_EQ(VisitedIds(), reached());
  ASSERT_OK(index_->Flush());
  Crash();
  CheckAll(777, GetParam());
  EXPECT_EQ(VisitedIds(), reached());
}

INSTANTIATE_TEST_SUITE_P(Kinds, IdIndexKindTest, testing::ValuesIn(kIdKinds),
                         [](const auto& kind) { return kind.param.name; });

TEST_F(IdIndexTest, AnswersAlikeWhateverTheBatch) {
  for (int add = 0; add < 11; ++add) ASSERT_OK(AddNext(300));
  for (size_t batch : {1, 2, 23, 24, 25, 1000, 10'000}) CheckAll(batch);
}

TEST_F(IdIndexTest, LooksOnlyBeyondAfter) {
  for (int add = 0; add < 3; ++add) ASSERT_OK(AddNext(100));
  CheckAll(1000, kIdKinds[0], 150);
  CheckAll(1000, kIdKinds[0], 200);
  const Id old = kIdKinds[0].make(50);
  uint64_t found = 99;
  ASSERT_OK(index_->runs()->Find({&old, 1}, 100, {&found, 1}));
  EXPECT_EQ(found, 0u);
}

TEST_F(IdIndexTest, PassesOverZeroIds) {
  ASSERT_OK(index_->Add({{Id{}, 1}, {Id{5, 5}, 2}, {Id{}, 3}}, 3));
  ASSERT_OK(index_->Add({{Id{}, 4}}, 4));
  EXPECT_EQ(reached(), 4u);
  EXPECT_EQ(index_->runs()->size(), 1u);
  const Id ids[] = {Id{}, Id{5, 5}};
  uint64_t found[] = {99, 99};
  ASSERT_OK(index_->runs()->Find(ids, 0, found));
  EXPECT_EQ(found[0], 0u);
  EXPECT_EQ(found[1], 2u);
}

TEST_F(IdIndexTest, MovesTheSequenceWithoutIds) {
  ASSERT_OK(index_->Add({}, 10));
  EXPECT_EQ(reached(), 10u);
  ASSERT_OK(index_->Add({}, 10));
  ASSERT_OK(index_->Add({{Id{1, 1}, 15}}, 20));
  ASSERT_OK(index_->Flush());
  Crash();
  EXPECT_EQ(reached(), 20u);
  EXPECT_EQ(VisitedIds(), 1u);
}

TEST_F(IdIndexTest, RefusesWhatBreaksItsContract) {
  ASSERT_OK(AddNext(100));
  const auto code = [&](std::vector<IdAt> ids, uint64_t last) {
    return index_->Add(std::move(ids), last).code();
  };
  EXPECT_EQ(code({{Id{1, 1}, 100}}, 101), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({{Id{1, 1}, 102}}, 101), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({{Id{1, 1}, 101}, {Id{1, 1}, 102}}, 102), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({}, 99), StatusCode::kInvalidArgument);
  EXPECT_EQ(reached(), 100u);
  ASSERT_OK(AddNext(100));
  CheckAll(1000);
}

TEST_F(IdIndexTest, LosesUnflushedRunsWholeAndGoesOn) {
  for (int add = 0; add < 5; ++add) ASSERT_OK(AddNext(2000));
  ASSERT_OK(index_->Flush());
  for (int add = 0; add < 5; ++add) ASSERT_OK(AddNext(2000));  // merges the first eight
  EXPECT_EQ(reached(), 20'000u);
  Crash();
  EXPECT_EQ(reached(), 10'000u);
  CheckAll(1000);
  for (int add = 0; add < 5; ++add) ASSERT_OK(AddNext(2000));
  CheckAll(1000);
  EXPECT_EQ(VisitedIds(), 20'000u);
}

TEST_F(IdIndexTest, RemovesMergedRunsOnceNobodyReadsThem) {
  constexpr size_t kParts = 2;  // first ids and filter
  for (int add = 0; add < 7; ++add) ASSERT_OK(AddNext(2 * kChunkIds));
  auto old = index_->runs();
  ASSERT_OK(AddNext(2 * kChunkIds));
  ASSERT_EQ(index_->runs()->size(), 1u);
  ASSERT_OK(index_->Flush());
  constexpr size_t kKeys = 1 + 16 + kParts;  // directory and merged run
  EXPECT_EQ(StoredKeys().size(), kKeys + 7 * (2 + kParts));
  for (uint64_t s = 1; s <= old->sequence(); s += 100) {  // still readable
    const Id id = kIdKinds[0].make(s);
    uint64_t found = 0;
    ASSERT_OK(old->Find({&id, 1}, 0, {&found, 1}));
    ASSERT_EQ(found, s);
  }
  old.reset();
  ASSERT_OK(index_->Flush());
  EXPECT_EQ(StoredKeys().size(), kKeys);
}

TEST_F(IdIndexTest, MergesRunsOfOneLevelUpToALimit) {
  std::vector<RunInfo> runs(kMergeWidth - 1);
  for (RunInfo& run : runs) run.count = kMaxRunIds / kMergeWidth;
  EXPECT_EQ(RunsToMerge({}), 0u);
  EXPECT_EQ(RunsToMerge(runs), 0u);
  runs.push_back(runs.back());
  EXPECT_EQ(RunsToMerge(runs), kMergeWidth);
  runs.back().count += 1;
  EXPECT_EQ(RunsToMerge(runs), 0u);
  runs.back().count = 1;
  runs.front().level = 1;
  EXPECT_EQ(RunsToMerge(runs), 0u);
}

TEST_F(IdIndexTest, FindsFromOtherThreadsWhileAddingAndMerging) {
  std::atomic<bool> done = false;
  const auto look = [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<Id> ids(100);
    std::vector<uint64_t> wanted(100), found(100);
    while (!done) {
      const auto runs = index_->runs();
      if (runs->sequence() == 0) continue;
      for (size_t i = 0; i < ids.size(); ++i) {
        const uint64_t s = 1 + random() % (2 * runs->sequence());
        ids[i] = kIdKinds[0].make(s);
        wanted[i] = s <= runs->sequence() ? s : 0;
      }
      const Status status = runs->Find(ids, 0, found);
      EXPECT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(found, wanted);
    }
  };
  std::thread one(look, 1), two(look, 2);
  for (int add = 0; add < 80; ++add) {
    const Status status = AddNext(500);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  done = true;
  one.join();
  two.join();
  CheckAll(1000);
}

}  // namespace
}  // namespace loyalty::ids

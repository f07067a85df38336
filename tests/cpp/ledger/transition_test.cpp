// Apply is deterministic: the same entries, cut into other blocks, give the same bytes of state.
#include "ledger/transition.h"

#include <gtest/gtest.h>

#include <random>

#include "ledger/checkpoint.h"
#include "ledger/recut.h"
#include "storage/store.h"
#include "temporary_directory.h"

namespace loyalty::ledger {
namespace {

constexpr uint32_t kMembers = 3000;

// A long random history, decided entry by entry.
journal::Group Decided(uint64_t seed, size_t count, State* state) {
  std::mt19937_64 random(seed);
  journal::Group group;
  group.first_sequence = 1;
  const auto add = [&](Entry entry, const std::string& text) {
    const size_t before = group.movements.size();
    Details details;
    Decide(*state, nullptr, &entry, &details, &group.movements);
    const std::span moved(group.movements.data() + before, group.movements.size() - before);
    const auto parts = Apply(entry, details, group.next_sequence(), moved, text, state);
    ASSERT_TRUE(parts.ok());
    entry.balance = parts->active;
    if (details != Details()) group.details.push_back({uint32_t(group.entries.size()), details});
    group.entries.push_back(entry);
    group.movement_counts.push_back(uint32_t(moved.size()));
    if (journal::HasText(entry.kind)) group.texts.push_back(text);
  };
  Entry entry;
  entry.kind = Kind::kDefineCurrency;
  add(entry, "points");
  for (uint32_t m = 0; m < kMembers; ++m) {
    entry = {};
    entry.kind = Kind::kOpenMember;
    add(entry, journal::StoredKey(MemberKey(int64_t(m) * 3)));
  }
  for (size_t i = 0; i < count; ++i) {
    entry = {};
    entry.kind = random() % 3 ? Kind::kEarn : Kind::kRedeem;
    entry.points = (entry.kind == Kind::kEarn ? 1 : -1) * int64_t(random() % 100 + 1);
    entry.member = uint32_t(random() % kMembers);
    entry.effective_us = int64_t(random() % 1000);
    if (random() % 2 && entry.kind == Kind::kEarn) entry.expires_us = 2000 + int64_t(random() % 9);
    add(entry, "");
  }
  return group;
}

TEST(Transition, BlockSizesDoNotMatter) {
  State live;
  const journal::Group all = Decided(5, 20'000, &live);
  for (size_t size : {1000, 1537, 30'000}) {
    State replayed;
    for (size_t first = 0; first < all.entries.size(); first += size) {
      ASSERT_TRUE(ApplyGroup(Slice(all, first, size), UINT64_MAX, &replayed).ok());
    }
    EXPECT_EQ(Bytes(replayed), Bytes(live));
    EXPECT_EQ(replayed.totals, live.totals);
  }
}

TEST(Transition, AnEntryThatDoesNotFitIsRefused) {
  State live;
  journal::Group all = Decided(6, 100, &live);
  all.entries.back().balance += 1;
  State replayed;
  const Status status = ApplyGroup(all, UINT64_MAX, &replayed);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  State gap;
  EXPECT_FALSE(ApplyGroup(Slice(all, 5, 10), UINT64_MAX, &gap).ok());
}

TEST(Checkpoint, AnUnfinishedOneIsCompletedByReplay) {
  State live;
  const journal::Group all = Decided(7, 5'000, &live);
  const size_t half = all.entries.size() / 2;
  State first_half;
  ASSERT_TRUE(ApplyGroup(Slice(all, 0, half), UINT64_MAX, &first_half).ok());

  TemporaryDirectory directory;
  auto store = storage::Store::Open(directory / "store", {true, nullptr});
  ASSERT_TRUE(store.ok());
  const auto at_once = [](const std::function<void()>& step) {
    step();
    return Status();
  };
  ASSERT_TRUE(WriteCheckpoint(first_half, 0, at_once, store->get()).ok());
  // A second checkpoint that got as far as one page.
  storage::Batch batch;
  batch.Put(storage::Family::kState, std::string("p\0\0\0\0", 5), EncodePage(*live.PageOf(0)));
  ASSERT_TRUE((*store)->Write(std::move(batch), storage::Durability::kUnlogged).ok());

  State loaded;
  ASSERT_TRUE(LoadCheckpoint(**store, &loaded).ok());
  EXPECT_EQ(loaded.sequence, half);
  ASSERT_TRUE(ApplyGroup(all, UINT64_MAX, &loaded).ok());
  EXPECT_EQ(Bytes(loaded), Bytes(live));
  EXPECT_EQ(loaded.totals, live.totals);
  EXPECT_EQ(loaded.keys.size(), kMembers);
}

TEST(Checkpoint, APageAheadOfAnOpeningKeepsWhatCameAfterIt) {
  journal::Group all;
  all.first_sequence = 1;
  all.texts = {"points", journal::StoredKey(MemberKey(int64_t(5)))};
  for (const Kind kind : {Kind::kDefineCurrency, Kind::kOpenMember, Kind::kCloseMember}) {
    Entry& entry = all.entries.emplace_back();
    entry.kind = kind;
    entry.status = PostingStatus::kPosted;
    if (kind != Kind::kDefineCurrency) entry.member = 0;
    all.movement_counts.push_back(0);
  }
  State live;
  ASSERT_TRUE(ApplyGroup(all, UINT64_MAX, &live).ok());
  ASSERT_TRUE(live.PageOf(0)->IsClosed(0));
  State ahead;
  ahead.InstallPage(0, std::make_unique<Page>(*live.PageOf(0)));
  ASSERT_TRUE(ApplyGroup(all, UINT64_MAX, &ahead).ok());
  EXPECT_TRUE(ahead.PageOf(0)->IsClosed(0));
}

}  // namespace
}  // namespace loyalty::ledger

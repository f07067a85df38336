// A store in a directory of its own for each test, entries of every shape, and a model of history:
// a list of all that was added.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "history/history.h"
#include "storage/store.h"
#include "temporary_directory.h"

namespace loyalty::history {

constexpr int64_t kSecond_us = 1'000'000;
constexpr int64_t kDay_us = 86'400 * kSecond_us;
constexpr int64_t kStart_us = 1'704'067'200 * kSecond_us;  // 2024-01-01

// All that history keeps of an item: everything but the id.
inline auto Kept(const Item& item) {
  const Entry& e = item.entry;
  const Codes& c = e.codes;
  const Correction& r = item.remark.correction;
  return std::make_tuple(item.sequence, e.effective_us, e.points, e.money, e.expires_us, e.balance,
                         e.related, e.tag, e.member, e.currency, uint16_t(e.status),
                         uint8_t(e.kind), uint8_t(e.related_kind), c.rule, c.channel, c.location,
                         c.category, c.actor, c.reason, item.remark.waits, r.of_us, r.points,
                         r.money, r.visits, r.rule, r.channel, r.location, r.category);
}

using KeptItem = decltype(Kept(Item()));

inline std::vector<KeptItem> Sorted(const std::vector<Item>& items) {
  std::vector<KeptItem> kept;
  for (const Item& item : items) kept.push_back(Kept(item));
  std::sort(kept.begin(), kept.end());
  return kept;
}

class EntryMaker {
 public:
  explicit EntryMaker(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  // Mostly plain entries over `days` days, and some of every odd shape.
  std::vector<Entry> Segment(size_t count, uint32_t members, int64_t days) {
    std::vector<Entry> entries(count);
    const int64_t clock_us = OneIn(2) ? kSecond_us : 1;
    for (Entry& entry : entries) {
      entry.id = {random_(), random_()};
      entry.member = OneIn(20) ? Entry::kNoMember : uint32_t(Below(members));
      entry.kind = OneIn(5) ? Kind::kRedeem : Kind::kEarn;
      entry.status = OneIn(50) ? PostingStatus::kInsufficientPoints : PostingStatus::kPosted;
      entry.effective_us =
          kStart_us + int64_t(Below(uint64_t(days * kDay_us))) / clock_us * clock_us;
      entry.points = int64_t(Below(10'000)) - 2'000;
      entry.money = entry.points > 0 ? entry.points * 7 : 0;
      entry.balance = int64_t(Below(1'000'000));
      if (entry.kind == Kind::kEarn) entry.expires_us = entry.effective_us + 365 * kDay_us;
      if (OneIn(100)) MakeOdd(&entry);
    }
    return entries;
  }

  // Of every so manieth entry.
  std::vector<RemarkAt> Remarks(const std::vector<Entry>& segment, uint64_t every) {
    std::vector<RemarkAt> remarks;
    for (uint32_t i = 0; i < segment.size(); ++i) {
      if (!OneIn(every)) continue;
      RemarkAt& at = remarks.emplace_back(RemarkAt{i, {}});
      at.remark.waits = OneIn(3);
      if (at.remark.waits) continue;
      at.remark.correction = {
          .of_us = segment[i].effective_us - int64_t(Below(uint64_t(90 * kDay_us))),
          .points = int64_t(Below(2'000)) - 1'000,
          .money = -int64_t(Below(10'000)),
          .visits = int64_t(Below(3)) - 1,
          .rule = int64_t(Below(4)),
          .channel = int64_t(Below(2)),
          .category = int64_t(Below(3))};
    }
    return remarks;
  }
  // Any value in any field.
  void MakeOdd(Entry* entry) {
    entry->kind = OneIn(2) ? Kind::kOpenMember : Kind(Below(256));
    entry->status = PostingStatus(Below(65'536));
    entry->currency = uint16_t(random_());
    entry->related = random_() >> Below(64);
    entry->related_kind = Kind(Below(256));
    entry->tag = random_() >> Below(64);
    entry->points = OneIn(3) ? INT64_MIN : int64_t(random_());
    entry->balance = OneIn(3) ? INT64_MAX : -int64_t(random_() >> 1);
    entry->expires_us = Expiry(entry->effective_us);
    entry->codes = {uint32_t(random_()), uint32_t(Below(3)), uint32_t(random_()), 1, UINT32_MAX, 0};
  }

 private:
  int64_t Expiry(int64_t effective_us) {
    switch (Below(5)) {
      case 0: return kNever_us;
      case 1: return effective_us;
      case 2: return kStart_us;  // the start of the month of many
      case 3: return INT64_MIN;
      default: return int64_t(random_());
    }
  }

  std::mt19937_64 random_;
};

inline testing::AssertionResult Check(const Status& status) {
  return status.ok() ? testing::AssertionSuccess()
                     : testing::AssertionFailure() << status.message();
}

class HistoryFixture : public ::testing::Test {
 protected:
  HistoryFixture() {
    storage::StoreOptions options;
    options.create = true;
    OpenStore(options);
    OpenHistory();
  }

  // Without Close(): what was not flushed is gone, as after a crash.
  void Reopen() {
    history_.reset();
    store_.reset();
    OpenStore({});
    OpenHistory();
  }
  void OpenHistory() {
    history_.reset();
    Result<std::unique_ptr<History>> history = History::Open(store_.get());
    ASSERT_TRUE(Check(history.status()));
    history_ = std::move(history).value();
  }

  void Add(const std::vector<Entry>& entries, const std::vector<RemarkAt>& remarks = {}) {
    const uint64_t first = history_->sequence() + 1;
    ASSERT_TRUE(Check(history_->Add(entries, remarks, first)));
    ASSERT_EQ(history_->sequence(), first + entries.size() - 1);
    std::vector<Remark> remark_of(entries.size());
    for (const RemarkAt& at : remarks) remark_of[at.index] = at.remark;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].member == Entry::kNoMember) continue;
      model_.push_back({first + i, entries[i], remark_of[i]});
    }
  }

  std::vector<Item> Read(uint32_t member, int64_t from_us = INT64_MIN, int64_t to_us = INT64_MAX) {
    std::vector<Item> items;
    EXPECT_TRUE(Check(history_->Read(std::array{uint32_t(member)}, from_us, to_us, &items)));
    return items;
  }
  std::vector<Item> Expected(uint32_t member, int64_t from_us = INT64_MIN,
                             int64_t to_us = INT64_MAX) const {
    std::vector<Item> items;
    for (const Item& item : model_) {
      const int64_t at_us = item.entry.effective_us;
      if (item.entry.member == member && from_us <= at_us && at_us < to_us) items.push_back(item);
    }
    return items;
  }
  std::vector<Item> VisitAll() {
    std::vector<Item> items;
    EXPECT_TRUE(Check(history_->Visit([&](const Item& item) {
      items.push_back(item);
      return true;
    })));
    return items;
  }
  void ExpectMatchesModel() { EXPECT_EQ(Sorted(VisitAll()), Sorted(model_)); }

  std::vector<storage::Store::Found> Records() {
    std::vector<storage::Store::Found> records;
    const auto keep = [&](std::string_view key, std::string_view value) {
      records.push_back({std::string(key), std::string(value)});
      return true;
    };
    EXPECT_TRUE(Check(store_->Scan(storage::Family::kHistory, {}, {}, keep)));
    return records;
  }
  void Put(std::string_view key, std::string_view value) {
    storage::Batch batch;
    batch.Put(storage::Family::kHistory, key, value);
    ASSERT_TRUE(Check(store_->Write(std::move(batch), storage::Durability::kUnlogged)));
  }
  void Delete(std::string_view key) {
    storage::Batch batch;
    batch.Delete(storage::Family::kHistory, key);
    ASSERT_TRUE(Check(store_->Write(std::move(batch), storage::Durability::kUnlogged)));
  }

  TemporaryDirectory directory_;  // goes last
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<History> history_;
  std::vector<Item> model_;

 private:
  void OpenStore(const storage::StoreOptions& options) {
    Result<std::unique_ptr<storage::Store>> store =
        storage::Store::Open(directory_ / "store", options);
    ASSERT_TRUE(Check(store.status()));
    store_ = std::move(store).value();
  }
};

}  // namespace loyalty::history

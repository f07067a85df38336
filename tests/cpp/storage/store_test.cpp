// Reading and writing a store that works.
#include "storage/store.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "storage/store_fixture.h"

namespace loyalty::storage {
namespace {

using Strings = std::vector<std::string>;

class StoreTest : public StoreFixture {
 protected:
  StoreTest() { Create(); }
};

TEST_F(StoreTest, KeepsEachFamilyApart) {
  for (int i = 0; i < kFamilies; ++i) EXPECT_OK(Put(Family(i), "key", std::to_string(i)));
  for (int i = 0; i < kFamilies; ++i) EXPECT_EQ(Get(Family(i), "key"), std::to_string(i));
  EXPECT_EQ(Get(Family::kJournal, "other"), "-");
}

TEST_F(StoreTest, KeepsBytesAsTheyAre) {
  const std::string key("\0\xff\n", 3);
  std::string value(1 << 20, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = char(i * 31);
  EXPECT_OK(Put(Family::kJournal, key, value));
  EXPECT_EQ(Get(Family::kJournal, key), value);
  EXPECT_OK(Put(Family::kJournal, "empty", ""));
  EXPECT_EQ(Get(Family::kJournal, "empty"), "");
  EXPECT_OK(store_->Close());
  Reopen();
  EXPECT_EQ(Get(Family::kJournal, key), value);
  EXPECT_OK(store_->VerifyChecksums());
}

TEST_F(StoreTest, ScansHalfOpenRangesInOrder) {
  for (const uint64_t n : {300, 1, 255, 256, 2}) EXPECT_OK(Put(Family::kIds, BigKey(n), "v"));
  const auto key = [](uint64_t n) { return BigKey(n); };
  EXPECT_EQ(Keys(Family::kIds), (Strings{key(1), key(2), key(255), key(256), key(300)}));
  EXPECT_EQ(Keys(Family::kIds, key(2), key(256)), (Strings{key(2), key(255)}));
  EXPECT_EQ(Keys(Family::kIds, key(3)), (Strings{key(255), key(256), key(300)}));
  EXPECT_EQ(Keys(Family::kIds, key(2), key(2)), Strings{});
  EXPECT_EQ(Keys(Family::kIds, key(300), key(2)), Strings{});
  EXPECT_EQ(Keys(Family::kHistory), Strings{});
}

TEST_F(StoreTest, ScanStopsWhenToldAndSeesOneSnapshot) {
  for (const char* key : {"a", "b", "c"}) EXPECT_OK(Put(Family::kState, key, "old"));
  std::string seen;
  EXPECT_OK(store_->Scan(Family::kState, "", "", [&](std::string_view key, std::string_view value) {
    if (key == "a") {
      EXPECT_OK(Put(Family::kState, "b", "new"));
      EXPECT_OK(Put(Family::kState, "bb", "new"));
    }
    seen.append(key).append("=").append(value).append(" ");
    return key != "b";
  }));
  EXPECT_EQ(seen, "a=old b=old ");
}

TEST_F(StoreTest, FindsTheLastUpToAKey) {
  for (const uint64_t n : {10, 20, 30}) {
    EXPECT_OK(Put(Family::kJournal, BigKey(n), std::to_string(n)));
  }
  const auto find = [&](uint64_t n) {
    const auto found = store_->FindLast(Family::kJournal, BigKey(n));
    EXPECT_OK(found.status());
    if (!found->has_value()) return std::string("-");
    EXPECT_EQ((*found)->key, BigKey(uint64_t(std::stoull((*found)->value))));
    return (*found)->value;
  };
  EXPECT_EQ(find(9), "-");
  EXPECT_EQ(find(10), "10");
  EXPECT_EQ(find(29), "20");
  EXPECT_EQ(find(UINT64_MAX), "30");
}

TEST_F(StoreTest, DeletesKeysAndRanges) {
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_OK(Put(Family::kIds, key, "v"));
  Batch batch;
  batch.DeleteRange(Family::kIds, "a", "c");
  batch.Put(Family::kIds, "b", "again");
  batch.Delete(Family::kIds, "d");
  batch.Delete(Family::kIds, "never there");
  EXPECT_OK(store_->Write(std::move(batch), Durability::kSynced));
  EXPECT_EQ(Keys(Family::kIds), (Strings{"b", "c"}));
  EXPECT_EQ(Get(Family::kIds, "b"), "again");
}

TEST_F(StoreTest, BatchCountsItsBytes) {
  Batch batch;
  EXPECT_EQ(batch.bytes(), 0u);
  batch.Put(Family::kJournal, "key", "value");
  EXPECT_EQ(batch.bytes(), 8u);
  Batch moved = std::move(batch);
  EXPECT_EQ(moved.bytes(), 8u);
}

TEST_F(StoreTest, ReadersNeverSeeHalfABatch) {
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      // Read in the order of writing: the later key may be newer, never older.
      const std::string first = Get(Family::kJournal, "n");
      const std::string second = Get(Family::kState, "n");
      if (first == "-") continue;
      EXPECT_GE(std::stoi(second), std::stoi(first));
    }
  });
  for (int i = 0; i < 300; ++i) {
    Batch batch;
    batch.Put(Family::kJournal, "n", std::to_string(i));
    batch.Put(Family::kState, "n", std::to_string(i));
    EXPECT_OK(store_->Write(std::move(batch), Durability::kSynced));
  }
  done = true;
  reader.join();
}

TEST_F(StoreTest, DroppedStoreKeepsWhatWasSyncedOnly) {
  EXPECT_OK(Put(Family::kJournal, "synced", "1"));
  EXPECT_OK(Put(Family::kHistory, "flushed", "2", Durability::kUnlogged));
  EXPECT_OK(store_->Flush(Family::kHistory));
  EXPECT_OK(Put(Family::kHistory, "unlogged", "3", Durability::kUnlogged));
  EXPECT_EQ(Get(Family::kHistory, "unlogged"), "3");
  Reopen();
  EXPECT_EQ(Get(Family::kJournal, "synced"), "1");
  EXPECT_EQ(Get(Family::kHistory, "flushed"), "2");
  EXPECT_EQ(Get(Family::kHistory, "unlogged"), "-");
}

TEST_F(StoreTest, CloseFlushesEverything) {
  EXPECT_OK(Put(Family::kJournal, "synced", "1"));
  EXPECT_OK(Put(Family::kHistory, "unlogged", "2", Durability::kUnlogged));
  EXPECT_EQ(store_->FileBytes(Family::kHistory), 0u);
  EXPECT_OK(store_->Close());
  Reopen();
  EXPECT_EQ(Get(Family::kJournal, "synced"), "1");
  EXPECT_EQ(Get(Family::kHistory, "unlogged"), "2");
  EXPECT_GT(store_->FileBytes(Family::kHistory), 0u);
}

TEST_F(StoreTest, ClosedStoreRefusesAll) {
  EXPECT_OK(store_->Close());
  EXPECT_OK(store_->Close());
  EXPECT_CODE(kClosed, Put(Family::kJournal, "k", "v"));
  EXPECT_CODE(kClosed, store_->Flush(Family::kJournal));
  EXPECT_CODE(kClosed, store_->Get(Family::kJournal, "k"));
  EXPECT_CODE(kClosed, store_->FindLast(Family::kJournal, "k"));
  EXPECT_CODE(kClosed, store_->Scan(Family::kJournal, "", "", [](auto, auto) { return true; }));
  EXPECT_CODE(kClosed, store_->VerifyChecksums());
  EXPECT_EQ(store_->FileBytes(Family::kJournal), 0u);
}

TEST_F(StoreTest, CloseWaitsForReadersAndTurnsNestedReadsAway) {
  EXPECT_OK(Put(Family::kJournal, "k", "v"));
  std::atomic<bool> inside = false;
  std::thread reader([&] {
    EXPECT_OK(store_->Scan(Family::kJournal, "", "", [&](std::string_view, std::string_view value) {
      inside = true;
      while (CodeOf(store_->Get(Family::kJournal, "k")) == StatusCode::kOk)
        std::this_thread::yield();
      EXPECT_CODE(kClosed, store_->Get(Family::kJournal, "k"));
      EXPECT_EQ(value, "v");
      return true;
    }));
  });
  while (!inside) std::this_thread::yield();
  EXPECT_OK(store_->Close());
  reader.join();
}

TEST_F(StoreTest, ManyThreadsReadWhileItCloses) {
  for (int i = 0; i < 100; ++i) EXPECT_OK(Put(Family::kIds, std::to_string(i), "v"));
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&] {
      StatusCode last = StatusCode::kOk;
      while (last == StatusCode::kOk) last = CodeOf(store_->Get(Family::kIds, "50"));
      EXPECT_EQ(last, StatusCode::kClosed);
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_OK(store_->Close());
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace loyalty::storage

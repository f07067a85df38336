// Stores opened for reading, beside the one that writes.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "storage/store_fixture.h"

namespace loyalty::storage {
namespace {

namespace fs = std::filesystem;

class ReaderTest : public StoreFixture {
 protected:
  // Of what store_ has by now.
  void OpenReader() {
    reader_.reset();
    auto opened = Store::OpenToRead(directory_, nullptr);
    ASSERT_OK(opened.status());
    reader_ = std::move(opened).value();
  }
  std::string Read(Family family, std::string_view key) const {
    return reader_->Get(family, key)->value_or("-");
  }
  std::map<std::string, std::string> All(Family family, std::string_view from = "",
                                         std::string_view to = "") const {
    std::map<std::string, std::string> all;
    EXPECT_OK(reader_->Scan(family, from, to, [&](std::string_view key, std::string_view value) {
      EXPECT_TRUE(all.empty() || all.rbegin()->first < key) << "out of order: " << key;
      return all.emplace(key, value).second;
    }));
    return all;
  }
  // Names, sizes and times of change of all files.
  std::map<std::string, std::pair<int64_t, int64_t>> Listing() const {
    std::map<std::string, std::pair<int64_t, int64_t>> listing;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      struct stat found = {};
      EXPECT_EQ(::stat(entry.path().c_str(), &found), 0);
      listing[entry.path().filename()] = {
          found.st_size, found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
    }
    return listing;
  }

  static std::string Text(uint64_t number) { return std::string(2000, char(number)); }

  std::unique_ptr<Store> reader_;
};

TEST_F(ReaderTest, ShowsWhatWasThereWhenItWasOpened) {
  Create();
  EXPECT_OK(Put(Family::kJournal, "in a file", Noise(1000)));
  EXPECT_OK(store_->Flush(Family::kJournal));
  EXPECT_OK(Put(Family::kJournal, "in the log", "1"));
  EXPECT_OK(Put(Family::kHistory, "in RAM", "h", Durability::kUnlogged));
  OpenReader();
  EXPECT_EQ(Read(Family::kJournal, "in a file").size(), 1000u);
  EXPECT_EQ(Read(Family::kJournal, "in the log"), "1");
  EXPECT_EQ(Read(Family::kHistory, "in RAM"), "-");

  EXPECT_OK(Put(Family::kJournal, "in the log", "2"));
  EXPECT_EQ(Read(Family::kJournal, "in the log"), "1");
  OpenReader();
  EXPECT_EQ(Read(Family::kJournal, "in the log"), "2");
  EXPECT_OK(reader_->VerifyChecksums());
}

TEST_F(ReaderTest, FilesThatTheWriterRemovesStayReadable) {
  Create();
  for (int round = 0; round < 4; ++round) {
    EXPECT_OK(Put(Family::kHistory, "k", Noise(100'000), Durability::kUnlogged));
    EXPECT_OK(store_->Flush(Family::kHistory));
  }
  const std::string before = Get(Family::kHistory, "k");
  OpenReader();
  const auto files = Files(".sst");
  EXPECT_OK(Put(Family::kHistory, "k", "new", Durability::kUnlogged));
  EXPECT_OK(store_->Purge(Family::kHistory, "", ""));
  for (const std::string& file : files) {
    EXPECT_FALSE(fs::exists(file)) << file;
  }
  EXPECT_EQ(Read(Family::kHistory, "k"), before);
  EXPECT_OK(reader_->VerifyChecksums());
}

TEST_F(ReaderTest, ChangesNothingOnDiskAndNeedsNoRightTo) {
  Create();
  EXPECT_OK(Put(Family::kJournal, "k", Noise(1000)));
  store_.reset();  // as a crash: the log stays
  const auto before = Listing();
  OpenReader();
  Batch batch;
  batch.Put(Family::kHistory, "k", Noise(100'000));
  EXPECT_OK(reader_->Write(std::move(batch), Durability::kUnlogged));
  EXPECT_OK(reader_->Flush(Family::kHistory));
  EXPECT_OK(reader_->Close());
  EXPECT_OK(reader_->Close());
  reader_.reset();
  EXPECT_EQ(Listing(), before);
}

TEST_F(ReaderTest, RefusesWhatMustBeOnDisk) {
  Create();
  OpenReader();
  Batch batch;
  batch.Put(Family::kJournal, "k", "v");
  EXPECT_CODE(kReadOnly, reader_->Write(std::move(batch), Durability::kSynced));
  EXPECT_CODE(kReadOnly, reader_->Purge(Family::kJournal, "", ""));
  EXPECT_EQ(Read(Family::kJournal, "k"), "-");
  EXPECT_OK(reader_->Close());
  EXPECT_CODE(kClosed, reader_->Get(Family::kJournal, "k"));
}

TEST_F(ReaderTest, NothingThere) {
  EXPECT_CODE(kNotFound, Store::OpenToRead(directory_, nullptr));
  EXPECT_FALSE(fs::exists(directory_));
}

// Random changes over random content, beside a plain map.
TEST_F(ReaderTest, WhatIsWrittenToItLiesOverWhatIsThere) {
  Create();
  std::map<std::string, std::string> expected;
  const auto random_key = [&] { return std::string(1, char('a' + random_() % 26)); };
  for (int i = 0; i < 20; ++i) {
    const std::string key = random_key();
    expected[key] = Noise(8);
    EXPECT_OK(Put(Family::kIds, key, expected[key], Durability::kUnlogged));
  }
  EXPECT_OK(store_->Flush(Family::kIds));
  OpenReader();
  for (int round = 0; round < 300; ++round) {
    const auto cursor = reader_->NewCursor(Family::kIds, "", "");
    const auto then = expected;
    Batch batch;
    for (uint64_t changes = random_() % 4; changes-- > 0;) {
      std::string from = random_key();
      std::string to = random_key();
      if (from > to) std::swap(from, to);
      switch (random_() % 5) {
        case 0:
          batch.DeleteRange(Family::kIds, from, to);
          expected.erase(expected.lower_bound(from), expected.lower_bound(to));
          break;
        case 1:
          batch.Delete(Family::kIds, from);
          expected.erase(from);
          break;
        default: expected[from] = Noise(8); batch.Put(Family::kIds, from, expected[from]);
      }
    }
    ASSERT_OK(reader_->Write(std::move(batch), Durability::kUnlogged));
    ASSERT_EQ(All(Family::kIds), expected);
    // A cursor stays with what was there when it was made.
    std::map<std::string, std::string> seen;
    for (; (*cursor)->Valid(); (*cursor)->Next())
      seen.emplace((*cursor)->key(), (*cursor)->value());
    ASSERT_EQ(seen, then);

    const std::string key = random_key();
    const auto at = expected.upper_bound(key);
    const auto last = reader_->FindLast(Family::kIds, key);
    ASSERT_OK(last.status());
    ASSERT_EQ(last->has_value(), at != expected.begin());
    if (*last) {
      ASSERT_EQ((*last)->key, std::prev(at)->first);
      ASSERT_EQ((*last)->value, std::prev(at)->second);
    }
    const auto found = expected.find(key);
    ASSERT_EQ(Read(Family::kIds, key), found == expected.end() ? "-" : found->second);
    const auto in_part = reader_->NewCursor(Family::kIds, "d", "s");
    (*in_part)->Seek(key);
    const auto next = expected.lower_bound(key);
    const bool there = next != expected.end() && next->first < "s";
    ASSERT_EQ((*in_part)->Valid(), there) << key;
    if (there) {
      ASSERT_EQ((*in_part)->key(), next->first);
    }
  }
}

// The writer compacts and removes files all the while, every few milliseconds.
TEST_F(ReaderTest, BesideAWriterAtWork) {
  Create();
  std::atomic<bool> done = false;
  std::atomic<uint64_t> synced = 0;
  std::thread writer([&] {
    for (uint64_t i = 1; !done; ++i) {
      EXPECT_OK(Put(Family::kJournal, BigKey(i), Text(i)));
      synced = i;
      if (i % 30 == 0) {
        EXPECT_OK(store_->Flush(Family::kJournal));
      }
      if (i % 300 == 0) {
        EXPECT_OK(store_->Purge(Family::kJournal, "", ""));
      }
    }
  });
  int opened = 0;
  for (int i = 0; i < 400 && opened < 40; ++i) {
    const uint64_t before = synced;
    auto reader = Store::OpenToRead(directory_, nullptr);
    if (CodeOf(reader) == StatusCode::kBusy) continue;
    EXPECT_OK(reader.status());
    if (!reader.ok()) break;
    ++opened;
    uint64_t next = 1;
    EXPECT_OK((*reader)->Scan(Family::kJournal, "", "", [&](std::string_view key, auto value) {
      const bool follows = LoadBig<uint64_t>(key.data()) == next && value == Text(next);
      return follows && ++next > 0;
    }));
    EXPECT_GT(next, before) << "something is missing";
  }
  done = true;
  writer.join();
  EXPECT_EQ(opened, 40);
}

}  // namespace
}  // namespace loyalty::storage

#include <functional>

#include "base/bytes.h"
#include "base/hash.h"

#include "ids/index_fixture.h"

namespace loyalty::ids {
namespace {

using storage::Family;

// Each test damages what is stored of two runs, 1..5000 and 5001..10000, and opens again.
class IdDamageTest : public IndexFixture {
 protected:
  void SetUp() override {
    IndexFixture::SetUp();
    ASSERT_OK(AddNext(5000));
    ASSERT_OK(AddNext(5000));
    ASSERT_OK(index_->Flush());
    index_.reset();
    run_.first = 5001;
    run_.last = 10'000;
  }

  std::string Value(const std::string& key) {
    auto stored = store_->Get(Family::kIds, key);
    EXPECT_TRUE(stored.ok() && stored->has_value());
    return **stored;
  }
  void Put(const std::string& key, const std::string& value) {
    storage::Batch batch;
    batch.Put(Family::kIds, key, value);
    ASSERT_OK(store_->Write(std::move(batch), storage::Durability::kUnlogged));
  }
  void Delete(const std::string& key) {
    storage::Batch batch;
    batch.Delete(Family::kIds, key);
    ASSERT_OK(store_->Write(std::move(batch), storage::Durability::kUnlogged));
  }
  // Calls `check` with each of several bytes of the value inverted, and with it cut and emptied.
  void WithEachDamage(const std::string& key, const std::function<void()>& check) {
    const std::string good = Value(key);
    for (size_t at = 0; at < good.size(); at += at < 80 ? 1 : good.size() / 50 + 1) {
      SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(good.size()));
      std::string bad = good;
      bad[at] = char(~bad[at]);
      Put(key, bad);
      check();
    }
    for (size_t size : {size_t{0}, size_t{5}, good.size() / 2, good.size() - 1}) {
      SCOPED_TRACE("cut to " + std::to_string(size));
      Put(key, good.substr(0, size));
      check();
    }
    Put(key, good);
  }

  void ExpectOpenFails(const std::string& part_of_message) {
    const auto index = IdIndex::Open(store_.get());
    ASSERT_FALSE(index.ok());
    EXPECT_EQ(index.status().code(), StatusCode::kCorruption) << index.status().message();
    EXPECT_NE(index.status().message().find(part_of_message), std::string::npos)
        << index.status().message();
  }
  // Opening goes well; finding all ids, visiting and merging report the fault.
  void ExpectReadsFail(const std::string& part_of_message) {
    OpenIndex();
    const auto expect = [&](const Status& status) {
      EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.message();
      EXPECT_NE(status.message().find(part_of_message), std::string::npos) << status.message();
    };
    std::vector<Id> ids;
    for (uint64_t s = 1; s <= 10'000; ++s) ids.push_back(kIdKinds[0].make(s));
    std::vector<uint64_t> found(ids.size());
    expect(index_->runs()->Find(ids, 0, found));
    expect(index_->Visit([](const IdAt&) { return true; }));
  }

  RunInfo run_;
};

TEST_F(IdDamageTest, OfTheDirectoryIsFoundOnOpening) {
  WithEachDamage(DirectoryKey(), [&] { ExpectOpenFails("directory"); });
  OpenIndex();
  CheckAll(1000);
}

TEST_F(IdDamageTest, OfAFilterOrTheFirstIdsIsFoundOnOpening) {
  for (uint32_t part : {kFirstIdsPart, kFilterPart}) {
    const std::string name = "part " + std::to_string(part) + " of run 5001..10000";
    WithEachDamage(RunKey(run_, part), [&] { ExpectOpenFails(name); });
    const std::string good = Value(RunKey(run_, part));
    Delete(RunKey(run_, part));
    ExpectOpenFails(name + " is missing");
    RunInfo other;
    other.first = 1;
    other.last = 5000;
    Put(RunKey(run_, part), Value(RunKey(other, part)));
    ExpectOpenFails(name + " belongs elsewhere");
    Put(RunKey(run_, part), good);
  }
  OpenIndex();
  CheckAll(1000);
}

TEST_F(IdDamageTest, OfAChunkIsFoundOnReading) {
  const std::string name = "chunk 2 of run 5001..10000";
  WithEachDamage(RunKey(run_, 2), [&] { ExpectReadsFail(name); });
  const std::string good = Value(RunKey(run_, 2));
  Put(RunKey(run_, 2), Value(RunKey(run_, 3)));
  ExpectReadsFail(name + " belongs elsewhere");
  Delete(RunKey(run_, 2));
  ExpectReadsFail(name + " is missing");
  Put(RunKey(run_, 2), good);
  OpenIndex();
  CheckAll(1000);
}

TEST_F(IdDamageTest, StopsAMergeAndLeavesTheRunsAsTheyWere) {
  Delete(RunKey(run_, 2));
  OpenIndex();
  for (int add = 0; add < 5; ++add) ASSERT_OK(AddNext(10));
  EXPECT_EQ(AddNext(10).code(), StatusCode::kCorruption);
  EXPECT_EQ(index_->runs()->size(), 8u);
  EXPECT_EQ(reached(), 10'060u);
}

TEST_F(IdDamageTest, IsMendedByDiscardingAndAddingAgain) {
  Delete(RunKey(run_, kFilterPart));
  ExpectOpenFails("is missing");
  ASSERT_OK(IdIndex::Discard(store_.get()));
  EXPECT_TRUE(StoredKeys().empty());
  OpenIndex();
  EXPECT_EQ(reached(), 0u);
  ASSERT_OK(AddNext(10'000));
  ASSERT_OK(index_->Flush());
  Crash();
  CheckAll(1000);
}

TEST_F(IdDamageTest, RunsThatTheDirectoryDoesNotNameAreRemoved) {
  const auto keys = StoredKeys();
  for (const auto& [first, last] : {std::pair(1, 10'000), {2, 3}, {10'001, 10'002}, {1, 4999}}) {
    RunInfo stray;
    stray.first = uint64_t(first);
    stray.last = uint64_t(last);
    Put(RunKey(stray, 0), "chunk");
    Put(RunKey(stray, 7), "chunk");
    Put(RunKey(stray, kFilterPart), "filter");
  }
  OpenIndex();
  EXPECT_EQ(StoredKeys(), keys);
  CheckAll(1000);
}

TEST_F(IdDamageTest, ANewerFormatIsNotCalledDamage) {
  std::string value = EncodeDirectory({1, {}});
  value.resize(value.size() - 8);
  value[3] = char(kFormatVersion + 1);
  AppendLittle(&value, Checksum(value));
  Put(DirectoryKey(), value);
  EXPECT_EQ(IdIndex::Open(store_.get()).status().code(), StatusCode::kUnsupportedFormat);
}

}  // namespace
}  // namespace loyalty::ids

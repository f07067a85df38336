// What was overwritten or deleted, and then purged, is in no file any more.
#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "files_holding.h"
#include "storage/store_fixture.h"

namespace loyalty::storage {
namespace {

const std::string kSecret = "x7Qm-4kTz-secret-0191";

class StorePurgeTest : public StoreFixture {
 protected:
  StorePurgeTest() { Create(); }
  // Of every family: some data that is not in sorted files yet.
  void Fill() {
    for (int i = 0; i < kFamilies; ++i) {
      const Durability durability = i == 0 ? Durability::kSynced : Durability::kUnlogged;
      EXPECT_OK(Put(Family(i), "filler", Noise(1000), durability));
    }
  }
  size_t Holding() const { return FilesHolding(directory_, kSecret).size(); }
};

TEST_F(StorePurgeTest, FromTheLog) {
  Fill();
  EXPECT_OK(Put(Family::kKeys, "k", kSecret));
  EXPECT_EQ(Holding(), 1u);
  EXPECT_OK(Put(Family::kKeys, "k", "-"));
  EXPECT_EQ(Holding(), 1u);
  EXPECT_OK(store_->Purge(Family::kKeys, "", ""));
  EXPECT_EQ(Holding(), 0u);
  EXPECT_EQ(Get(Family::kKeys, "k"), "-");
  for (int i = 0; i < kFamilies; ++i) EXPECT_EQ(Get(Family(i), "filler").size(), 1000u);
}

TEST_F(StorePurgeTest, FromSortedFilesOfEveryLevel) {
  int level = 0;
  for (const char* key : {"k0", "k1", "k2"}) {
    EXPECT_OK(Put(Family::kState, key, kSecret + Noise(100'000)));
    EXPECT_OK(Put(Family::kState, "p", Noise(100'000)));
    EXPECT_OK(store_->Flush(Family::kState));
    if (++level < 3) {  // moves it down
      EXPECT_OK(store_->Purge(Family::kState, "k", "l"));
    }
  }
  EXPECT_GT(Holding(), 0u);
  Batch batch;
  batch.Put(Family::kState, "k0", "-");
  batch.Delete(Family::kState, "k1");
  batch.DeleteRange(Family::kState, "k2", "k3");
  EXPECT_OK(store_->Write(std::move(batch), Durability::kUnlogged));
  EXPECT_OK(store_->Purge(Family::kState, "k", "l"));
  EXPECT_EQ(Holding(), 0u);
  EXPECT_EQ(Keys(Family::kState), (std::vector<std::string>{"k0", "p"}));
  EXPECT_OK(store_->VerifyChecksums());
  // Again, with nothing to do.
  EXPECT_OK(store_->Purge(Family::kState, "k", "l"));
}

TEST_F(StorePurgeTest, AfterACrash) {
  EXPECT_OK(Put(Family::kKeys, "k", kSecret));
  EXPECT_OK(Put(Family::kKeys, "k", "-"));
  Reopen();  // dropped, not closed
  EXPECT_OK(store_->Purge(Family::kKeys, "", ""));
  EXPECT_EQ(Holding(), 0u);
  EXPECT_EQ(Get(Family::kKeys, "k"), "-");
}

TEST_F(StorePurgeTest, WhatWasCutOffATornLogGoes) {
  std::ofstream(directory_ + "/000003.log.torn") << kSecret;
  EXPECT_EQ(Holding(), 1u);
  EXPECT_OK(store_->Purge(Family::kKeys, "", ""));
  EXPECT_EQ(Holding(), 0u);
}

TEST_F(StorePurgeTest, BesideWritersAndReaders) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      const Durability durability = i % 2 ? Durability::kSynced : Durability::kUnlogged;
      EXPECT_OK(Put(Family(i % kFamilies), std::to_string(i % 500), "v", durability));
    }
  });
  std::thread reader([&] {
    while (!stop) {
      EXPECT_OK(store_->Scan(Family::kKeys, "", "", [](auto, auto) { return true; }));
    }
  });
  for (int round = 0; round < 20; ++round) {
    EXPECT_OK(Put(Family::kKeys, "k", kSecret));
    if (round % 3 == 0) {
      EXPECT_OK(store_->Flush(Family::kKeys));
    }
    EXPECT_OK(Put(Family::kKeys, "k", "-"));
    EXPECT_OK(store_->Purge(Family::kKeys, "", ""));
    EXPECT_EQ(Holding(), 0u);
  }
  stop = true;
  writer.join();
  reader.join();
}

TEST_F(StorePurgeTest, AFailedOneStopsTheWriter) {
  EXPECT_OK(Put(Family::kKeys, "k", "1"));
  faults_.Fail(FaultyEnvironment::Operation::kCreate, FaultyEnvironment::Fault::kNoSpace);
  EXPECT_CODE(kNoSpace, store_->Purge(Family::kKeys, "", ""));
  EXPECT_CODE(kNoSpace, Put(Family::kKeys, "k", "2"));
  EXPECT_EQ(Get(Family::kKeys, "k"), "1");
}

TEST_F(StorePurgeTest, NotAfterClose) {
  EXPECT_OK(store_->Close());
  EXPECT_CODE(kClosed, store_->Purge(Family::kKeys, "", ""));
}

}  // namespace
}  // namespace loyalty::storage

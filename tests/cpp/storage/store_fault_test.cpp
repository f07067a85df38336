// Failing disks and power losses: the writer stops, readers go on, nothing acknowledged is lost.
#include <string>
#include <thread>
#include <vector>

#include "storage/store_fixture.h"

namespace loyalty::storage {
namespace {

using Operation = FaultyEnvironment::Operation;
using Fault = FaultyEnvironment::Fault;
using Unsynced = FaultyEnvironment::Unsynced;

class StoreFaultTest : public StoreFixture {
 protected:
  StoreFaultTest() { Create(); }

  // Writes "lost" under a fault of that kind, then expects the store to be stopped by `code`.
  void ExpectStops(Operation operation, Fault fault, StatusCode code) {
    EXPECT_OK(Put(Family::kJournal, "kept", "1"));
    EXPECT_OK(Put(Family::kIds, "derived", "2", Durability::kUnlogged));
    faults_.Fail(operation, fault);
    const Status failed = Put(Family::kJournal, "lost", "3");
    EXPECT_EQ(failed.code(), code) << failed.message();
    EXPECT_NE(failed.message().find(directory_), std::string::npos) << failed.message();

    faults_.Heal();
    for (const Durability durability : {Durability::kSynced, Durability::kUnlogged}) {
      const Status later = Put(Family::kJournal, "later", "4", durability);
      EXPECT_EQ(later.code(), code);
      EXPECT_EQ(later.message(), failed.message());
    }
    EXPECT_EQ(store_->Flush(Family::kIds).message(), failed.message());
    EXPECT_EQ(Get(Family::kJournal, "kept"), "1");
    EXPECT_EQ(Get(Family::kIds, "derived"), "2");
    EXPECT_EQ(Get(Family::kJournal, "lost"), "-");
    EXPECT_EQ(Keys(Family::kJournal), std::vector<std::string>{"kept"});
  }
  // An unacknowledged write may be there or not, but whole.
  void ExpectKept() {
    EXPECT_EQ(Get(Family::kJournal, "kept"), "1");
    EXPECT_EQ(Get(Family::kJournal, "later"), "-");
    const std::string lost = Get(Family::kJournal, "lost");
    EXPECT_TRUE(lost == "3" || lost == "-") << lost;
    EXPECT_OK(Put(Family::kJournal, "after", "5"));
  }
};

TEST_F(StoreFaultTest, FailedSyncStopsTheWriter) {
  ExpectStops(Operation::kSync, Fault::kIoError, StatusCode::kIoError);
  Reopen();
  ExpectKept();
}

TEST_F(StoreFaultTest, FullDiskAtAppendStopsTheWriter) {
  ExpectStops(Operation::kAppend, Fault::kNoSpace, StatusCode::kNoSpace);
  Reopen();
  ExpectKept();
}

TEST_F(StoreFaultTest, FullDiskAtSyncStopsTheWriter) {
  ExpectStops(Operation::kSync, Fault::kNoSpace, StatusCode::kNoSpace);
  Reopen();
  ExpectKept();
}

// The pages of a failed sync may be gone, and a later one succeed without them.
TEST_F(StoreFaultTest, PowerLossAfterAFailedSync) {
  ExpectStops(Operation::kSync, Fault::kIoError, StatusCode::kIoError);
  faults_.CutPower();
  store_.reset();
  faults_.RestorePower(Unsynced::kLost);
  Reopen();
  ExpectKept();
  EXPECT_EQ(Get(Family::kJournal, "lost"), "-");
}

// What Open shows is durable, although the log it came from may be in the page cache only.
TEST_F(StoreFaultTest, WhatIsSeenAfterReopeningStays) {
  ExpectStops(Operation::kSync, Fault::kIoError, StatusCode::kIoError);
  Reopen();
  const std::string seen = Get(Family::kJournal, "lost");
  faults_.CutPower();
  store_.reset();
  faults_.RestorePower(Unsynced::kLost);
  Reopen();
  EXPECT_EQ(Get(Family::kJournal, "lost"), seen);
  ExpectKept();
}

TEST_F(StoreFaultTest, CloseAfterAFaultWritesNothing) {
  ExpectStops(Operation::kSync, Fault::kIoError, StatusCode::kIoError);
  const int64_t appends = faults_.Count(Operation::kAppend);
  const int64_t syncs = faults_.Count(Operation::kSync);
  EXPECT_CODE(kIoError, store_->Close());
  EXPECT_CODE(kIoError, store_->Close());
  EXPECT_CODE(kClosed, Put(Family::kJournal, "k", "v"));
  EXPECT_EQ(faults_.Count(Operation::kAppend), appends);
  EXPECT_EQ(faults_.Count(Operation::kSync), syncs);
  Reopen();
  ExpectKept();
  EXPECT_EQ(Get(Family::kIds, "derived"), "-");
}

TEST_F(StoreFaultTest, CloseReportsAFailedFlush) {
  EXPECT_OK(Put(Family::kJournal, "kept", "1"));
  faults_.Fail(Operation::kSync, Fault::kNoSpace);
  EXPECT_CODE(kNoSpace, store_->Close());
  faults_.Heal();
  Reopen();
  ExpectKept();
}

TEST_F(StoreFaultTest, FailedFlushStopsTheWriter) {
  for (const Operation operation :
       {Operation::kCreate, Operation::kAppend, Operation::kSync, Operation::kDirectorySync}) {
    EXPECT_OK(Put(Family::kJournal, "kept", "1"));
    EXPECT_OK(Put(Family::kHistory, "derived", "2", Durability::kUnlogged));
    faults_.Fail(operation, Fault::kNoSpace);
    EXPECT_CODE(kNoSpace, store_->Flush(Family::kHistory)) << int(operation);
    faults_.Heal();
    EXPECT_CODE(kNoSpace, Put(Family::kJournal, "later", "4")) << int(operation);
    EXPECT_EQ(Get(Family::kHistory, "derived"), "2");
    Reopen();
    ExpectKept();
  }
}

// RocksDB alone would keep taking writes into memory.
TEST_F(StoreFaultTest, FailedFlushInTheBackgroundStopsTheWriter) {
  const std::string value(1 << 20, 'v');
  EXPECT_OK(Put(Family::kJournal, "kept", "1"));
  faults_.Fail(Operation::kCreate, Fault::kNoSpace);
  Status status;
  for (int i = 0; i < 400 && status.ok(); ++i) {
    status = Put(Family::kHistory, std::to_string(i), value, Durability::kUnlogged);
  }
  EXPECT_EQ(status.code(), StatusCode::kNoSpace) << status.message();
  EXPECT_EQ(Get(Family::kHistory, "0"), value);
  faults_.Heal();
  EXPECT_CODE(kNoSpace, Put(Family::kJournal, "later", "4"));
  Reopen();
  ExpectKept();
}

TEST_F(StoreFaultTest, ConcurrentWritersAllSeeTheFirstFault) {
  faults_.Fail(Operation::kSync, Fault::kIoError, /*skip=*/20, /*count=*/1);
  std::vector<std::thread> writers;
  std::vector<int> acknowledged(4);
  for (size_t t = 0; t < acknowledged.size(); ++t) {
    writers.emplace_back([&, t] {
      while (Put(Family::kJournal, std::to_string(t) + "/" + std::to_string(acknowledged[t]), "v")
                 .ok()) {
        ++acknowledged[t];
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  faults_.CutPower();
  store_.reset();
  faults_.RestorePower(Unsynced::kLost);
  Reopen();
  size_t sum = 0;
  for (const int count : acknowledged) sum += size_t(count);
  EXPECT_EQ(sum, 20u);
  EXPECT_EQ(Keys(Family::kJournal).size(), sum);
}

// Batches of many sizes, synced, with derived data behind, and the power goes after any number of
// operations.
class PowerLossTest : public StoreFixture, public testing::WithParamInterface<Unsynced> {
 protected:
  static constexpr int kBatches = 30;

  static std::string ValueOf(int i) {
    return std::string(size_t(i % 7) * 20000 + 1, char('a' + i % 26));
  }

  // Returns how many batches were acknowledged.
  int WriteUntilThePowerGoes(bool flush) {
    for (int i = 0; i < kBatches; ++i) {
      Batch batch;
      batch.Put(Family::kJournal, BigKey(uint64_t(i)), ValueOf(i));
      batch.Put(Family::kState, "last", std::to_string(i));
      if (!store_->Write(std::move(batch), Durability::kSynced).ok()) return i;
      Status derived = Put(Family::kHistory, "reached", std::to_string(i), Durability::kUnlogged);
      if (flush && i % 8 == 5) derived = store_->Flush(Family::kHistory);
      if (flush && i % 12 == 11) derived = store_->Flush(Family::kJournal);
      if (!derived.ok()) return i + 1;
    }
    if (flush) (void)store_->Close();
    return kBatches;
  }

  // All that was acknowledged, and perhaps the one that was being written.
  void ExpectWhole(int acknowledged) {
    const int keys = int(Keys(Family::kJournal).size());
    ASSERT_TRUE(keys == acknowledged || keys == acknowledged + 1) << keys << " " << acknowledged;
    for (int i = 0; i < keys; ++i) {
      ASSERT_EQ(Get(Family::kJournal, BigKey(uint64_t(i))), ValueOf(i)) << i;
    }
    ASSERT_EQ(Get(Family::kState, "last"), keys == 0 ? "-" : std::to_string(keys - 1));
    const std::string reached = Get(Family::kHistory, "reached");
    if (reached != "-") {
      ASSERT_LT(std::stoi(reached), acknowledged);
    }
  }

  int64_t CountOperations(bool flush) {
    Create();
    const int64_t before = faults_.CountAll();
    EXPECT_EQ(WriteUntilThePowerGoes(flush), kBatches);
    return faults_.CountAll() - before;
  }

  void CutAndReopen(int64_t cut, bool flush) {
    SCOPED_TRACE("power cut after " + std::to_string(cut) + " operations");
    directory_ = (root_ / std::to_string(cut)).string();
    Create();
    faults_.CutPower(cut);
    const int acknowledged = WriteUntilThePowerGoes(flush);
    store_.reset();
    faults_.RestorePower(GetParam(), uint64_t(cut));
    ASSERT_OK(TryOpen(false));
    ExpectWhole(acknowledged);
  }
};

TEST_P(PowerLossTest, KeepsWhatWasAcknowledged) {
  const int64_t operations = CountOperations(false);
  ASSERT_GT(operations, 60);
  for (int64_t cut = 0; cut <= operations; ++cut) {
    ASSERT_NO_FATAL_FAILURE(CutAndReopen(cut, false));
  }
}

// A sample, since RocksDB waits a second whenever a flush fails.
TEST_P(PowerLossTest, KeepsWhatWasAcknowledgedWithFlushes) {
  const int64_t operations = CountOperations(true);
  ASSERT_GT(operations, 100);
  for (int64_t cut = int64_t(GetParam()); cut < operations; cut += 17) {
    ASSERT_NO_FATAL_FAILURE(CutAndReopen(cut, true));
  }
}

// The power goes again while the store is being opened.
TEST_P(PowerLossTest, OpeningCanBeCutShort) {
  bool opened = false;
  for (int64_t cut = 0; !opened; ++cut) {
    SCOPED_TRACE("power cut after " + std::to_string(cut) + " operations of opening");
    directory_ = (root_ / std::to_string(cut)).string();
    Create();
    faults_.CutPower(51);
    const int acknowledged = WriteUntilThePowerGoes(false);
    ASSERT_GT(acknowledged, 10);
    store_.reset();
    faults_.RestorePower(GetParam(), uint64_t(cut));
    faults_.CutPower(cut);
    opened = TryOpen(false).ok();
    store_.reset();
    faults_.RestorePower(GetParam(), uint64_t(cut) + 1000);
    ASSERT_OK(TryOpen(false));
    ASSERT_NO_FATAL_FAILURE(ExpectWhole(acknowledged));
  }
}

INSTANTIATE_TEST_SUITE_P(Unsynced, PowerLossTest,
                         testing::Values(Unsynced::kLost, Unsynced::kTorn, Unsynced::kKept),
                         [](const auto& param) {
                           return std::string(param.param == Unsynced::kLost   ? "Lost"
                                              : param.param == Unsynced::kTorn ? "Torn"
                                                                               : "Kept");
                         });

}  // namespace
}  // namespace loyalty::storage

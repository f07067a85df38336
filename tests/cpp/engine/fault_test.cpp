// Full disks, failing syncs and power cuts under the whole engine.
#include "engine/directory.h"
#include "engine/ledger_fixture.h"
#include "storage/faulty_environment.h"

namespace loyalty::engine {
namespace {

using storage::FaultyEnvironment;
using Operation = FaultyEnvironment::Operation;
using Fault = FaultyEnvironment::Fault;

class FaultTest : public LedgerTest {
 protected:
  void SetUp() override {
    ASSERT_OK(CreateDirectory(path_, {"points"}, nullptr, disk_.environment()));
    OpenOnDisk();
  }
  void TearDown() override { ledger_.reset(); }
  void OpenOnDisk() {
    ledger_.reset();
    auto opened = OpenLedger(path_, options_, disk_.environment());
    ASSERT_OK(opened.status());
    ledger_ = std::move(opened).value();
  }
  Status PostStatus(const Posting& posting) {
    Reply reply;
    return ledger_->Post({&posting, 1}, {&reply, 1});
  }
  void ExpectReadersGoOn() {
    EXPECT_EQ(BalanceOf(7), 10);
    EXPECT_EQ(ledger_->AllBalances({.at_us = kNoon_us})->balances[0].parts.active, 10);
    EXPECT_EQ(ledger_->Statement(MemberKey(int64_t(7)), {})->records.size(), 2u);
    EXPECT_EQ(ledger_->TrialBalance()->at(0).members, 10);
    ExpectVerified();
  }

  FaultyEnvironment disk_;
};

TEST_F(FaultTest, AFailedSyncStopsTheWriterAndNothingElse) {
  Post({Open(1, 7), Earn(2, 7, 10)});
  disk_.Fail(Operation::kSync, Fault::kIoError);
  const Status first = PostStatus(Earn(3, 7, 5));
  EXPECT_EQ(first.code(), StatusCode::kIoError) << first.message();
  disk_.Heal();  // too late: what the failed sync left is not known
  EXPECT_EQ(PostStatus(Earn(4, 7, 5)).message(), first.message());
  // Nothing more will come: nobody needs to wait for it.
  EXPECT_EQ(ledger_->WaitFor(UINT64_MAX, 600'000'000)->fault.message(), first.message());
  ExpectReadersGoOn();
  disk_.CutPower();
  ledger_.reset();
  disk_.RestorePower(FaultyEnvironment::Unsynced::kLost);
  OpenOnDisk();
  EXPECT_EQ(BalanceOf(7), 10);
  EXPECT_EQ(PostOne(Earn(3, 7, 5)).status, PostingStatus::kPosted);
  ExpectVerified();
}

TEST_F(FaultTest, AFullDiskSaysSo) {
  Post({Open(1, 7), Earn(2, 7, 10)});
  disk_.Fail(Operation::kAppend, Fault::kNoSpace);
  const Status status = PostStatus(Earn(3, 7, 5));
  EXPECT_EQ(status.code(), StatusCode::kNoSpace) << status.message();
  ExpectReadersGoOn();
  (void)ledger_->Close();
  disk_.Heal();
  OpenOnDisk();
  // Not acknowledged: whole or absent.
  const PostingStatus again = PostOne(Earn(3, 7, 5)).status;
  EXPECT_TRUE(again == PostingStatus::kPosted || again == PostingStatus::kAlreadyExists);
  EXPECT_EQ(BalanceOf(7), 15);
  ExpectVerified();
}

TEST_F(FaultTest, AFailureBehindTheJournalStopsTheWriterToo) {
  options_.segment_entries = 50;
  options_.checkpoint_entries = 100;
  OpenOnDisk();
  Post({Open(1, 7), Earn(2, 7, 10)});
  disk_.Fail(Operation::kCreate, Fault::kNoSpace);  // no new file: flushes fail, the log goes on
  Status status;
  for (uint64_t id = 100; status.ok() && id < 100'000; ++id) status = PostStatus(Earn(id, 7, 0));
  EXPECT_EQ(status.code(), StatusCode::kNoSpace) << status.message();
  EXPECT_EQ(BalanceOf(7), 10);
}

class PowerCutTest : public FaultTest, public testing::WithParamInterface<int64_t> {};

// Cuts the power after each of many counts of disk operations, while posting in small groups with
// segments and checkpoints under way.
TEST_P(PowerCutTest, WhatWasAcknowledgedSurvives) {
  options_.segment_entries = 20;
  options_.checkpoint_entries = 60;
  OpenOnDisk();
  Post({Open(1, 7)});
  disk_.CutPower(GetParam());
  int64_t acknowledged = 0;
  while (acknowledged < 500 && PostStatus(Earn(uint64_t(acknowledged) + 2, 7, 1)).ok())
    ++acknowledged;
  EXPECT_EQ(BalanceOf(7), acknowledged);
  ledger_.reset();
  disk_.RestorePower(
      GetParam() % 2 ? FaultyEnvironment::Unsynced::kLost : FaultyEnvironment::Unsynced::kTorn,
      uint64_t(GetParam()));
  OpenOnDisk();
  EXPECT_GE(BalanceOf(7), acknowledged);
  EXPECT_LE(BalanceOf(7), acknowledged + 1);
  ExpectVerified();
}

INSTANTIATE_TEST_SUITE_P(Operations, PowerCutTest, testing::Range<int64_t>(1, 400, 13));

}  // namespace
}  // namespace loyalty::engine

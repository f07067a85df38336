// Ledgers opened read-only: beside the one that posts, after it, and instead of it.
#include <atomic>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "engine/crash/workload.h"
#include "engine/directory.h"
#include "engine/program_fixture.h"

namespace loyalty::engine {
namespace {

constexpr int64_t kMembers = 5;

class ReadOnlyTest : public ProgramTest {
 protected:
  static std::string Ladder(const std::string& upgrade) {
    return R"({"name":"status","upgrade":")" + upgrade +
           R"(","downgrade":"full","grace_days":0,"lifetime":null,"metrics":[{"name":"spent",)"
           R"("of":"money","currency":null,"kinds":["earn"],"rules":null,"channels":null,)"
           R"("locations":null,"categories":null,)"
           R"("window":{"model":"trailing","days":365,"months":0}}],"levels":[)"
           R"({"name":"blue","by_invitation":false,"when":[],"validity":null},)"
           R"({"name":"gold","by_invitation":false,"when":[{"spent":100}],"validity":null}]})";
  }
  void Begin(const std::string& upgrade = "at_run") {
    Shop shop;
    shop.ladders = Ladder(upgrade);
    ASSERT_OK(Ledger::CreateWithProgram(path_, shop.Json()));
    Reopen();
    base_ = *Intern("base");
    for (int64_t m = 0; m < kMembers; ++m) {
      Posting opening = Open(++id_, m);
      opening.effective_us = Now_us() - 10 * kDay_us;
      Post({opening});
    }
  }
  void Spend(int64_t member, int64_t money) {
    Posting posting = Earn(++id_, member, kByProgram);
    posting.money = money;
    posting.codes.rule = base_;
    posting.effective_us = Now_us() - kDay_us;
    EXPECT_EQ(PostOne(posting).status, PostingStatus::kPosted);
  }
  void OpenReader() {
    reader_.reset();
    LedgerOptions options = options_;
    options.read_only = true;
    auto opened = Ledger::Open(path_, options);
    ASSERT_OK(opened.status());
    reader_ = std::move(opened).value();
  }
  Balance Read(int64_t member) const {
    const MemberKey key(member);
    Balance balance;
    EXPECT_TRUE(reader_->Balances({&key, 1}, {0, Now_us()}, {&balance, 1}).ok());
    return balance;
  }
  static void ExpectReadOnly(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kReadOnly) << status.message();
    EXPECT_NE(status.message().find("was opened read-only"), std::string::npos) << status.message();
  }
  static void ExpectAgrees(const Ledger& ledger) {
    const auto report = ledger.Verify(nullptr);
    ASSERT_OK(report.status());
    for (const std::string& problem : report->problems) ADD_FAILURE() << problem;
  }

  uint64_t id_ = 0;
  std::unique_ptr<Ledger> reader_;
};

TEST_F(ReadOnlyTest, ShowsWhatWasAcknowledgedWhenItWasOpened) {
  Begin();
  Spend(1, 50);
  OpenReader();
  Spend(1, 70);
  EXPECT_EQ(Read(1).parts.active, 5);
  EXPECT_EQ(ledger_->GetInfo()->sequence, reader_->GetInfo()->sequence + 1);
  EXPECT_EQ(*reader_->ProgramVersion(), 1u);
  EXPECT_EQ(reader_->Statement(MemberKey(1), {})->records.size(), 2u);
  EXPECT_TRUE(reader_->FindPosting({0x0190'0000'0000'7000, id_ - 1}).ok());
  EXPECT_EQ(reader_->FindPosting({0x0190'0000'0000'7000, id_}).status().code(),
            StatusCode::kNotFound);
  ExpectAgrees(*reader_);

  OpenReader();
  EXPECT_EQ(Read(1).parts.active, 12);
  EXPECT_EQ(reader_->GetInfo()->digest, ledger_->GetInfo()->digest);
}

TEST_F(ReadOnlyTest, RefusesWhatWouldBeJournaled) {
  Begin();
  Spend(1, 500);
  OpenReader();
  const std::vector<Posting> postings = {Earn(99, 1, 5)};
  std::vector<Reply> replies(1);
  ExpectReadOnly(reader_->Post(postings, replies));
  ExpectReadOnly(reader_->Submit(postings, replies).status());
  const std::string_view text = "a new code";
  ExpectReadOnly(reader_->InternCodes({&text, 1}).status());
  ExpectReadOnly(reader_->ApplyProgram(Shop().Json(), {}).status());
  ExpectReadOnly(reader_->Expire(Now_us(), false, nullptr).status());
  ExpectReadOnly(reader_->RecomputeTiers({}, nullptr).status());
  ExpectReadOnly(reader_->Checkpoint());

  const std::string_view known = "base";
  EXPECT_EQ(reader_->InternCodes({&known, 1})->at(0), base_);
  EXPECT_TRUE(reader_->Expire(Now_us(), true, nullptr).ok());
  EXPECT_EQ(Read(1).parts.active, 50);
  EXPECT_TRUE(reader_->Close().ok());
  EXPECT_EQ(reader_->Post(postings, replies).code(), StatusCode::kClosed);
}

// For which history has to hold all entries: what the writer has not flushed, the reader takes in in RAM.
TEST_F(ReadOnlyTest, ADryRunOfTiersIsTheWriters) {
  options_.segment_entries = 4;
  Begin();
  for (int64_t m = 0; m < kMembers; ++m) Spend(m, 40 * (m + 1));
  OpenReader();
  TierQuery query;
  query.dry_run = true;
  query.at_us = Now_us();
  const auto here = reader_->RecomputeTiers(query, nullptr);
  const auto there = ledger_->RecomputeTiers(query, nullptr);
  ASSERT_OK(here.status());
  ASSERT_OK(there.status());
  EXPECT_EQ(here->moved, there->moved);
  EXPECT_EQ(here->moved.at(0), (std::vector<uint64_t>{2, 3, 0, 0}));
  EXPECT_EQ(here->through_sequence, reader_->GetInfo()->sequence);
  ExpectAgrees(*reader_);
}

TEST_F(ReadOnlyTest, GivesNoLevelsAtOnce) {
  Begin("at_once");
  ledger_.reset();
  OpenReader();
  EXPECT_EQ(reader_->GetInfo()->at_once_sequence, 0u);
}

TEST_F(ReadOnlyTest, AClosedLedgerStaysAsItIs) {
  Begin();
  Spend(1, 50);
  EXPECT_TRUE(ledger_->Close().ok());
  OpenReader();
  const Info info = *reader_->GetInfo();
  EXPECT_EQ(Read(1).parts.active, 5);
  EXPECT_TRUE(reader_->Close().ok());
  OpenReader();
  EXPECT_EQ(reader_->GetInfo()->digest, info.digest);
  Reopen();  // it locks nobody out
  Spend(1, 50);
}

// The state is newer than the file HEAD, as after a power loss: all of it is acknowledged.
TEST_F(ReadOnlyTest, WhatACheckpointHasIsThere) {
  Begin();
  const std::string head = HeadPath(path_);
  const std::string kept = directory_ / "HEAD";
  std::filesystem::copy_file(head, kept);
  Spend(1, 50);
  ASSERT_OK(ledger_->Checkpoint());
  const uint64_t sequence = ledger_->GetInfo()->sequence;
  ledger_.reset();
  std::filesystem::copy_file(kept, head, std::filesystem::copy_options::overwrite_existing);
  OpenReader();
  EXPECT_EQ(reader_->GetInfo()->sequence, sequence);
  EXPECT_EQ(Read(1).parts.active, 5);
}

TEST_F(ReadOnlyTest, NoLedger) {
  options_.read_only = true;
  EXPECT_EQ(Ledger::Open(path_, options_).status().code(), StatusCode::kNotFound);
}

// The writer seals segments, checkpoints, compacts and removes files all the while.
TEST_F(ReadOnlyTest, BesideAWriterAtWork) {
  options_ = CrashOptions();
  ASSERT_OK(Ledger::Create(path_, {"points"}));
  Reopen();
  Post(CrashBatch(0));
  constexpr uint64_t kBatches = 1500;
  std::atomic<uint64_t> acknowledged = 0;
  std::thread writer([&] {
    for (uint64_t number = 1; number <= kBatches; ++number) {
      Post(CrashBatch(number));
      acknowledged = number;
      if (number % 20 == 0) {
        EXPECT_TRUE(ledger_->Checkpoint().ok());
      }
    }
  });
  for (uint64_t least = 0; least < kBatches;) {
    least = acknowledged;
    OpenReader();
    if (!reader_) break;
    int64_t sum = 0;
    for (int64_t m = 0; m < kCrashMembers; ++m) sum += Read(m).parts.active;
    uint64_t seen = 0;
    for (int64_t expected = 0; expected < sum; ++seen) {
      for (const Posting& posting : CrashBatch(seen + 1)) expected += posting.points;
      if (expected >= sum) {
        EXPECT_EQ(expected, sum) << "not at the end of a batch";
      }
    }
    EXPECT_GE(seen, least);
    ExpectAgrees(*reader_);
  }
  writer.join();
}

}  // namespace
}  // namespace loyalty::engine

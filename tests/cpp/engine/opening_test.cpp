// Directories that are no ledgers, are in use, or were cut short.
#include <filesystem>
#include <fstream>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

namespace fs = std::filesystem;

class OpeningTest : public LedgerTest {};

StatusCode OpenCode(const std::string& path) { return Ledger::Open(path).status().code(); }

TEST_F(OpeningTest, WhatIsNoLedger) {
  EXPECT_EQ(OpenCode(directory_ / "none"), StatusCode::kNotFound);
  fs::create_directory(directory_ / "empty");
  EXPECT_EQ(OpenCode(directory_ / "empty"), StatusCode::kNotFound);
  std::ofstream(directory_ / "file") << "x";
  EXPECT_EQ(OpenCode(directory_ / "file"), StatusCode::kNotFound);
  fs::create_directory(directory_ / "wrong");
  std::ofstream(directory_ / "wrong/LEDGER") << "something else";
  EXPECT_EQ(OpenCode(directory_ / "wrong"), StatusCode::kNotFound);
}

TEST_F(OpeningTest, ANewerFormatSaysWhatToDo) {
  ASSERT_OK(ledger_->Close());
  std::ofstream(path_ + "/LEDGER") << "loyalty ledger\nformat 2\n";
  const auto opened = Ledger::Open(path_);
  EXPECT_EQ(opened.status().code(), StatusCode::kUnsupportedFormat);
  EXPECT_NE(opened.status().message().find("newer version"), std::string::npos);
}

TEST_F(OpeningTest, TheSecondOpenerIsTold) {
  const auto second = Ledger::Open(path_);
  EXPECT_EQ(second.status().code(), StatusCode::kBusy);
  EXPECT_NE(second.status().message().find(path_), std::string::npos);
}

TEST_F(OpeningTest, CreatingOverSomething) {
  EXPECT_EQ(Ledger::Create(path_, {"points"}).code(), StatusCode::kAlreadyExists);
  fs::create_directory(directory_ / "used");
  std::ofstream(directory_ / "used/file") << "x";
  EXPECT_EQ(Ledger::Create(directory_ / "used", {"points"}).code(), StatusCode::kAlreadyExists);
  EXPECT_FALSE(Ledger::Create(directory_ / "no/parent", {"points"}).ok());
  EXPECT_FALSE(fs::exists(directory_ / "no"));
}

TEST_F(OpeningTest, CurrenciesAreChecked) {
  const std::string path = directory_ / "new";
  for (const std::vector<std::string>& names : std::vector<std::vector<std::string>>{
           {}, {""}, {"a", "a"}, {std::string(33, 'x')}, std::vector<std::string>(17, "c")}) {
    EXPECT_EQ(Ledger::Create(path, names).code(), StatusCode::kInvalidArgument);
    EXPECT_FALSE(fs::exists(path));
  }
}

TEST_F(OpeningTest, ReopensWithAndWithoutCheckpoint) {
  uint64_t id = 1;
  int64_t expected = 0;
  Post({Open(id++, 7)});
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 50; ++i) expected = PostOne(Earn(id++, 7, 3)).balance.active;
    PostOne(Redeem(id++, 7, 10));
    expected -= 10;
    if (round % 2) {
      ASSERT_OK(ledger_->Checkpoint());
    }
    Reopen();
    EXPECT_EQ(BalanceOf(7), expected);
    ExpectVerified();
  }
}

TEST_F(OpeningTest, SegmentsAndCheckpointsAlongTheWay) {
  options_.segment_entries = 100;
  options_.checkpoint_entries = 250;
  Reopen();
  uint64_t id = 1;
  std::vector<Posting> opens;
  for (int64_t m = 0; m < 3000; ++m) opens.push_back(Open(id++, m));
  Post(opens);
  for (int round = 0; round < 40; ++round) {
    std::vector<Posting> batch;
    for (int i = 0; i < 57; ++i, ++id) {
      batch.push_back(Earn(id, int64_t(id * 7919 % 3000), 5));
    }
    for (const Reply& reply : Post(batch)) EXPECT_EQ(reply.status, PostingStatus::kPosted);
    if (round == 20) Reopen();
  }
  ExpectVerified();
  EXPECT_GT(ledger_->GetInfo()->history_sequence, 0u);
  EXPECT_GT(ledger_->GetInfo()->checkpoint_sequence, 0u);
  Reopen();
  ExpectVerified();
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, 40 * 57 * 5);
}

}  // namespace
}  // namespace loyalty::engine

#include "journal/head_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "temporary_directory.h"

namespace loyalty::journal {
namespace {

Head HeadAt(uint64_t sequence) {
  Head head;
  head.sequence = sequence;
  head.chain.fill(uint8_t(sequence));
  return head;
}

void Flip(const std::string& path, size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(std::streamoff(at));
  const char byte = char(file.get());
  file.seekp(std::streamoff(at));
  file.put(char(byte ^ 0x10));
}

class HeadFileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto file = HeadFile::Create(path_);
    ASSERT_TRUE(file.ok()) << file.status().message();
    for (uint64_t sequence : {3, 8, 9}) ASSERT_TRUE(file->Write(HeadAt(sequence)).ok());
    ASSERT_TRUE(file->Sync().ok());
  }
  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "HEAD";
};

TEST_F(HeadFileTest, ReopensAtTheNewest) {
  auto file = HeadFile::Open(path_);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->head().sequence, 9u);
  EXPECT_EQ(file->head().chain, HeadAt(9).chain);
}

TEST_F(HeadFileTest, ATornSlotLeavesTheOtherAndIsWrittenNext) {
  Flip(path_, 512 + 20);  // writes 1 to 5 went to slots 0, 1, 0, 1, 0
  Flip(path_, 20);
  Flip(path_, 20);
  auto file = HeadFile::Open(path_);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->head().sequence, 9u);
  ASSERT_TRUE(file->Write(HeadAt(12)).ok());
  Flip(path_, 20);  // the slot of 9: 12 must be in the other
  EXPECT_EQ(HeadFile::Open(path_)->head().sequence, 12u);
}

TEST_F(HeadFileTest, BothSlotsDamagedIsCorruption) {
  Flip(path_, 20);
  Flip(path_, 512 + 20);
  const auto file = HeadFile::Open(path_);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().code(), StatusCode::kCorruption);
  EXPECT_NE(file.status().message().find(path_), std::string::npos);
}

TEST_F(HeadFileTest, AMissingFileIsCorruption) {
  EXPECT_EQ(HeadFile::Open(directory_ / "none").status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace loyalty::journal

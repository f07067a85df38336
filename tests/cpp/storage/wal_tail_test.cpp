// A torn end of the write-ahead log is cut off; rot in it is not taken for one.
#include "storage/wal_tail.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/store_fixture.h"

namespace loyalty::storage {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

// A log of three synced batches, as kill -9 leaves it.
class WalTailTest : public StoreFixture {
 protected:
  static constexpr size_t kPageBytes = 4096;

  WalTailTest() {
    Create();
    for (int i = 0; i < 3; ++i) {
      starts_[i] = fs::file_size(Files(".log").back());
      EXPECT_OK(Put(Family::kJournal, std::to_string(i), Noise(100000)));
    }
    store_.reset();
    path_ = Files(".log").back();
    log_ = ReadFile(path_);
  }

  std::string WithZeros(size_t from, size_t to) const {
    std::string log = log_;
    log.replace(from, to - from, to - from, '\0');
    return log;
  }
  // `at` rounded up to a page.
  static size_t PageFrom(size_t at) { return (at + kPageBytes - 1) / kPageBytes * kPageBytes; }

  size_t starts_[3] = {};
  std::string path_;
  std::string log_;
};

TEST_F(WalTailTest, WholeAndShortLogsAreNotTorn) {
  EXPECT_EQ(FindTornTail(""), std::nullopt);
  EXPECT_EQ(FindTornTail(log_), std::nullopt);
  for (const size_t cut : {size_t(1), size_t(7), size_t(50000), log_.size() - starts_[2]}) {
    EXPECT_EQ(FindTornTail(std::string_view(log_).substr(0, log_.size() - cut)), std::nullopt);
  }
}

TEST_F(WalTailTest, AnyPageMissingOfTheLastRecordIsTorn) {
  EXPECT_EQ(FindTornTail(WithZeros(starts_[2], PageFrom(starts_[2]))), starts_[2]);
  for (size_t page = PageFrom(starts_[2]); page < log_.size(); page += kPageBytes) {
    const size_t end = std::min(page + kPageBytes, log_.size());
    EXPECT_EQ(FindTornTail(WithZeros(page, end)), starts_[2]) << page;
  }
  EXPECT_EQ(FindTornTail(WithZeros(starts_[2], log_.size())), starts_[2]);
}

TEST_F(WalTailTest, MissingPageOfAnEarlierRecordIsDamage) {
  for (size_t page = 0; page + kPageBytes < starts_[2]; page += kPageBytes) {
    EXPECT_EQ(FindTornTail(WithZeros(page, page + kPageBytes)), std::nullopt) << page;
  }
}

TEST_F(WalTailTest, FlippedBitsAreDamage) {
  for (size_t at = 0; at < log_.size(); at += 997) {
    std::string log = log_;
    log[at] = char(log[at] ^ 4);
    EXPECT_EQ(FindTornTail(log), std::nullopt) << at;
  }
}

TEST_F(WalTailTest, OpenCutsTheTornRecordAndKeepsItsBytes) {
  const std::string torn = WithZeros(PageFrom(starts_[2]), PageFrom(starts_[2]) + kPageBytes);
  WriteFile(path_, torn);
  Reopen();
  EXPECT_EQ(Keys(Family::kJournal), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(ReadFile(path_ + ".torn"), torn.substr(starts_[2]));
  EXPECT_OK(Put(Family::kJournal, "3", "v"));
  Reopen();
  EXPECT_EQ(Keys(Family::kJournal), (std::vector<std::string>{"0", "1", "3"}));
}

TEST_F(WalTailTest, OpenRefusesRot) {
  for (const size_t at : {starts_[0] + 10, starts_[1] + 50000, starts_[2] + 5, log_.size() - 1}) {
    WriteFile(path_, log_);
    FlipBit(path_, at);
    EXPECT_CODE(kCorruption, TryOpen(false)) << at;
    EXPECT_EQ(Files(".torn").size(), 0u);
  }
  WriteFile(path_, log_);
  Reopen();
  EXPECT_EQ(Keys(Family::kJournal).size(), 3u);
}

TEST_F(WalTailTest, OpenRefusesAMissingPageInTheMiddle) {
  WriteFile(path_, WithZeros(PageFrom(starts_[1]), PageFrom(starts_[1]) + kPageBytes));
  EXPECT_CODE(kCorruption, TryOpen(false));
}

TEST_F(WalTailTest, AReaderLeavesTheTornRecordToAWriter) {
  const std::string torn = WithZeros(PageFrom(starts_[2]), PageFrom(starts_[2]) + kPageBytes);
  WriteFile(path_, torn);
  const Status status = Store::OpenToRead(directory_, nullptr).status();
  EXPECT_CODE(kCorruption, status);
  EXPECT_NE(status.message().find("open it once for posting"), std::string::npos);
  EXPECT_EQ(ReadFile(path_), torn);
  Reopen();
  EXPECT_OK(store_->Close());
  EXPECT_OK(Store::OpenToRead(directory_, nullptr).status());
}

TEST_F(WalTailTest, AReaderRefusesRot) {
  std::string rotten = log_;
  rotten[starts_[1] + 50000] ^= 4;
  WriteFile(path_, rotten);
  EXPECT_CODE(kCorruption, Store::OpenToRead(directory_, nullptr));
}

}  // namespace
}  // namespace loyalty::storage

// One bit flipped, in every file of a ledger, at many places: repaired, refused or reported; never
// silently another content.
#include <filesystem>
#include <map>
#include <random>

#include "engine/ledger_fixture.h"
#include "storage/faulty_environment.h"

namespace loyalty::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kFlipsPerFile = 40;

class DamageTest : public LedgerTest {
 protected:
  // A ledger with everything in files, and a newer part in the write-ahead log only.
  void SetUp() override {
    options_.segment_entries = 400;
    LedgerTest::SetUp();
    uint64_t id = 1;
    std::vector<Posting> batch;
    for (int64_t m = 0; m < 1100; ++m) batch.push_back(Open(id++, m));
    Post(batch);
    Posting erase = Request(Kind::kEraseMember, id++, MemberKey(int64_t(9)));
    erase.codes.actor = erase.codes.reason = *Intern("clerk");
    Post({erase});
    for (int round = 0; round < 6; ++round) {
      batch.clear();
      for (int i = 0; i < 250; ++i, ++id) batch.push_back(Earn(id, int64_t(id * 31 % 1100), 5));
      Post(batch);
      if (round == 3) ASSERT_OK(ledger_->Checkpoint());
    }
    digest_ = ledger_->GetInfo()->digest;
    fs::copy(path_, image_, fs::copy_options::recursive);  // as a crash would leave it
    ledger_.reset();
  }

  enum class Outcome { kRefused, kReported, kWhole };

  Outcome OpenDamaged(const std::string& path, std::string* message) {
    auto opened = OpenLedger(path, options_, nullptr);
    if (!opened.ok()) {
      *message = opened.status().message();
      return Outcome::kRefused;
    }
    const auto report = (*opened)->Verify(nullptr);
    if (!report.ok() || !report->problems.empty()) {
      *message = report.ok() ? report->problems[0] : report.status().message();
      return Outcome::kReported;
    }
    EXPECT_EQ(ToHex((*opened)->GetInfo()->digest), ToHex(digest_));
    EXPECT_EQ(report->digest, digest_);
    return Outcome::kWhole;
  }

  const std::string image_ = directory_ / "image";
  Digest digest_{};
};

TEST_F(DamageTest, OfEveryFile) {
  std::mt19937_64 random(3);
  std::map<Outcome, int> outcomes;
  for (const auto& entry : fs::recursive_directory_iterator(image_)) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const std::string name = fs::relative(entry.path(), image_);
    if (name.find("LOG") != std::string::npos) continue;  // RocksDB's own notes: never read
    for (int flip = 0; flip < kFlipsPerFile; ++flip) {
      const std::string copy = directory_ / "copy";
      fs::copy(image_, copy, fs::copy_options::recursive);
      // The first and last bytes always: headers and footers are there.
      const uint64_t size = entry.file_size();
      const uint64_t at = flip == 0 ? 0 : flip == 1 ? size - 1 : random() % size;
      storage::FlipBit(copy + "/" + name, at, int(random() % 8));
      std::string message;
      const Outcome outcome = OpenDamaged(copy, &message);
      ++outcomes[outcome];
      EXPECT_FALSE(HasFailure()) << name << ", byte " << at << " of " << size;
      EXPECT_EQ(message.empty(), outcome == Outcome::kWhole) << name;
      fs::remove_all(copy);
      if (HasFailure()) return;
    }
  }
  // Each outcome came up, or the test does not test what it says.
  EXPECT_GT(outcomes[Outcome::kRefused], 0);
  EXPECT_GT(outcomes[Outcome::kReported], 0);
  EXPECT_GT(outcomes[Outcome::kWhole], 0);
}

TEST_F(DamageTest, AFileMissing) {
  for (const auto& entry : fs::recursive_directory_iterator(image_)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), image_);
    const std::string copy = directory_ / "copy";
    fs::copy(image_, copy, fs::copy_options::recursive);
    fs::remove(copy + "/" + name);
    std::string message;
    (void)OpenDamaged(copy, &message);  // expects the whole digest if it opens and verifies
    EXPECT_FALSE(HasFailure()) << name;
    fs::remove_all(copy);
  }
}

}  // namespace
}  // namespace loyalty::engine

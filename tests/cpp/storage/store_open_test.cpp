// What Open makes of directories: none, locked, cut short, damaged, somebody else's.
#include <fcntl.h>
#include <rocksdb/db.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "storage/store_fixture.h"

namespace loyalty::storage {
namespace {

namespace fs = std::filesystem;
using Operation = FaultyEnvironment::Operation;
using Fault = FaultyEnvironment::Fault;

class StoreOpenTest : public StoreFixture {
 protected:
  // A closed store with a table in each of two families.
  void CreateFilled() {
    Create();
    EXPECT_OK(Put(Family::kJournal, "k", Noise(100000)));
    EXPECT_OK(Put(Family::kHistory, "k", "h", Durability::kUnlogged));
    EXPECT_OK(store_->Close());
    store_.reset();
  }
  void ExpectOpens(StatusCode code, std::string_view words) {
    const Status status = TryOpen(false);
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(directory_), std::string::npos) << status.message();
  }
};

TEST_F(StoreOpenTest, NothingThere) {
  ExpectOpens(StatusCode::kNotFound, "create one");
  EXPECT_FALSE(fs::exists(directory_));
  fs::create_directory(directory_);
  ExpectOpens(StatusCode::kNotFound, "create one");
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(StoreOpenTest, CreatesOnce) {
  CreateFilled();
  const Status again = TryOpen(true);
  EXPECT_EQ(again.code(), StatusCode::kAlreadyExists) << again.message();
  Reopen();
  EXPECT_EQ(Get(Family::kHistory, "k"), "h");
}

TEST_F(StoreOpenTest, WorksWithoutAnInjectedEnvironment) {
  {
    auto store = Store::Open(directory_, {.create = true});
    ASSERT_OK(store.status());
    Batch batch;
    batch.Put(Family::kState, "k", "v");
    EXPECT_OK((*store)->Write(std::move(batch), Durability::kSynced));
  }
  auto store = Store::Open(directory_, {});
  ASSERT_OK(store.status());
  EXPECT_EQ((*store)->Get(Family::kState, "k")->value(), "v");
}

TEST_F(StoreOpenTest, FileInPlaceOfTheDirectory) {
  std::ofstream(directory_) << "not a directory";
  ExpectOpens(StatusCode::kInvalidArgument, "not a directory");
  EXPECT_CODE(kInvalidArgument, TryOpen(true));
}

TEST_F(StoreOpenTest, ParentMissing) {
  directory_ = (root_ / "no" / "such" / "ledger").string();
  EXPECT_CODE(kNotFound, TryOpen(true));
}

TEST_F(StoreOpenTest, SecondOpenInThisProcessIsBusy) {
  Create();
  const auto second = Store::Open(directory_, {});
  EXPECT_CODE(kBusy, second);
  EXPECT_NE(second.status().message().find("another process has the ledger open"),
            std::string::npos);
  EXPECT_OK(Put(Family::kJournal, "k", "still works"));
  EXPECT_OK(store_->Close());
  EXPECT_OK(Store::Open(directory_, {}).status());
}

// The child does no more than hold the lock, as a RocksDB in it would: a fork has none of its
// threads.
TEST_F(StoreOpenTest, SecondProcessIsBusy) {
  CreateFilled();
  const std::string path = directory_ + "/LOCK";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    const int file = ::open(path.c_str(), O_RDWR);
    const char ok = ::fcntl(file, F_SETLK, &lock) == 0 ? 'y' : 'n';
    if (::write(ready[1], &ok, 1) == 1) ::pause();
    ::_exit(0);
  }
  char ok = 0;
  ASSERT_EQ(::read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, 'y');
  ExpectOpens(StatusCode::kBusy, "another process has the ledger open");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  Reopen();
}

TEST_F(StoreOpenTest, ReadOnlyFileSystem) {
  CreateFilled();
  faults_.Fail(Operation::kLock, Fault::kReadOnly);
  ExpectOpens(StatusCode::kReadOnly, "permissions");
  faults_.Heal();
  faults_.Fail(Operation::kCreate, Fault::kReadOnly);
  ExpectOpens(StatusCode::kReadOnly, "permissions");
  faults_.Heal();
  Reopen();
}

TEST_F(StoreOpenTest, FullDisk) {
  CreateFilled();
  faults_.Fail(Operation::kAppend, Fault::kNoSpace);
  ExpectOpens(StatusCode::kNoSpace, "free some space");
  faults_.Heal();
  Reopen();
  EXPECT_EQ(Get(Family::kHistory, "k"), "h");
}

TEST_F(StoreOpenTest, AnotherProgramsDatabase) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, directory_, &db).ok());
  rocksdb::ColumnFamilyHandle* family = nullptr;
  ASSERT_TRUE(db->CreateColumnFamily({}, "theirs", &family).ok());
  db->DestroyColumnFamilyHandle(family);
  delete db;
  ExpectOpens(StatusCode::kInvalidArgument, "theirs");
  EXPECT_CODE(kInvalidArgument, TryOpen(true));
}

TEST_F(StoreOpenTest, MissingTable) {
  CreateFilled();
  fs::remove(Files(".sst").front());
  ExpectOpens(StatusCode::kCorruption, "restore a copy");
}

TEST_F(StoreOpenTest, MissingManifest) {
  CreateFilled();
  for (const auto& entry : fs::directory_iterator(directory_)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::remove(entry.path());
  }
  ExpectOpens(StatusCode::kCorruption, "restore a copy");
}

// RocksDB alone would create a new database and delete the old tables.
TEST_F(StoreOpenTest, MissingCurrentIsNotAnInvitationToCreate) {
  CreateFilled();
  fs::remove(directory_ + "/CURRENT");
  ExpectOpens(StatusCode::kCorruption, "CURRENT");
  EXPECT_CODE(kCorruption, TryOpen(true));
  EXPECT_FALSE(Files(".sst").empty());
}

// RocksDB alone would open without what was acknowledged and not yet in tables.
TEST_F(StoreOpenTest, MissingLog) {
  Create();
  EXPECT_OK(Put(Family::kJournal, "acknowledged", "v"));
  store_.reset();
  for (const std::string& log : Files(".log")) fs::remove(log);
  ExpectOpens(StatusCode::kCorruption, "write-ahead log");
}

// A flush of one family starts a new log; the older one stays for the other.
TEST_F(StoreOpenTest, MissingOrShortOlderLog) {
  Create();
  EXPECT_OK(Put(Family::kJournal, "older", "v"));
  EXPECT_OK(Put(Family::kState, "k", "v"));
  EXPECT_OK(store_->Flush(Family::kState));
  EXPECT_OK(Put(Family::kJournal, "newer", "v"));
  store_.reset();
  ASSERT_EQ(Files(".log").size(), 2u);
  const std::string older = Files(".log").front();
  const std::string kept = older + ".kept";

  fs::copy_file(older, kept);
  fs::resize_file(older, fs::file_size(older) - 1);
  ExpectOpens(StatusCode::kCorruption, "restore a copy");
  fs::remove(older);
  ExpectOpens(StatusCode::kCorruption, "restore a copy");
  fs::rename(kept, older);
  Reopen();
  EXPECT_EQ(Keys(Family::kJournal).size(), 2u);
}

TEST_F(StoreOpenTest, FlippedBitInATable) {
  CreateFilled();
  for (const std::string& table : Files(".sst")) {
    if (fs::file_size(table) < 100000) continue;
    FlipBit(table, 50000);
    Reopen();  // only the block's own checksum covers it
    EXPECT_CODE(kCorruption, store_->Get(Family::kJournal, "k"));
    EXPECT_CODE(kCorruption, store_->VerifyChecksums());
    EXPECT_CODE(kCorruption, store_->FindLast(Family::kJournal, "k"));
    EXPECT_CODE(kCorruption,
                store_->Scan(Family::kJournal, "", "", [](auto, auto) { return true; }));
    EXPECT_EQ(Get(Family::kHistory, "k"), "h");
    return;
  }
  FAIL() << "no large table";
}

TEST_F(StoreOpenTest, FlippedBitInTheManifest) {
  CreateFilled();
  for (const auto& entry : fs::directory_iterator(directory_)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      FlipBit(entry.path().string(), fs::file_size(entry.path()) / 2);
    }
  }
  ExpectOpens(StatusCode::kCorruption, "restore a copy");
}

// Creation, cut short anywhere, leaves nothing, which can be created again, or a whole ledger.
TEST_F(StoreOpenTest, CreationCutShort) {
  Create();
  const int64_t operations = faults_.CountAll();
  ASSERT_GT(operations, 20);
  for (int64_t cut = 0; cut < operations; ++cut) {
    store_.reset();
    directory_ = (root_ / std::to_string(cut)).string();
    faults_.CutPower(cut);
    const bool created = TryOpen(true).ok();
    store_.reset();
    faults_.RestorePower(cut % 2 == 0 ? FaultyEnvironment::Unsynced::kLost
                                      : FaultyEnvironment::Unsynced::kKept);
    const Status opened = TryOpen(false);
    if (!opened.ok()) {
      EXPECT_FALSE(created) << cut;
      EXPECT_EQ(opened.code(), StatusCode::kNotFound) << cut << ": " << opened.message();
      ASSERT_OK(TryOpen(true)) << cut;
    }
    EXPECT_OK(Put(Family::kHistory, "k", "v"));
  }
}

}  // namespace
}  // namespace loyalty::storage

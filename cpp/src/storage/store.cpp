#include "storage/store.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "storage/batch.h"
#include "storage/directory.h"
#include "storage/environment.h"
#include "storage/faults.h"
#include "storage/gate.h"
#include "storage/options.h"
#include "storage/reader.h"
#include "storage/wal_tail.h"

namespace loyalty::storage {

constexpr std::chrono::seconds kLongestRemoval(5);

namespace {

class CursorImpl final : public Cursor {
 public:
  // The pass is for as long as the cursor lives.
  CursorImpl(Gate* gate, std::string_view to) : pass_(*gate), to_(to), bound_(to_) {}
  bool has_passed() const { return bool(pass_); }
  void Open(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, std::string_view from,
            std::string_view directory) {
    directory_ = directory;
    rocksdb::ReadOptions options;
    // RocksDB reads ahead by itself from the third block on. A fixed 2 MiB scanned no faster and made
    // short scans five times as dear.
    options.fill_cache = false;
    if (!to_.empty()) options.iterate_upper_bound = &bound_;
    at_.reset(db->NewIterator(options, family));
    at_->Seek(from);
  }

  bool Valid() const override { return at_->Valid(); }
  std::string_view key() const override { return at_->key().ToStringView(); }
  std::string_view value() const override { return at_->value().ToStringView(); }
  void Next() override { at_->Next(); }
  void Seek(std::string_view key) override { at_->Seek(key); }
  Status status() const override { return ToStatus(at_->status(), "reading", directory_); }

 private:
  const Gate::Pass pass_;
  const std::string to_;
  const rocksdb::Slice bound_;
  std::string directory_;
  std::unique_ptr<rocksdb::Iterator> at_;
};

// What reads beside a writer leaves no file behind, not even RocksDB's log.
class NoLog final : public rocksdb::Logger {
 public:
  void Logv(const char*, va_list) override {}
};

}  // namespace

class StoreImpl final : public Store {
 public:
  StoreImpl(std::string directory, std::shared_ptr<Environment> environment)
      : directory_(std::move(directory)),
        environment_(std::move(environment)),
        fault_(std::make_shared<FaultLatch>(directory_)) {}
  ~StoreImpl() override { (void)Release(); }

  Status Open(rocksdb::DBOptions options) EXCLUDES(writer_);
  // Beside the process that writes: for reading alone.
  Status OpenBeside(rocksdb::DBOptions options);

  Status Write(Batch batch, Durability durability) override EXCLUDES(writer_);
  Status Flush(Family family) override;
  Status Purge(Family family, std::string_view from, std::string_view to) override;
  Result<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  Result<std::optional<Found>> FindLast(Family family, std::string_view key) const override;
  Result<std::unique_ptr<Cursor>> NewCursor(Family family, std::string_view from,
                                            std::string_view to) const override;
  uint64_t FileBytes(Family family) const override;
  Pressure GetPressure() const override;
  Status VerifyChecksums() const override;
  Status Close() override EXCLUDES(closer_);

 private:
  rocksdb::ColumnFamilyHandle* HandleOf(Family family) const {
    return handles_[size_t(family) + 1];
  }
  Status Closed() const;
  Status ToStatus(const rocksdb::Status& from, std::string_view action) const {
    return storage::ToStatus(from, action, directory_);
  }
  rocksdb::WriteBatch Convert(Batch batch) const;
  Status FlushFamily(Family family);
  // Names of the sorted files that a family has now.
  std::set<std::string> FilesOf(Family family) const;
  // Whether logs are there still that are needed no more, or any of `files`. Removes what was cut off logs.
  Result<bool> HasLeftovers(const std::set<std::string>& files) const;
  Status Release();

  const std::string directory_;
  const std::shared_ptr<Environment> environment_;  // null: the real file system
  const std::shared_ptr<FaultLatch> fault_;
  mutable Gate gate_;
  Mutex writer_;  // no write may begin between another's failure and fault_
  Mutex closer_;
  bool closed_ GUARDED_BY(closer_) = false;
  Status close_status_ GUARDED_BY(closer_);

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // RocksDB's own default family first
  bool flushes_ = true;                                // before it closes
};

Status StoreImpl::Open(rocksdb::DBOptions options) {
  options.listeners.push_back(fault_);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, directory_, FamilyDescriptors(), &handles_, &db);
  if (!status.ok()) return ToStatus(status, "opening");
  db_.reset(db);
  return Status();
}

Status StoreImpl::OpenBeside(rocksdb::DBOptions options) {
  options.info_log = std::make_shared<NoLog>();
  flushes_ = false;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenAsSecondary(
      options, directory_, /*secondary_path=*/directory_, FamilyDescriptors(), &handles_, &db);
  if (!status.ok()) return ToStatus(status, "opening");
  db_.reset(db);
  return Status();
}

Status StoreImpl::Closed() const {
  return Status(StatusCode::kClosed, "the ledger in " + directory_ + " was closed; open it again");
}

// Frees each value once it is copied: a checkpoint of state is a large batch.
rocksdb::WriteBatch StoreImpl::Convert(Batch batch) const {
  rocksdb::WriteBatch writes(batch.bytes(), 0, kProtectionBytesPerKey, 0);
  for (Batch::Rep::Change& change : batch.rep_->changes) {
    rocksdb::ColumnFamilyHandle* family = HandleOf(change.family);
    switch (change.kind) {
      case Batch::Rep::Kind::kPut: writes.Put(family, change.key, change.value); break;
      case Batch::Rep::Kind::kDelete: writes.Delete(family, change.key); break;
      case Batch::Rep::Kind::kDeleteRange:
        writes.DeleteRange(family, change.key, change.value);
        break;
    }
    change.value = std::string();
  }
  return writes;
}

Status StoreImpl::Write(Batch batch, Durability durability) {
  const Gate::Pass pass(gate_);
  if (!pass) return Closed();
  rocksdb::WriteBatch writes = Convert(std::move(batch));
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced;
  options.disableWAL = durability == Durability::kUnlogged;

  MutexLock lock(writer_);
  LOYALTY_RETURN_IF_ERROR(fault_->status());
  const rocksdb::Status status = db_->Write(options, &writes);
  return status.ok() ? Status() : fault_->Set(ToStatus(status, "writing"));
}

Status StoreImpl::Flush(Family family) {
  const Gate::Pass pass(gate_);
  return pass ? FlushFamily(family) : Closed();
}

Status StoreImpl::FlushFamily(Family family) {
  LOYALTY_RETURN_IF_ERROR(fault_->status());
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;  // else it might wait for ever on a stalled family
  const rocksdb::Status status = db_->Flush(options, HandleOf(family));
  return status.ok() ? Status() : fault_->Set(ToStatus(status, "writing"));
}

std::set<std::string> StoreImpl::FilesOf(Family family) const {
  rocksdb::ColumnFamilyMetaData content;
  db_->GetColumnFamilyMetaData(HandleOf(family), &content);
  std::set<std::string> names;
  for (const rocksdb::LevelMetaData& level : content.levels) {
    for (const rocksdb::SstFileMetaData& file : level.files) names.insert(file.relative_filename);
  }
  return names;
}

Status StoreImpl::Purge(Family family, std::string_view from, std::string_view to) {
  const Gate::Pass pass(gate_);
  if (!pass) return Closed();
  // The journal first: with it a new log begins, and then none of the others holds on to an older one.
  for (int i = 0; i < kFamilies; ++i) LOYALTY_RETURN_IF_ERROR(FlushFamily(Family(i)));
  std::set<std::string> old = FilesOf(family);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const rocksdb::Slice first(from);
  const rocksdb::Slice end(to);
  rocksdb::Status status =
      db_->CompactRange(options, HandleOf(family), &first, to.empty() ? nullptr : &end);
  if (!status.ok()) return fault_->Set(ToStatus(status, "writing"));
  for (const std::string& name : FilesOf(family)) old.erase(name);
  // RocksDB removes files in the background, and when nobody reads them any more. But an empty log from before
  // the opening it may only find when it looks for everything, as it does here.
  status = db_->DisableFileDeletions();
  if (status.ok()) status = db_->EnableFileDeletions(/*force=*/false);
  if (!status.ok()) return ToStatus(status, "writing");
  const auto deadline = std::chrono::steady_clock::now() + kLongestRemoval;
  while (std::chrono::steady_clock::now() < deadline) {
    LOYALTY_ASSIGN_OR_RETURN(const bool left, HasLeftovers(old));
    if (!left) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {StatusCode::kIoError, directory_ + ": files that are needed no more are still there"};
}

Result<bool> StoreImpl::HasLeftovers(const std::set<std::string>& files) const {
  rocksdb::Env* const env = db_->GetEnv();
  std::vector<std::string> names;
  LOYALTY_RETURN_IF_ERROR(ToStatus(env->GetChildren(directory_, &names), "reading"));
  uint64_t first_log = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &first_log);
  bool left = false;
  for (const std::string& name : names) {
    if (name.ends_with(kTornSuffix)) {
      LOYALTY_RETURN_IF_ERROR(ToStatus(env->DeleteFile(directory_ + "/" + name), "writing"));
    }
    left |= files.count(name) > 0;
    left |= IsNumbered(name, ".log") && std::stoull(name) < first_log;
  }
  return left;
}

Result<std::optional<std::string>> StoreImpl::Get(Family family, std::string_view key) const {
  const Gate::Pass pass(gate_);
  if (!pass) return Closed();
  std::string value;
  const rocksdb::Status status = db_->Get({}, HandleOf(family), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return ToStatus(status, "reading");
  return std::optional<std::string>(std::move(value));
}

Result<std::optional<Store::Found>> StoreImpl::FindLast(Family family, std::string_view key) const {
  const Gate::Pass pass(gate_);
  if (!pass) return Closed();
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, HandleOf(family)));
  at->SeekForPrev(key);
  if (!at->status().ok()) return ToStatus(at->status(), "reading");
  if (!at->Valid()) return std::optional<Found>();
  return std::optional<Found>(Found{at->key().ToString(), at->value().ToString()});
}

Result<std::unique_ptr<Cursor>> StoreImpl::NewCursor(Family family, std::string_view from,
                                                     std::string_view to) const {
  auto cursor = std::make_unique<CursorImpl>(&gate_, to);
  if (!cursor->has_passed()) return Closed();
  cursor->Open(db_.get(), HandleOf(family), from, directory_);
  return std::unique_ptr<Cursor>(std::move(cursor));
}

Pressure StoreImpl::GetPressure() const {
  using Properties = rocksdb::DB::Properties;
  Pressure pressure;
  const Gate::Pass pass(gate_);
  if (!pass) return pressure;
  const auto sum = [this](const std::string& property) {
    uint64_t value = 0;
    db_->GetAggregatedIntProperty(property, &value);
    return value;
  };
  std::map<std::string, std::string> writing;
  db_->GetMapProperty(Properties::kDBStats, &writing);
  const auto stall = writing.find("db.user_write_stall_micros");
  if (stall != writing.end()) pressure.write_stall_us = std::stoull(stall->second);
  pressure.is_write_stopped = sum(Properties::kIsWriteStopped) > 0;
  pressure.pending_compaction_bytes = sum(Properties::kEstimatePendingCompactionBytes);
  pressure.write_buffer_bytes = sum(Properties::kSizeAllMemTables);
  // All families share the cache.
  db_->GetIntProperty(HandleOf(Family::kJournal), Properties::kBlockCacheUsage,
                      &pressure.block_cache_bytes);
  return pressure;
}

uint64_t StoreImpl::FileBytes(Family family) const {
  const Gate::Pass pass(gate_);
  uint64_t bytes = 0;
  if (pass) {
    db_->GetIntProperty(HandleOf(family), rocksdb::DB::Properties::kLiveSstFilesSize, &bytes);
  }
  return bytes;
}

Status StoreImpl::VerifyChecksums() const {
  const Gate::Pass pass(gate_);
  if (!pass) return Closed();
  rocksdb::ReadOptions options;
  options.readahead_size = size_t{2} << 20;
  return ToStatus(db_->VerifyChecksum(options), "verifying");
}

Status StoreImpl::Close() {
  MutexLock lock(closer_);
  if (closed_) return close_status_;
  gate_.Shut();
  // The journal first: what is derived from it must not be on disk alone.
  for (int i = 0; i < kFamilies && flushes_ && close_status_.ok(); ++i) {
    close_status_ = FlushFamily(Family(i));
  }
  const Status released = Release();
  if (close_status_.ok()) close_status_ = released;
  closed_ = true;
  return close_status_;
}

Status StoreImpl::Release() {
  if (!db_) return Status();
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  handles_.clear();
  const rocksdb::Status status = db_->Close();
  db_.reset();
  return ToStatus(status, "closing");
}

namespace {

Status CheckContent(Content content, bool create, const std::string& directory) {
  if (create && content == Content::kLedger) {
    return Status(StatusCode::kAlreadyExists,
                  "creating " + directory + ": there is a ledger already; open it instead");
  }
  if (!create && content == Content::kNothing) {
    return Status(StatusCode::kNotFound,
                  "opening " + directory + ": no ledger is there; check the path, or create one");
  }
  return Status();
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const std::string& directory,
                                           const StoreOptions& options) {
  rocksdb::Env* env = options.environment ? options.environment->env() : rocksdb::Env::Default();
  LOYALTY_ASSIGN_OR_RETURN(const Content content, Inspect(env, directory, Beside::kNobody));
  LOYALTY_RETURN_IF_ERROR(CheckContent(content, options.create, directory));
  if (options.create) LOYALTY_RETURN_IF_ERROR(CreateDirectory(env, directory));

  rocksdb::DBOptions database = DatabaseOptions(env);
  database.create_if_missing = options.create;
  database.create_missing_column_families = options.create;
  auto store = std::make_unique<StoreImpl>(directory, options.environment);
  Status status = store->Open(database);
  if (status.code() == StatusCode::kCorruption) {
    LOYALTY_ASSIGN_OR_RETURN(const bool cut, CutTornTail(env, directory));
    if (!cut) return status;
    store = std::make_unique<StoreImpl>(directory, options.environment);
    status = store->Open(database);
  }
  if (!status.ok()) return status;
  return std::unique_ptr<Store>(std::move(store));
}

Status Store::Scan(Family family, std::string_view from, std::string_view to,
                   const Visitor& visitor) const {
  LOYALTY_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> at, NewCursor(family, from, to));
  for (; at->Valid(); at->Next()) {
    if (!visitor(at->key(), at->value())) return {};
  }
  return at->status();
}

namespace {

// What a reader opens; of a directory that cannot be read, nothing.
std::set<std::string> FilesToRead(rocksdb::Env* env, const std::string& directory) {
  std::vector<std::string> names;
  (void)env->GetChildren(directory, &names);
  std::set<std::string> files;
  for (std::string& name : names) {
    const bool has_content = IsNumbered(name, ".log") || IsNumbered(name, ".sst");
    if (has_content || name.starts_with("MANIFEST-")) files.insert(std::move(name));
  }
  return files;
}

Result<std::unique_ptr<Store>> OpenBeside(rocksdb::Env* env, const std::string& directory,
                                          const std::shared_ptr<Environment>& environment) {
  LOYALTY_ASSIGN_OR_RETURN(const Content content, Inspect(env, directory, Beside::kWriter));
  LOYALTY_RETURN_IF_ERROR(CheckContent(content, false, directory));
  auto store = std::make_unique<StoreImpl>(directory, environment);
  const Status status = store->OpenBeside(DatabaseOptions(env));
  if (status.code() == StatusCode::kCorruption) {
    return Status(status.code(),
                  status.message() +
                      "; but if the power was lost, open it once for posting: that mends "
                      "the end of its log");
  }
  if (!status.ok()) return status;
  return MakeReader(std::move(store));
}

constexpr int kAttemptsToRead = 20;
constexpr std::chrono::milliseconds kBetweenAttempts(10);

}  // namespace

// A log that the writer removes before it was read, or a sorted file before it was opened, may be missing without a
// fault: RocksDB takes what it finds. So what was there before must be there after.
Result<std::unique_ptr<Store>> Store::OpenToRead(const std::string& directory,
                                                 const std::shared_ptr<Environment>& environment) {
  rocksdb::Env* env = environment ? environment->env() : rocksdb::Env::Default();
  for (int attempt = 0; attempt < kAttemptsToRead; ++attempt) {
    std::this_thread::sleep_for(attempt * kBetweenAttempts);
    const std::set<std::string> before = FilesToRead(env, directory);
    auto opened = OpenBeside(env, directory, environment);
    const std::set<std::string> after = FilesToRead(env, directory);
    if (std::includes(after.begin(), after.end(), before.begin(), before.end())) return opened;
  }
  return Status(StatusCode::kBusy,
                "reading " + directory +
                    ": the process that has the ledger open removed files during each attempt; try "
                    "again when it is less busy");
}

}  // namespace loyalty::storage

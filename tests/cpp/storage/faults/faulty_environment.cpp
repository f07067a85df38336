#include "storage/faulty_environment.h"

#include <rocksdb/file_system.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "storage/environment.h"
#include "storage/faults/faulty_disk.h"

// RocksDB 7.8.3 forgets a new, empty memtable (4 KB) when a flush cannot note the end of a log in
// the manifest. Once a process, since the store stops writing then.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:rocksdb::DBImpl::SwitchMemtable\n";
}

namespace loyalty::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Disk = std::shared_ptr<FaultyDisk>;
using Operation = FaultyEnvironment::Operation;

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> target, Disk disk, FaultyDisk::FileRef file)
      : FSWritableFileOwnerWrapper(std::move(target)),
        disk_(std::move(disk)),
        file_(std::move(file)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Appending(disk_->Written(*file_) + data.size(),
                     [&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return Appending(offset + data.size(), [&] {
      return FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, debug);
    });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return PositionedAppend(data, offset, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = Check(Operation::kAppend);
    if (status.ok()) status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) disk_->Truncated(*file_, size);
    return status;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return Syncing(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return Syncing(); }
  // A hint to the kernel: makes nothing durable, but may be where an error shows.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return Check(Operation::kSync);
  }

 private:
  IOStatus Check(Operation operation) { return disk_->Check(operation, file_->path.string()); }

  template <typename Write>
  IOStatus Appending(uint64_t end, Write write) {
    IOStatus status = Check(Operation::kAppend);
    if (status.ok()) status = write();
    if (status.ok()) disk_->Appended(*file_, end);
    return status;
  }

  // Only in the account: a real sync would make the tests slow and prove nothing.
  IOStatus Syncing() {
    const IOStatus status = Check(Operation::kSync);
    disk_->Synced(*file_, status.ok());
    return status;
  }

  const Disk disk_;
  const FaultyDisk::FileRef file_;
};

class FaultyDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(std::unique_ptr<rocksdb::FSDirectory> target, Disk disk, std::string path)
      : FSDirectoryWrapper(std::move(target)), disk_(std::move(disk)), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    IOStatus status = disk_->Check(Operation::kDirectorySync, path_);
    if (status.ok()) disk_->DirectorySynced(path_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  const Disk disk_;
  const std::string path_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(Disk disk)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    IOStatus status = disk_->Check(Operation::kCreate, path);
    if (!status.ok()) return status;
    FaultyDisk::FileRef file = disk_->Creating(path);
    status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
    if (status.ok()) *result = Wrap(std::move(*result), std::move(file));
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* debug) override {
    FaultyDisk::FileRef file = disk_->Find(path);
    if (!file) return NewWritableFile(path, options, result, debug);
    IOStatus status = disk_->Check(Operation::kCreate, path);
    if (status.ok()) status = FileSystemWrapper::ReopenWritableFile(path, options, result, debug);
    if (status.ok()) *result = Wrap(std::move(*result), std::move(file));
    return status;
  }
  // Only asked for by options that the store does not use.
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("ReuseWritableFile");
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewDirectory(path, options, result, debug);
    if (status.ok()) {
      *result = std::make_unique<FaultyDirectory>(std::move(*result), disk_, path);
    }
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = disk_->Check(Operation::kDelete, path);
    if (!status.ok() || disk_->Removing(path)) return status;
    return FileSystemWrapper::DeleteFile(path, options, debug);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = disk_->Check(Operation::kRename, from);
    if (!status.ok()) return status;
    disk_->Renaming(from, to);
    return FileSystemWrapper::RenameFile(from, to, options, debug);
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    IOStatus status = disk_->Check(Operation::kAppend, path);
    const FaultyDisk::FileRef file = disk_->Find(path);
    if (status.ok()) status = FileSystemWrapper::Truncate(path, size, options, debug);
    if (status.ok() && file) disk_->Truncated(*file, size);
    return status;
  }
  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* debug) override {
    IOStatus status = disk_->Check(Operation::kLock, path);
    return status.ok() ? FileSystemWrapper::LockFile(path, options, lock, debug) : status;
  }

 private:
  std::unique_ptr<rocksdb::FSWritableFile> Wrap(std::unique_ptr<rocksdb::FSWritableFile> target,
                                                FaultyDisk::FileRef file) {
    return std::make_unique<FaultyFile>(std::move(target), disk_, std::move(file));
  }

  const Disk disk_;
};

}  // namespace

FaultyEnvironment::FaultyEnvironment()
    : disk_(std::make_shared<FaultyDisk>()),
      environment_(std::make_shared<Environment>(std::make_shared<FaultyFileSystem>(disk_))) {}

FaultyEnvironment::~FaultyEnvironment() = default;

std::shared_ptr<Environment> FaultyEnvironment::environment() const { return environment_; }

void FaultyEnvironment::Fail(Operation operation, Fault fault, int64_t skip, int64_t count) {
  disk_->Fail(operation, fault, skip, count);
}
void FaultyEnvironment::Heal() { disk_->Heal(); }
int64_t FaultyEnvironment::Count(Operation operation) const { return disk_->Count(operation); }
int64_t FaultyEnvironment::CountAll() const { return disk_->CountAll(); }
void FaultyEnvironment::CutPower(int64_t operations) { disk_->CutPower(operations); }
void FaultyEnvironment::RestorePower(Unsynced unsynced, uint64_t seed) {
  disk_->RestorePower(unsynced, seed);
}

void FlipBit(const std::string& path, uint64_t offset, int bit) {
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  int byte = EOF;
  if (file != nullptr && std::fseek(file, long(offset), SEEK_SET) == 0) byte = std::fgetc(file);
  if (byte == EOF) {
    std::fprintf(stderr, "FlipBit: no byte %llu in %s\n", (unsigned long long)offset, path.c_str());
    std::abort();
  }
  std::fseek(file, long(offset), SEEK_SET);
  std::fputc(byte ^ (1 << bit), file);
  std::fclose(file);
}

}  // namespace loyalty::storage

// The account behind FaultyEnvironment: which operations fail, and what a power loss would leave.
#pragma once

#include <rocksdb/io_status.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "storage/faulty_environment.h"

namespace loyalty::storage {

class FaultyDisk {
 public:
  using Operation = FaultyEnvironment::Operation;
  using Fault = FaultyEnvironment::Fault;
  using Unsynced = FaultyEnvironment::Unsynced;

  // One file, whatever it is called.
  struct File {
    std::filesystem::path path;  // of its bytes: moved aside when removed but not durably
    uint64_t written = 0;
    uint64_t synced = 0;
    bool sync_failed = false;
  };
  using FileRef = std::shared_ptr<File>;

  FaultyDisk();
  ~FaultyDisk();

  void Fail(Operation operation, Fault fault, int64_t skip, int64_t count) EXCLUDES(mutex_);
  void Heal() EXCLUDES(mutex_);
  int64_t Count(Operation operation) const EXCLUDES(mutex_);
  int64_t CountAll() const EXCLUDES(mutex_);
  void CutPower(int64_t operations) EXCLUDES(mutex_);
  void RestorePower(Unsynced unsynced, uint64_t seed) EXCLUDES(mutex_);

  // Counts one operation; its fault, if it is to fail.
  rocksdb::IOStatus Check(Operation operation, const std::string& path) EXCLUDES(mutex_);

  // Called by the file system after the operation was let through; Creating, Removing and Renaming
  // before it is done for real, since they may have to put bytes aside.
  FileRef Creating(const std::string& path) EXCLUDES(mutex_);
  FileRef Find(const std::string& path) EXCLUDES(mutex_);
  // True when the removal is done already: the bytes were put aside.
  bool Removing(const std::string& path) EXCLUDES(mutex_);
  void Renaming(const std::string& from, const std::string& to) EXCLUDES(mutex_);
  void Appended(File& file, uint64_t end) EXCLUDES(mutex_);
  void Truncated(File& file, uint64_t size) EXCLUDES(mutex_);
  uint64_t Written(const File& file) const EXCLUDES(mutex_);
  void Synced(File& file, bool ok) EXCLUDES(mutex_);
  void DirectorySynced(const std::string& directory) EXCLUDES(mutex_);

 private:
  struct Rule {
    Fault fault;
    int64_t skip;
    int64_t count;
  };
  using Names = std::map<std::filesystem::path, FileRef>;

  FileRef Adopt(const std::filesystem::path& path) REQUIRES(mutex_);
  bool IsDurable(const FileRef& file) const REQUIRES(mutex_);
  void PutAside(const FileRef& file) REQUIRES(mutex_);
  bool PutAsideIfDurable(const std::filesystem::path& path) REQUIRES(mutex_);
  void RestoreNames() REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::array<std::optional<Rule>, 7> rules_ GUARDED_BY(mutex_);
  std::array<int64_t, 7> counts_ GUARDED_BY(mutex_){};
  int64_t power_left_ GUARDED_BY(mutex_) = FaultyEnvironment::kForEver;
  Names names_ GUARDED_BY(mutex_);    // as programs see them
  Names durable_ GUARDED_BY(mutex_);  // as a power loss would leave them
  std::filesystem::path aside_;       // a directory on the same file system as the tests' own
  uint64_t put_aside_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loyalty::storage

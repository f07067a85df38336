#include "storage/faults/faulty_disk.h"

#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <vector>

namespace loyalty::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPageBytes = 4096;

fs::path Normal(const std::string& path) { return fs::path(path).lexically_normal(); }

rocksdb::IOStatus ToIoStatus(FaultyEnvironment::Fault fault, const std::string& path) {
  switch (fault) {
    case FaultyEnvironment::Fault::kNoSpace:
      return rocksdb::IOStatus::NoSpace("injected: " + path, "No space left on device");
    case FaultyEnvironment::Fault::kReadOnly:
      return rocksdb::IOStatus::IOError("injected: " + path, "Read-only file system");
    case FaultyEnvironment::Fault::kIoError: break;
  }
  return rocksdb::IOStatus::IOError("injected: " + path, "Input/output error");
}

// Leaves of the bytes from `from` on, page by page, what chance has it.
void Tear(const fs::path& path, uint64_t from, std::mt19937_64& random) {
  const uint64_t end = fs::file_size(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (uint64_t at = from; at < end;) {
    const uint64_t next = std::min(end, (at / kPageBytes + 1) * kPageBytes);
    if (random() % 2 == 0) {
      file.seekp(std::streamoff(at));
      file << std::string(next - at, '\0');
    }
    at = next;
  }
}

}  // namespace

FaultyDisk::FaultyDisk() {
  std::string name = (fs::temp_directory_path() / "loyalty_faulty_XXXXXX").string();
  aside_ = ::mkdtemp(name.data());
}

FaultyDisk::~FaultyDisk() {
  std::error_code ignored;
  fs::remove_all(aside_, ignored);
}

void FaultyDisk::Fail(Operation operation, Fault fault, int64_t skip, int64_t count) {
  MutexLock lock(mutex_);
  rules_[size_t(operation)] = Rule{fault, skip, count};
}

void FaultyDisk::Heal() {
  MutexLock lock(mutex_);
  rules_ = {};
}

int64_t FaultyDisk::Count(Operation operation) const {
  MutexLock lock(mutex_);
  return counts_[size_t(operation)];
}

int64_t FaultyDisk::CountAll() const {
  MutexLock lock(mutex_);
  int64_t sum = 0;
  for (const int64_t count : counts_) sum += count;
  return sum - counts_[size_t(Operation::kLock)];
}

void FaultyDisk::CutPower(int64_t operations) {
  MutexLock lock(mutex_);
  power_left_ = operations;
}

rocksdb::IOStatus FaultyDisk::Check(Operation operation, const std::string& path) {
  MutexLock lock(mutex_);
  ++counts_[size_t(operation)];
  if (operation != Operation::kLock && power_left_ != FaultyEnvironment::kForEver) {
    if (power_left_ == 0) return ToIoStatus(Fault::kIoError, path);
    --power_left_;
  }
  std::optional<Rule>& rule = rules_[size_t(operation)];
  if (!rule) return rocksdb::IOStatus::OK();
  if (rule->skip > 0) {
    --rule->skip;
    return rocksdb::IOStatus::OK();
  }
  if (rule->count == 0) return rocksdb::IOStatus::OK();
  --rule->count;
  return ToIoStatus(rule->fault, path);
}

// Files that were there before count as durable.
FaultyDisk::FileRef FaultyDisk::Adopt(const fs::path& path) {
  const auto found = names_.find(path);
  if (found != names_.end()) return found->second;
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) return nullptr;
  auto file = std::make_shared<File>(File{path, size, size, false});
  names_[path] = file;
  durable_[path] = file;
  return file;
}

bool FaultyDisk::IsDurable(const FileRef& file) const {
  for (const auto& [name, durable] : durable_) {
    if (durable == file) return true;
  }
  return false;
}

void FaultyDisk::PutAside(const FileRef& file) {
  const fs::path to = aside_ / std::to_string(put_aside_++);
  fs::rename(file->path, to);
  file->path = to;
}

// Takes the name away; the bytes stay somewhere while a power loss would bring them back.
bool FaultyDisk::PutAsideIfDurable(const fs::path& path) {
  const FileRef file = Adopt(path);
  if (!file) return false;
  names_.erase(path);
  if (!IsDurable(file)) return false;
  PutAside(file);
  return true;
}

FaultyDisk::FileRef FaultyDisk::Creating(const std::string& path) {
  MutexLock lock(mutex_);
  const fs::path name = Normal(path);
  PutAsideIfDurable(name);
  auto file = std::make_shared<File>(File{name, 0, 0, false});
  names_[name] = file;
  return file;
}

FaultyDisk::FileRef FaultyDisk::Find(const std::string& path) {
  MutexLock lock(mutex_);
  return Adopt(Normal(path));
}

bool FaultyDisk::Removing(const std::string& path) {
  MutexLock lock(mutex_);
  return PutAsideIfDurable(Normal(path));
}

void FaultyDisk::Renaming(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  const FileRef file = Adopt(Normal(from));
  if (!file) return;
  PutAsideIfDurable(Normal(to));
  names_.erase(Normal(from));
  names_[Normal(to)] = file;
  file->path = Normal(to);
}

void FaultyDisk::Appended(File& file, uint64_t end) {
  MutexLock lock(mutex_);
  file.written = std::max(file.written, end);
}

void FaultyDisk::Truncated(File& file, uint64_t size) {
  MutexLock lock(mutex_);
  file.written = size;
  file.synced = std::min(file.synced, size);
}

uint64_t FaultyDisk::Written(const File& file) const {
  MutexLock lock(mutex_);
  return file.written;
}

void FaultyDisk::Synced(File& file, bool ok) {
  MutexLock lock(mutex_);
  if (!ok) file.sync_failed = true;
  if (!file.sync_failed) file.synced = file.written;
}

void FaultyDisk::DirectorySynced(const std::string& directory) {
  MutexLock lock(mutex_);
  fs::path parent = Normal(directory);
  if (!parent.has_filename()) parent = parent.parent_path();
  std::erase_if(durable_, [&](const auto& entry) { return entry.first.parent_path() == parent; });
  for (const auto& [name, file] : names_) {
    if (name.parent_path() == parent) durable_[name] = file;
  }
}

// Puts the durable names back over those that were only seen.
void FaultyDisk::RestoreNames() {
  for (const auto& [name, file] : names_) {
    if (!IsDurable(file)) fs::remove(file->path);
  }
  for (const auto& [name, file] : durable_) {
    if (file->path != name) PutAside(file);
  }
  for (const auto& [name, file] : durable_) {
    if (file->path != name) fs::rename(file->path, name);
    file->path = name;
  }
}

void FaultyDisk::RestorePower(Unsynced unsynced, uint64_t seed) {
  MutexLock lock(mutex_);
  if (unsynced == Unsynced::kLost) RestoreNames();
  std::mt19937_64 random(seed);
  for (const auto& [name, file] : unsynced == Unsynced::kLost ? durable_ : names_) {
    // Preallocated space beyond what was written is no part of the file.
    if (unsynced == Unsynced::kLost) fs::resize_file(name, file->synced);
    if (unsynced == Unsynced::kTorn) Tear(name, file->synced, random);
  }
  names_.clear();
  durable_.clear();
  rules_ = {};
  power_left_ = FaultyEnvironment::kForEver;
}

}  // namespace loyalty::storage

// A file system that fails on request, for tests of the store and of what stands on it.
//
// It works on real files and keeps account of what a power loss would leave: of each file what was
// synced, of each directory the names that were there at its last sync. Syncs are in the account
// only, so tests are quick; kill -9 needs the real file system. Thread safety: all methods may be
// called while a store runs on it. It must outlive the stores opened with environment().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace loyalty::storage {

class Environment;
class FaultyDisk;

class FaultyEnvironment {
 public:
  enum class Operation { kAppend, kSync, kDirectorySync, kCreate, kRename, kDelete, kLock };
  enum class Fault { kNoSpace, kIoError, kReadOnly };
  enum class Unsynced {
    kLost,  // bytes and names that were not synced are gone
    kTorn,  // of bytes not synced each 4 KiB page is there or zero, by chance; names are kept
    kKept,  // everything made it, as after kill -9
  };
  static constexpr int64_t kForEver = INT64_MAX;

  FaultyEnvironment();
  ~FaultyEnvironment();

  // For StoreOptions::environment.
  std::shared_ptr<Environment> environment() const;

  // Lets `skip` operations of that kind pass from now on, then fails `count` of them. One rule a
  // kind; a later one replaces it. As in Linux, what a failed sync did not write stays lost: later
  // syncs of that file make nothing durable.
  void Fail(Operation operation, Fault fault, int64_t skip = 0, int64_t count = kForEver);
  void Heal();
  // How many operations of that kind were tried so far; all kinds but kLock together.
  int64_t Count(Operation operation) const;
  int64_t CountAll() const;

  // Lets `operations` of any kind pass, then nothing reaches the disk any more: every operation
  // fails. Drop the store then (without Close), and call RestorePower before opening another.
  void CutPower(int64_t operations = 0);
  void RestorePower(Unsynced unsynced, uint64_t seed = 0);

 private:
  std::shared_ptr<FaultyDisk> disk_;
  std::shared_ptr<Environment> environment_;
};

// Inverts one bit of a file: rot. Aborts the test when the file is shorter.
void FlipBit(const std::string& path, uint64_t offset, int bit = 0);

}  // namespace loyalty::storage

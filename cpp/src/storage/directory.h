// What a directory holds before it is opened: RocksDB alone would make a new database over the
// remains of a damaged one, and would not miss a log.
#pragma once

#include <rocksdb/env.h>

#include <string>
#include <string_view>

#include "loyalty/status.h"

namespace loyalty::storage {

// Keeps other processes out, as RocksDB does, while we look before it opens the directory.
class DirectoryLock {
 public:
  explicit DirectoryLock(rocksdb::Env* env) : env_(env) {}
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  Status Acquire(const std::string& directory);

 private:
  rocksdb::Env* const env_;
  rocksdb::FileLock* lock_ = nullptr;
};

// RocksDB names its logs and tables by numbers: 000012.log.
bool IsNumbered(std::string_view name, std::string_view extension);

enum class Content {
  kNothing,  // no ledger, or one whose creation was cut short: nothing was ever written to it
  kLedger,
};

// Who else may have the directory open meanwhile. Nobody may: then it is locked while it is looked at.
enum class Beside { kNobody, kWriter };

// Requires nothing of the directory; it need not exist. Faults: kCorruption when files of a ledger
// are there but essential ones are missing, kInvalidArgument when it is something else.
Result<Content> Inspect(rocksdb::Env* env, const std::string& directory, Beside beside);

// Creates the directory, durably, if it is not there; its parent must be.
Status CreateDirectory(rocksdb::Env* env, const std::string& directory);

}  // namespace loyalty::storage

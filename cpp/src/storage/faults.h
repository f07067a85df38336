// RocksDB's faults as ours, and the one fault that stops a store's writer.
#pragma once

#include <rocksdb/listener.h>
#include <rocksdb/status.h>

#include <string>
#include <string_view>

#include "base/mutex.h"
#include "loyalty/status.h"

namespace loyalty::storage {

// Says what happened, in which directory, and what to do next. `action` names what was being done,
// as in "opening" or "writing".
Status ToStatus(const rocksdb::Status& from, std::string_view action, const std::string& directory);

// Remembers the first failed write. RocksDB reports failed flushes and compactions here too: left
// alone it would go on taking writes into memory after some of those (a full disk under an unlogged
// family).
class FaultLatch : public rocksdb::EventListener {
 public:
  explicit FaultLatch(std::string directory) : directory_(std::move(directory)) {}

  Status status() const EXCLUDES(mutex_);
  // Keeps the first fault; returns the one kept.
  Status Set(const Status& fault) EXCLUDES(mutex_);

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  // No resuming, which after a full disk would flush behind our back whatever the options say.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::string directory_;
  mutable Mutex mutex_;
  Status fault_ GUARDED_BY(mutex_);
};

}  // namespace loyalty::storage

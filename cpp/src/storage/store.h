// The only seam to RocksDB: ordered byte strings in a few families, atomic batches, and checkpoints.
//
// Thread safety: every method may be called from any thread. Slices handed to a Scan callback live only
// during that call. Ownership: the store owns the database and its lock file; one process at a time.
//
// Invariants
//  1. Write(kSynced) returns OK only when the batch is on disk. After any failed write or sync the store
//     refuses further writes with that same fault (a failed fsync may have dropped pages).
//  2. kUnlogged batches skip the write-ahead log: they reach disk with Flush() of their family, in the
//     order written, each batch whole or absent. For derived data only, which carries its own marker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "loyalty/status.h"

namespace loyalty::storage {

// Stored as names of column families; see docs/storage_format.md.
enum class Family : int { kJournal = 0, kState = 1, kIds = 2, kHistory = 3 };
constexpr int kFamilies = 4;

enum class Durability { kSynced, kUnlogged };

// Wraps the file system under the store; tests inject faults with it (tests/cpp/storage). Defined in
// storage/environment.h, which names RocksDB types and is private to this target and its tests.
class Environment;

struct StoreOptions {
  bool create = false;  // kAlreadyExists if there is one, and kNotFound if there is none when false
  std::shared_ptr<Environment> environment;  // null: the real file system
};

// A list of changes, applied whole or not at all.
class Batch {
 public:
  Batch();
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  // Removes from <= key < to.
  void DeleteRange(Family family, std::string_view from, std::string_view to);
  size_t bytes() const;

 private:
  friend class StoreImpl;
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

class Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const std::string& directory, const StoreOptions& options);
  virtual ~Store() = default;

  virtual Status Write(Batch batch, Durability durability) = 0;
  virtual Status Flush(Family family) = 0;

  virtual Result<std::optional<std::string>> Get(Family family, std::string_view key) const = 0;
  struct Found {
    std::string key;
    std::string value;
  };
  // The last record with key <= `key`.
  virtual Result<std::optional<Found>> FindLast(Family family, std::string_view key) const = 0;
  // Visits from <= key < to in order, at one snapshot, until the visitor returns false. An empty `to`
  // means to the end. Large reads: fills no cache, reads ahead.
  using Visitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual Status Scan(Family family, std::string_view from, std::string_view to,
                      const Visitor& visitor) const = 0;

  // Bytes on disk of one family's sorted files.
  virtual uint64_t FileBytes(Family family) const = 0;
  // Reads every file and checks every block's checksum.
  virtual Status VerifyChecksums() const = 0;
  // Flushes everything and releases the lock. Idempotent; other calls return kClosed after it.
  virtual Status Close() = 0;
};

}  // namespace loyalty::storage

// The only seam to RocksDB: ordered byte strings in a few families, and atomic batches.
//
// Thread safety: every method may be called from any thread. Slices handed to a Scan callback live
// only during that call. Ownership: the store owns the database and its lock file; one process at a
// time. Others may read beside it (OpenToRead).
//
// Invariants
//  1. Write(kSynced) returns OK only when the batch is on disk. After any failed write, sync or
//     flush (in the background too) the store refuses writes and flushes with that same fault, and
//     reads go on: a failed fsync may have dropped pages. The failed batch is not visible; after
//     reopening it is there whole or not at all, since its bytes may be in the log. What a reopened
//     store shows is on disk.
//  2. kUnlogged batches skip the write-ahead log: they reach disk with Flush() of their family or
//     before, in the order written, each batch whole or absent within a family (of several
//     families, one may have it and another not). For derived data only, which carries its own
//     marker in that family.
//  3. Damage to what was acknowledged is kCorruption at Open, or when what is damaged is read. Two
//     cases cannot be told here: the newest log stops short, or the last batch in it has a page of
//     zeros, as one torn by a power loss does (wal_tail.h). Callers keep a witness of their own.
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
enum class Family : int { kJournal = 0, kState = 1, kIds = 2, kHistory = 3, kKeys = 4 };
constexpr int kFamilies = 5;

enum class Durability { kSynced, kUnlogged };

// Wraps the file system under the store; tests inject faults with it (tests/cpp/storage). Defined
// in storage/environment.h, which names RocksDB types and is private to this target and its tests.
class Environment;

struct StoreOptions {
  // kAlreadyExists if there is one, and kNotFound if there is none when false. The directory is
  // created, its parent must be there. A creation that was cut short counts as none.
  bool create = false;
  std::shared_ptr<Environment> environment = {};  // null: the real file system
};

// A list of changes, applied whole or not at all. Takes its bytes in RAM, and twice as much while
// it is written: cut large jobs into batches of some 64 MB where they need not be atomic.
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
  friend class ReaderStore;
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// A place among the records of a family, in the order of keys, at the snapshot of its making. For one thread. Fills
// no cache, reads ahead. What it shows lives until it moves. Close waits until it is gone.
class Cursor {
 public:
  virtual ~Cursor() = default;

  // Whether there is a record here: not at the end, nor after a fault.
  virtual bool Valid() const = 0;
  virtual std::string_view key() const = 0;  // requires Valid(), as the next two
  virtual std::string_view value() const = 0;
  virtual void Next() = 0;
  // To the first record with this key or a greater one.
  virtual void Seek(std::string_view key) = 0;
  virtual Status status() const = 0;
};

// How RocksDB copes with what is written.
struct Pressure {
  uint64_t write_stall_us = 0;    // that writes were held back since it was opened
  bool is_write_stopped = false;  // none is taken now
  uint64_t pending_compaction_bytes = 0;
  uint64_t write_buffer_bytes = 0;
  uint64_t block_cache_bytes = 0;
};

class Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const std::string& directory,
                                             const StoreOptions& options);
  // Shows what is there now, to any number of processes beside the one that writes; what is written later stays
  // unseen. Changes nothing on disk and needs no right to. What is written to it kUnlogged stays in RAM, for
  // this one alone; kSynced and Purge are refused with kReadOnly. kBusy when the writer removes files so often that
  // none of some attempts saw them all.
  static Result<std::unique_ptr<Store>> OpenToRead(const std::string& directory,
                                                   const std::shared_ptr<Environment>& environment);
  // Without Close first: releases the lock and flushes nothing, as a crash would.
  virtual ~Store() = default;

  virtual Status Write(Batch batch, Durability durability) = 0;
  virtual Status Flush(Family family) = 0;
  // Rids the files of what was overwritten or deleted in from <= key < to of a family before the call, in the
  // log, too: flushes everything, rewrites the sorted files with such keys, and returns when the old ones are
  // gone. Also removes what was cut off torn logs (wal_tail.h).
  virtual Status Purge(Family family, std::string_view from, std::string_view to) = 0;

  virtual Result<std::optional<std::string>> Get(Family family, std::string_view key) const = 0;
  struct Found {
    std::string key;
    std::string value;
  };
  // The last record with key <= `key`.
  virtual Result<std::optional<Found>> FindLast(Family family, std::string_view key) const = 0;
  // At the first record with from <= key < to, and for those alone. An empty `to` means to the end.
  virtual Result<std::unique_ptr<Cursor>> NewCursor(Family family, std::string_view from,
                                                    std::string_view to) const = 0;
  // Visits what a cursor has, until the visitor returns false. The visitor may read and write, but must
  // not call Close.
  using Visitor = std::function<bool(std::string_view key, std::string_view value)>;
  Status Scan(Family family, std::string_view from, std::string_view to,
              const Visitor& visitor) const;

  // Bytes on disk of one family's sorted files.
  virtual uint64_t FileBytes(Family family) const = 0;
  // Nothing once it is closed.
  virtual Pressure GetPressure() const = 0;
  // Reads every sorted file and checks every block's checksum; the write-ahead log is checked by
  // Open.
  virtual Status VerifyChecksums() const = 0;
  // Flushes everything, the journal first, and releases the lock; waits for calls under way. After
  // a fault it writes nothing, returns that fault, and releases the lock all the same. Idempotent:
  // returns the same again. Other calls return kClosed after it.
  virtual Status Close() = 0;
};

}  // namespace loyalty::storage

// A second, independent witness of how far the journal got: sequence and chain hash, in a file of its own
// beside the store. After damage to the write-ahead log the store may come up shorter without knowing
// it; this file knows.
//
// Two slots of 512 bytes, written in turn, so that a torn write leaves the other one. Written after each
// synced group without a sync of its own (kill -9 loses nothing), synced by Sync(), which the engine
// calls about once a second and when closing. So it never runs ahead of the journal, and after a power
// loss lags it by about a second at most.
#pragma once

#include <optional>
#include <string>

#include "journal/journal.h"

namespace loyalty::journal {

class HeadFile {
 public:
  static Result<HeadFile> Create(const std::string& path);
  // It must be there and one of its slots whole (kCorruption).
  static Result<HeadFile> Open(const std::string& path);
  // The same without the right to write; what another process writes meanwhile does not disturb.
  static Result<HeadFile> OpenToRead(const std::string& path);
  HeadFile(HeadFile&& other) noexcept;
  HeadFile& operator=(HeadFile&&) = delete;
  ~HeadFile();

  const Head& head() const { return head_; }
  Status Write(const Head& head);
  Status Sync();

 private:
  HeadFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  static Result<HeadFile> Load(const std::string& path, int flags);
  Status Load();
  Status Fault(const char* action) const;

  std::string path_;
  int descriptor_;
  Head head_;
  uint64_t writes_ = 0;
};

}  // namespace loyalty::journal

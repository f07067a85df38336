#include "storage/faults.h"

#include <cerrno>
#include <system_error>

namespace loyalty::storage {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// RocksDB has codes of its own for two errnos only; of the others it keeps the text.
bool Names(std::string_view text, int error) {
  return Contains(text, std::generic_category().message(error));
}

StatusCode CodeOfIoError(const rocksdb::Status& from, std::string_view text) {
  // Not by errno: the lock of a live process is EAGAIN or EACCES, that of this process has none.
  if (Contains(text, "While lock file") || Contains(text, "lock hold by current process")) {
    return StatusCode::kBusy;
  }
  if (from.IsNoSpace() || Names(text, EDQUOT)) return StatusCode::kNoSpace;
  if (Names(text, EROFS) || Names(text, EACCES) || Names(text, EPERM)) return StatusCode::kReadOnly;
  // Whether there is a ledger at all was asked before: a file that belongs to it has gone.
  if (from.IsPathNotFound()) return StatusCode::kCorruption;
  return StatusCode::kIoError;
}

StatusCode CodeOf(const rocksdb::Status& from, std::string_view text) {
  switch (from.code()) {
    case rocksdb::Status::kOk: return StatusCode::kOk;
    case rocksdb::Status::kIOError: return CodeOfIoError(from, text);
    case rocksdb::Status::kCorruption: return StatusCode::kCorruption;
    case rocksdb::Status::kNotSupported: return StatusCode::kUnsupportedFormat;
    case rocksdb::Status::kShutdownInProgress: return StatusCode::kClosed;
    default: return StatusCode::kInternal;
  }
}

struct Wording {
  std::string_view what;
  std::string_view next;
};

Wording WordingOf(StatusCode code) {
  switch (code) {
    case StatusCode::kBusy: return {"another process has the ledger open", "close it there first"};
    case StatusCode::kNoSpace:
      return {"the disk is full", "nothing acknowledged was lost: free some space, then reopen"};
    case StatusCode::kReadOnly:
      return {"the directory cannot be written to", "check its owner, permissions and mount"};
    case StatusCode::kIoError:
      return {"the disk failed", "nothing acknowledged was lost: check the disk, then reopen"};
    case StatusCode::kCorruption:
      return {"stored bytes are missing or not what was written",
              "keep the directory as it is and restore a copy of the ledger"};
    case StatusCode::kUnsupportedFormat:
      return {"the files were written by a newer version", "upgrade this one"};
    case StatusCode::kClosed: return {"the ledger was closed", "open it again"};
    default: return {"unexpected answer of the storage library", "report this as a bug"};
  }
}

}  // namespace

Status ToStatus(const rocksdb::Status& from, std::string_view action,
                const std::string& directory) {
  if (from.ok()) return Status();
  const std::string text = from.ToString();
  const StatusCode code = CodeOf(from, text);
  const Wording wording = WordingOf(code);
  std::string message;
  message.append(action).append(" ").append(directory).append(": ").append(wording.what);
  message.append(" (").append(text).append("); ").append(wording.next);
  return Status(code, std::move(message));
}

Status FaultLatch::status() const {
  MutexLock lock(mutex_);
  return fault_;
}

Status FaultLatch::Set(const Status& fault) {
  MutexLock lock(mutex_);
  if (fault_.ok()) fault_ = fault;
  return fault_;
}

void FaultLatch::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  (void)Set(ToStatus(*error, "writing", directory_));
}

}  // namespace loyalty::storage

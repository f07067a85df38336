#include "journal/head_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"

namespace loyalty::journal {
namespace {

constexpr std::string_view kMagic = "LYHEAD1\n";
constexpr size_t kSlotBytes = 512;

// magic, sequence, recorded time, chain hash, checksum of what is before.
std::string EncodeSlot(const Head& head) {
  std::string slot(kMagic);
  AppendLittle(&slot, head.sequence);
  AppendLittle(&slot, head.recorded_us);
  slot.append(reinterpret_cast<const char*>(head.chain.data()), head.chain.size());
  AppendLittle(&slot, Checksum(slot));
  return slot;
}

std::optional<Head> DecodeSlot(std::string_view slot) {
  constexpr size_t kBody = 8 + 8 + 8 + 32;
  if (slot.size() < kBody + 8 || slot.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  if (LoadLittle<uint64_t>(slot.data() + kBody) != Checksum(slot.substr(0, kBody)))
    return std::nullopt;
  Head head;
  head.sequence = LoadLittle<uint64_t>(slot.data() + 8);
  head.recorded_us = LoadLittle<int64_t>(slot.data() + 16);
  std::memcpy(head.chain.data(), slot.data() + 24, head.chain.size());
  return head;
}

}  // namespace

Result<HeadFile> HeadFile::Create(const std::string& path) {
  HeadFile file(path, open(path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0644));
  if (file.descriptor_ < 0) return file.Fault("open");
  LOYALTY_RETURN_IF_ERROR(file.Write({}));
  LOYALTY_RETURN_IF_ERROR(file.Write({}));
  LOYALTY_RETURN_IF_ERROR(file.Sync());
  return file;
}

Result<HeadFile> HeadFile::Open(const std::string& path) { return Load(path, O_RDWR); }
Result<HeadFile> HeadFile::OpenToRead(const std::string& path) { return Load(path, O_RDONLY); }

Result<HeadFile> HeadFile::Load(const std::string& path, int flags) {
  HeadFile file(path, open(path.c_str(), flags | O_CLOEXEC));
  if (file.descriptor_ < 0) return file.Fault("open");
  LOYALTY_RETURN_IF_ERROR(file.Load());
  return file;
}

Status HeadFile::Load() {
  char bytes[2 * kSlotBytes] = {};
  if (pread(descriptor_, bytes, sizeof bytes, 0) < 0) return Fault("read");
  const auto first = DecodeSlot({bytes, kSlotBytes});
  const auto second = DecodeSlot({bytes + kSlotBytes, kSlotBytes});
  if (!first && !second) {
    return {StatusCode::kCorruption,
            path_ +
                ": damaged, so it cannot be told whether the journal is whole; restore the ledger "
                "from a copy"};
  }
  const bool use_second = !first || (second && second->sequence > first->sequence);
  head_ = use_second ? *second : *first;
  writes_ = use_second ? 0 : 1;  // the next write goes to the other slot
  return {};
}

HeadFile::HeadFile(HeadFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      head_(other.head_),
      writes_(other.writes_) {}

HeadFile::~HeadFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status HeadFile::Write(const Head& head) {
  const std::string slot = EncodeSlot(head);
  const off_t at = off_t(writes_ % 2 * kSlotBytes);
  if (pwrite(descriptor_, slot.data(), slot.size(), at) != ssize_t(slot.size()))
    return Fault("write");
  head_ = head;
  ++writes_;
  return {};
}

Status HeadFile::Sync() { return fdatasync(descriptor_) == 0 ? Status() : Fault("sync"); }

Status HeadFile::Fault(const char* action) const {
  const int error = errno;
  const StatusCode code = error == ENOENT   ? StatusCode::kCorruption
                          : error == ENOSPC ? StatusCode::kNoSpace
                          : error == EROFS || error == EACCES || error == EPERM
                              ? StatusCode::kReadOnly
                              : StatusCode::kIoError;
  return {code, path_ + ": cannot " + action + ": " + std::string(std::strerror(error))};
}

}  // namespace loyalty::journal

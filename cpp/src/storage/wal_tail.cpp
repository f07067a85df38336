#include "storage/wal_tail.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "storage/directory.h"
#include "storage/faults.h"

namespace loyalty::storage {
namespace {

// The log format, as LevelDB's log_format.md has it: blocks of 32 KiB, in which fragments follow
// each other, each with a header: masked CRC-32C of type and bytes, length (16 bits), type. Less
// than a header at the end of a block is padding.
constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kPageBytes = 4096;
enum FragmentType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}

uint32_t MaskedCrc(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeCrcTable();
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ uint8_t(c)) & 0xff];
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

struct Fragment {
  uint8_t type = 0;
  size_t end = 0;
};

// The whole fragment at `at`, if there is one.
std::optional<Fragment> ReadFragment(std::string_view log, size_t at) {
  const size_t limit = std::min(log.size(), (at / kBlockBytes + 1) * kBlockBytes);
  if (at + kHeaderBytes > limit) return std::nullopt;
  const size_t length = LoadLittle<uint16_t>(log.data() + at + 4);
  const uint8_t type = uint8_t(log[at + 6]);
  if (type < kFull || type > kLast || at + kHeaderBytes + length > limit) return std::nullopt;
  if (MaskedCrc(log.substr(at + 6, length + 1)) != LoadLittle<uint32_t>(log.data() + at)) {
    return std::nullopt;
  }
  return Fragment{type, at + kHeaderBytes + length};
}

bool StartsRecord(const Fragment& fragment) {
  return fragment.type == kFull || fragment.type == kFirst;
}

size_t SkipPadding(size_t at) {
  const size_t left = kBlockBytes - at % kBlockBytes;
  return left < kHeaderBytes ? at + left : at;
}

// The start of the first record that is not whole; the end of the log if all are.
size_t EndOfWholeRecords(std::string_view log) {
  size_t whole = 0;
  bool inside = false;
  size_t at = 0;
  while (at < log.size()) {
    const std::optional<Fragment> fragment = ReadFragment(log, at);
    if (!fragment || StartsRecord(*fragment) == inside) return whole;
    inside = fragment->type == kFirst || fragment->type == kMiddle;
    at = SkipPadding(fragment->end);
    if (!inside) whole = at;
  }
  return inside ? whole : log.size();
}

bool AnyRecordStartsIn(std::string_view log, size_t from) {
  for (size_t at = from; at + kHeaderBytes <= log.size(); ++at) {
    const std::optional<Fragment> fragment = ReadFragment(log, at);
    if (fragment && StartsRecord(*fragment)) return true;
  }
  return false;
}

bool AnyPageIsZeroIn(std::string_view log, size_t from) {
  for (size_t at = from; at < log.size();) {
    const size_t end = std::min(log.size(), (at / kPageBytes + 1) * kPageBytes);
    if (log.substr(at, end - at).find_first_not_of('\0') == std::string_view::npos) return true;
    at = end;
  }
  return false;
}

// Batches only ever go to the newest log.
std::string NewestLog(rocksdb::Env* env, const std::string& directory) {
  std::vector<std::string> names;
  if (!env->GetChildren(directory, &names).ok()) return {};
  std::string newest;  // the numbers are padded: they sort as names
  for (const std::string& name : names) {
    if (IsNumbered(name, ".log")) newest = std::max(newest, name);
  }
  return newest;
}

// By way of a file, since the real file system has no other (Env::Truncate is not implemented).
rocksdb::Status Truncate(rocksdb::Env* env, const std::string& path, size_t size) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->ReopenWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Truncate(size);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  return status;
}

}  // namespace

std::optional<size_t> FindTornTail(std::string_view log) {
  const size_t damage = EndOfWholeRecords(log);
  if (!AnyPageIsZeroIn(log, damage)) return std::nullopt;
  // The damaged record's own first fragment may be whole.
  const std::optional<Fragment> own = ReadFragment(log, damage);
  if (AnyRecordStartsIn(log, own ? own->end : damage)) return std::nullopt;
  return damage;
}

Result<bool> CutTornTail(rocksdb::Env* env, const std::string& directory) {
  DirectoryLock lock(env);
  LOYALTY_RETURN_IF_ERROR(lock.Acquire(directory));
  const std::string name = NewestLog(env, directory);
  if (name.empty()) return false;
  const std::string path = directory + "/" + name;
  std::string log;
  rocksdb::Status status = rocksdb::ReadFileToString(env, path, &log);
  if (!status.ok()) return ToStatus(status, "reading the log in", directory);
  const std::optional<size_t> torn = FindTornTail(log);
  if (!torn) return false;

  const std::string_view tail = std::string_view(log).substr(*torn);
  status =
      rocksdb::WriteStringToFile(env, tail, path + std::string(kTornSuffix), /*should_sync=*/true);
  if (status.ok()) status = Truncate(env, path, *torn);
  if (!status.ok()) return ToStatus(status, "cutting the torn end of the log in", directory);
  return true;
}

}  // namespace loyalty::storage

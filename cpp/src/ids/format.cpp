#include "ids/format.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace loyalty::ids {
namespace {

constexpr size_t kMagicBytes = 4;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kRunInfoBytes = 8 + 8 + 8 + 4 + 16 + 16;
constexpr size_t kPartHeaderBytes = 8 + 8 + 4;

std::string Begin(std::string_view letters) {
  std::string value(letters);
  value += char(kFormatVersion);
  return value;
}

std::string Seal(std::string value) {
  AppendLittle(&value, Checksum(value));
  return value;
}

Status DamagedDirectory(std::string_view what) {
  return Status(StatusCode::kCorruption, "ids: directory of runs " + std::string(what));
}

// Takes magic and checksum off `value`. `damaged` makes the fault: names are put together only
// then.
template <typename Damage>
Status Unseal(std::string_view letters, Damage damaged, std::string_view* value) {
  if (value->size() < kMagicBytes + kChecksumBytes) return damaged("is too short");
  const std::string_view sealed = value->substr(0, value->size() - kChecksumBytes);
  if (LoadLittle<uint64_t>(sealed.data() + sealed.size()) != Checksum(sealed)) {
    return damaged("does not match its checksum");
  }
  if (!sealed.starts_with(letters)) return damaged("holds something else");
  const auto version = uint8_t(sealed[kMagicBytes - 1]);
  if (version != kFormatVersion) {
    return Status(StatusCode::kUnsupportedFormat,
                  damaged("has format").message() + " " + std::to_string(version) +
                      ", this version reads " + std::to_string(kFormatVersion));
  }
  *value = sealed.substr(kMagicBytes);
  return Status();
}

void AppendId(std::string* out, const Id& id) {
  AppendLittle(out, id.hi);
  AppendLittle(out, id.lo);
}

Id LoadId(const char* from) { return {LoadLittle<uint64_t>(from), LoadLittle<uint64_t>(from + 8)}; }

RunInfo LoadRunInfo(const char* from) {
  RunInfo run;
  run.first = LoadLittle<uint64_t>(from);
  run.last = LoadLittle<uint64_t>(from + 8);
  run.count = LoadLittle<uint64_t>(from + 16);
  run.level = LoadLittle<uint32_t>(from + 24);
  run.least = LoadId(from + 28);
  run.greatest = LoadId(from + 44);
  return run;
}

}  // namespace

std::string DirectoryKey() { return BigKey<uint64_t>(UINT64_MAX); }

std::string RunKey(const RunInfo& run, uint32_t number) {
  std::string key = BigKey(run.first);
  AppendBig(&key, run.last);
  AppendBig(&key, number);
  return key;
}

Status Damaged(const RunInfo& run, std::string_view kind, uint32_t number, std::string_view what) {
  return Status(StatusCode::kCorruption, "ids: " + std::string(kind) + " " +
                                             std::to_string(number) + " of run " +
                                             std::to_string(run.first) + ".." +
                                             std::to_string(run.last) + " " + std::string(what));
}

std::string EncodeDirectory(const Directory& directory) {
  std::string value = Begin("IDD");
  AppendLittle(&value, directory.sequence);
  AppendLittle(&value, uint32_t(directory.runs.size()));
  for (const RunInfo& run : directory.runs) {
    AppendLittle(&value, run.first);
    AppendLittle(&value, run.last);
    AppendLittle(&value, run.count);
    AppendLittle(&value, run.level);
    AppendId(&value, run.least);
    AppendId(&value, run.greatest);
  }
  return Seal(std::move(value));
}

Result<Directory> DecodeDirectory(std::string_view value) {
  LOYALTY_RETURN_IF_ERROR(Unseal("IDD", DamagedDirectory, &value));
  if (value.size() < 12) return DamagedDirectory("is too short");
  Directory directory;
  directory.sequence = LoadLittle<uint64_t>(value.data());
  const uint32_t runs = LoadLittle<uint32_t>(value.data() + 8);
  value.remove_prefix(12);
  if (value.size() != runs * kRunInfoBytes) return DamagedDirectory("has a wrong length");
  uint64_t reached = 0;
  for (; !value.empty(); value.remove_prefix(kRunInfoBytes)) {
    const RunInfo run = LoadRunInfo(value.data());
    if (run.first <= reached || run.last < run.first || run.count == 0 ||
        run.count > run.last - run.first + 1) {
      return DamagedDirectory("lists impossible runs");
    }
    reached = run.last;
    directory.runs.push_back(run);
  }
  if (reached > directory.sequence) return DamagedDirectory("lists runs beyond its sequence");
  return directory;
}

std::string EncodePart(const RunInfo& run, uint32_t number, std::string_view bytes) {
  std::string value = Begin("IDP");
  value.reserve(kMagicBytes + kPartHeaderBytes + bytes.size() + kChecksumBytes);
  AppendLittle(&value, run.first);
  AppendLittle(&value, run.last);
  AppendLittle(&value, number);
  value += bytes;
  return Seal(std::move(value));
}

Result<std::string_view> DecodePart(const RunInfo& run, uint32_t number, std::string_view value) {
  const auto damaged = [&](std::string_view what) { return Damaged(run, "part", number, what); };
  LOYALTY_RETURN_IF_ERROR(Unseal("IDP", damaged, &value));
  if (value.size() < kPartHeaderBytes || LoadLittle<uint64_t>(value.data()) != run.first ||
      LoadLittle<uint64_t>(value.data() + 8) != run.last ||
      LoadLittle<uint32_t>(value.data() + 16) != number) {
    return damaged("belongs elsewhere");
  }
  return value.substr(kPartHeaderBytes);
}

std::string EncodeChunk(std::span<const IdAt> ids) {
  std::string value = Begin("IDC");
  value.reserve(ids.size() * sizeof(IdAt) + 64);
  AppendLittle(&value, uint32_t(ids.size()));
  using journal::EncodeColumn;
  EncodeColumn<uint64_t>(ids.size(), &value, [&](size_t i) { return ids[i].id.hi; });
  EncodeColumn<uint64_t>(ids.size(), &value, [&](size_t i) { return ids[i].id.lo; });
  EncodeColumn<uint64_t>(ids.size(), &value, [&](size_t i) { return ids[i].sequence; });
  return Seal(std::move(value));
}

Result<ChunkView> ChunkView::Parse(const RunInfo& run, uint32_t number, std::string_view value) {
  const auto damaged = [&](std::string_view what) { return Damaged(run, "chunk", number, what); };
  LOYALTY_RETURN_IF_ERROR(Unseal("IDC", damaged, &value));
  if (value.size() < 4) return damaged("is too short");
  ChunkView chunk;
  chunk.count_ = LoadLittle<uint32_t>(value.data());
  value.remove_prefix(4);
  if (chunk.count_ == 0 || chunk.count_ > kChunkIds || !chunk.hi_.Parse(chunk.count_, &value) ||
      !chunk.lo_.Parse(chunk.count_, &value) || !chunk.sequence_.Parse(chunk.count_, &value) ||
      !value.empty()) {
    return damaged("has a wrong length");
  }
  return chunk;
}

uint64_t ChunkView::Find(const Id& wanted) const {
  size_t begin = 0, end = count_;
  while (begin < end) {
    const size_t middle = (begin + end) / 2;
    if (id(middle) < wanted) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < count_ && id(begin) == wanted ? sequence_[begin] : 0;
}

void ChunkView::Decode(std::vector<IdAt>* ids) const {
  ids->resize(count_);
  IdAt* const to = ids->data();
  hi_.ForEach([=](size_t i, uint64_t value) { to[i].id.hi = value; });
  lo_.ForEach([=](size_t i, uint64_t value) { to[i].id.lo = value; });
  sequence_.ForEach([=](size_t i, uint64_t value) { to[i].sequence = value; });
}

}  // namespace loyalty::ids

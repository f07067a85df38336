// What the id index stores in family kIds. Integers: little-endian in values, big-endian in keys.
//
//   key                              value
//   u64 2^64 - 1                     directory: u64 sequence, u32 runs, then of each run u64 first,
//                                      u64 last, u64 count, u32 level, least id, greatest id
//   u64 first, u64 last, u32 number  of the run of the ids of sequences first to last:
//     number < 2^31                    chunk, by id: u32 count; columns hi, lo, sequence
//     number >= 2^31                   part: u64 first, u64 last, u32 number, up to 1 MiB; from
//                                        2^31 the first ids of the chunks (hi, lo), from
//                                        2^31 + 2^30 the filter's blocks (bloom.h)
//
// The directory, written with every run, sorts behind the runs: before them it would make every
// sorted file of RocksDB overlap all others, and compaction would rewrite them all each time. Every
// value begins with three letters and the format version, and ends with the XXH3 of all before. A
// chunk does not name its run, so it is checked against the run's first ids besides its checksum.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ids/id_index.h"
#include "journal/columns.h"

namespace loyalty::ids {

constexpr uint8_t kFormatVersion = 1;
// Small enough that one id is read quickly (18 KB), large enough that RocksDB keeps few keys.
constexpr uint32_t kChunkIds = 1024;
constexpr uint32_t kFirstIdsPart = 1u << 31;
constexpr uint32_t kFilterPart = kFirstIdsPart + (1u << 30);
constexpr uint32_t kEndOfRun = UINT32_MAX;

struct RunInfo {
  uint64_t first = 0;  // of the stretch of sequences whose ids the run holds
  uint64_t last = 0;
  uint64_t count = 0;
  uint32_t level = 0;  // how often its ids were merged
  Id least;
  Id greatest;

  bool operator==(const RunInfo&) const = default;
  uint32_t chunks() const { return uint32_t((count + kChunkIds - 1) / kChunkIds); }
};

struct Directory {
  uint64_t sequence = 0;
  std::vector<RunInfo> runs;  // by sequence
};

std::string DirectoryKey();
std::string RunKey(const RunInfo& run, uint32_t number);
// kCorruption: "ids: <kind> <number> of run <first>..<last> <what>".
Status Damaged(const RunInfo& run, std::string_view kind, uint32_t number, std::string_view what);

std::string EncodeDirectory(const Directory& directory);
Result<Directory> DecodeDirectory(std::string_view value);

std::string EncodePart(const RunInfo& run, uint32_t number, std::string_view bytes);
// The bytes given to EncodePart, within `value`.
Result<std::string_view> DecodePart(const RunInfo& run, uint32_t number, std::string_view value);

std::string EncodeChunk(std::span<const IdAt> ids);

// A chunk's ids, read in place. `value` must outlive it.
class ChunkView {
 public:
  static Result<ChunkView> Parse(const RunInfo& run, uint32_t number, std::string_view value);

  size_t count() const { return count_; }
  Id id(size_t i) const { return {hi_[i], lo_[i]}; }
  // The sequence of `id`, or 0.
  uint64_t Find(const Id& id) const;
  void Decode(std::vector<IdAt>* ids) const;

 private:
  size_t count_ = 0;
  journal::ColumnView hi_, lo_, sequence_;
};

}  // namespace loyalty::ids

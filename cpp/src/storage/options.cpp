#include "storage/options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>

#include <array>

namespace loyalty::storage {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

struct FamilyTuning {
  uint64_t write_buffer_bytes;
  rocksdb::CompressionType compression;
};

// LZ4 takes 40 % off the files of a journal and a history with codes and tags (the demo's: 84 to 51
// bytes a posting in all), for 20 to 30 ns of CPU an entry in the background. Ids and salts are random
// bits.
FamilyTuning TuningOf(Family family) {
  switch (family) {
    case Family::kJournal:
    case Family::kState: return {64 * kMiB, rocksdb::kLZ4Compression};
    case Family::kIds: return {32 * kMiB, rocksdb::kNoCompression};
    case Family::kHistory: return {32 * kMiB, rocksdb::kLZ4Compression};
    case Family::kKeys: return {16 * kMiB, rocksdb::kNoCompression};
  }
  return {};
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  // No filters: journal and history are scanned, ids have filters of their own in RAM.
  table.filter_policy = nullptr;
  // Of 4 KiB, a scan for tiers took most of its time to find the next one.
  if (family == Family::kHistory) table.block_size = 32 << 10;

  const FamilyTuning tuning = TuningOf(family);
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = tuning.compression;
  options.write_buffer_size = tuning.write_buffer_bytes;
  options.max_write_buffer_number = 3;
  // One flush makes one file, so there are few open files. Those of the journal, in the order of
  // its keys, move down the levels without being rewritten: compaction wrote nothing for 1 GB.
  options.target_file_size_base = 128 * kMiB;
  // Runs of ids that were merged away, and months of history, are better rewritten seldom: with the
  // usual 4 files, compaction took three times the CPU (20 M postings), and reads gained nothing.
  options.level0_file_num_compaction_trigger = 12;
  options.level0_slowdown_writes_trigger = 40;
  options.level0_stop_writes_trigger = 60;
  options.max_bytes_for_level_base = 1024 * kMiB;
  options.force_consistency_checks = true;
  // Reads each new file back before the log that it came from may go: 0.7 s of CPU a GB, so only
  // for what cannot be rebuilt.
  options.paranoid_file_checks = family == Family::kJournal || family == Family::kKeys;
  return options;
}

}  // namespace

const std::string& NameOf(Family family) {
  static const std::array<std::string, kFamilies> names = {"journal", "state", "ids", "history",
                                                           "keys"};
  return names[size_t(family)];
}

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.paranoid_checks = true;
  // The default would stop before damage and open shorter than what was acknowledged. See
  // wal_tail.h for what this one takes for damage without being any.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What is replayed is written to synced files before Open returns: after a failed sync the log
  // may show bytes that are in the page cache only.
  options.avoid_flush_during_recovery = false;
  // Close() flushes; a store that is dropped or has failed must not.
  options.avoid_flush_during_shutdown = true;
  // Resuming by itself may write log entries twice before 9.6. The first fault is final
  // (FaultLatch).
  options.max_bgerror_resume_count = 0;
  // Finds an older log that is missing or short, which recovery would pass over. Its false alarms
  // before 7.10 (facebook/rocksdb #10892) need SyncWAL, which is never called, and a manifest
  // that grew to 1 GB.
  options.track_and_verify_wals_in_manifest = true;
  // Unlogged families hold on to old logs until they are flushed; beyond this they are.
  options.max_total_wal_size = 256 * kMiB;
  options.manual_wal_flush = false;
  options.enable_pipelined_write = false;
  options.two_write_queues = false;
  options.unordered_write = false;
  // One writer at a time gains nothing from these.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.max_background_jobs = 2;
  // All files are opened by Open, which so finds missing ones.
  options.max_open_files = -1;
  options.bytes_per_sync = kMiB;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = kMiB;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors() {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(64 * kMiB);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  for (int i = 0; i < kFamilies; ++i) {
    families.emplace_back(NameOf(Family(i)), FamilyOptions(Family(i), cache));
  }
  return families;
}

}  // namespace loyalty::storage

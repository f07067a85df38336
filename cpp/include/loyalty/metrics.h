// What a ledger tells to whoever watches it. Counts begin when it is opened.
#pragma once

#include <cstdint>
#include <vector>

namespace loyalty {

// How often values were how large.
struct Histogram {
  std::vector<double> bounds;  // upper ones, ascending
  std::vector<uint64_t>
      counts;      // of values from one bound to the next; one more: of those above all
  double sum = 0;  // of the values
};

struct Metrics {
  uint64_t members = 0;       // opened ever
  uint64_t sequence = 0;      // of the last durable entry; what the next three are compared with
  uint64_t ids_sequence = 0;  // that ids are indexed up to
  uint64_t history_sequence = 0;     // that history chunks hold
  uint64_t checkpoint_sequence = 0;  // where the next opening starts to replay
  uint64_t queued_postings = 0;      // handed in, and not looked at
  Histogram group_entries;           // that were made durable together
  Histogram sync_s;                  // for making them so: writing, and the disk's sync
  uint64_t journal_bytes = 0, ids_bytes = 0, history_bytes = 0, state_bytes = 0;  // of sorted files
  uint64_t write_stall_us = 0;            // that RocksDB held writes back
  bool is_write_stopped = false;          // RocksDB takes none now
  uint64_t pending_compaction_bytes = 0;  // that RocksDB has to rewrite
  uint64_t write_buffer_bytes = 0;        // RAM of RocksDB's, as the next
  uint64_t block_cache_bytes = 0;
};

}  // namespace loyalty

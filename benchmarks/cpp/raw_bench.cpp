// The limit: RocksDB taking the same bytes, packed, each group one synced write of one value. No
// hash, no ids, no balances. Prints rates as JSON.
//
//   raw_bench --dir=D --block_bytes=N --blocks=N [--entries=8192]
//
// The flush of the last memtable is inside the timed part: the bytes end in sorted files, as the
// ledger's.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "flags.h"
#include "loyalty/posting.h"
#include "posting_loop.h"
#include "workload.h"

namespace loyalty::bench {
namespace {

void CheckRaw(const rocksdb::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

std::string BigEndian(uint64_t number) {
  std::string key(8, '\0');
  for (int i = 0; i < 8; ++i) key[size_t(i)] = char(number >> (56 - 8 * i));
  return key;
}

int Main(int count, char** arguments) {
  const Flags flags(count, arguments);
  const uint64_t entries = flags.Number("entries", 8'192);
  const uint64_t block_bytes = flags.Number("block_bytes", entries * sizeof(Entry));
  const uint64_t blocks = flags.Number("blocks", 256);

  // Random bytes, a fresh window for each block: nothing along the way can make them fewer.
  std::vector<uint64_t> noise((block_bytes + (64 << 20)) / 8);
  Random random(1);
  for (uint64_t& word : noise) word = random.Next();

  rocksdb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 128 << 20;
  options.allow_concurrent_memtable_write = false;
  options.IncreaseParallelism(2);
  rocksdb::DB* opened = nullptr;
  CheckRaw(rocksdb::DB::Open(options, flags.Text("dir", ""), &opened));
  const std::unique_ptr<rocksdb::DB> db(opened);

  rocksdb::WriteOptions synced;
  synced.sync = true;
  const double begin_s = Now_s();
  const double begin_cpu_s = Cpu_s();
  for (uint64_t i = 0; i < blocks; ++i) {
    const size_t offset = i * 4'096 % (64 << 20);
    const rocksdb::Slice block(reinterpret_cast<const char*>(noise.data()) + offset, block_bytes);
    CheckRaw(db->Put(synced, BigEndian(i * entries + 1), block));
  }
  CheckRaw(db->Flush(rocksdb::FlushOptions()));
  const double elapsed_s = Now_s() - begin_s;

  Json json;
  json.Add("per_s", double(blocks * entries) / elapsed_s);
  json.Add("bytes_per_s", double(blocks * block_bytes) / elapsed_s);
  json.Add("block_bytes", double(block_bytes));
  json.Add("elapsed_s", elapsed_s);
  json.Add("cpu_us", (Cpu_s() - begin_cpu_s) / double(blocks * entries) * 1e6);
  json.Print();
  return 0;
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) { return loyalty::bench::Main(count, arguments); }

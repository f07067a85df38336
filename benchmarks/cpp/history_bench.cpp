// History: what Add costs an entry (partition, encode, write to the memtable), how small pieces
// are, and what Read of one member costs when 100 pieces are in range.
//
// Traps: the store flushes and compacts on threads of its own, so read the CPU column (of the
// calling thread) for Add. The segment is built outside of the timed loop, and at 112 bytes an
// entry does not fit any cache, as in the engine.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "history/history.h"

namespace loyalty::history {
namespace {

constexpr int64_t kSecond_us = 1'000'000;
constexpr int64_t kDay_us = 86'400 * kSecond_us;
constexpr int64_t kStart_us = 1'704'067'200 * kSecond_us;  // 2024-01-01

// A store in a directory of its own, gone with it.
class ScratchHistory {
 public:
  ScratchHistory() {
    std::string name = (std::filesystem::temp_directory_path() / "history_bench.XXXXXX").string();
    directory_ = mkdtemp(name.data());
    storage::StoreOptions options;
    options.create = true;
    auto store = storage::Store::Open(directory_.string() + "/store", options);
    if (!store.ok()) Fail(store.status());
    store_ = std::move(store).value();
    auto history = History::Open(store_.get());
    if (!history.ok()) Fail(history.status());
    history_ = std::move(history).value();
  }
  ~ScratchHistory() {
    history_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Add(const std::vector<Entry>& segment) {
    if (Status status = history_->Add(segment, {}, history_->sequence() + 1); !status.ok())
      Fail(status);
  }
  size_t Read(uint32_t member) {
    items_.clear();
    if (Status s = history_->Read(std::array{uint32_t(member)}, kMinTime_us, kMaxTime_us, &items_);
        !s.ok())
      Fail(s);
    return items_.size();
  }
  void Flush() {
    if (Status status = history_->Flush(); !status.ok()) Fail(status);
  }
  // Keys and values, before what the store does to them.
  size_t Bytes() {
    size_t bytes = 0;
    const auto count = [&](std::string_view key, std::string_view value) {
      bytes += key.size() + value.size();
      return true;
    };
    if (Status s = store_->Scan(storage::Family::kHistory, {}, {}, count); !s.ok()) Fail(s);
    return bytes;
  }
  uint64_t sequence() const { return history_->sequence(); }

 private:
  [[noreturn]] static void Fail(const Status& status) {
    std::fprintf(stderr, "history_bench: %s\n", status.message().c_str());
    exit(1);
  }

  std::filesystem::path directory_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<History> history_;
  std::vector<Item> items_;
};

// Earns (5 in 6) that expire after a year, and redemptions, of random members over two months.
std::vector<Entry> MakeSegment(size_t count, uint32_t members, int64_t clock_us, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Entry> segment(count);
  for (Entry& entry : segment) {
    entry.id = {random(), random()};
    entry.member = uint32_t(random() % members);
    entry.effective_us =
        kStart_us + int64_t(random() % uint64_t(60 * kDay_us)) / clock_us * clock_us;
    entry.status = PostingStatus::kPosted;
    entry.balance = int64_t(random() % 100'000);
    if (random() % 6 == 0) {
      entry.kind = Kind::kRedeem;
      entry.points = -int64_t(1 + random() % 20) * 500;
    } else {
      entry.kind = Kind::kEarn;
      entry.money = int64_t(100 + random() % 20'000);
      entry.points = entry.money / 10;
      entry.expires_us = entry.effective_us + 365 * kDay_us;
    }
  }
  return segment;
}

// Arguments: members, microseconds that times are multiples of.
void BM_Add(benchmark::State& state) {
  constexpr size_t kEntries = 1 << 20;
  const std::vector<Entry> segment =
      MakeSegment(kEntries, uint32_t(state.range(0)), state.range(1), 1);
  ScratchHistory history;
  for (auto _ : state) history.Add(segment);
  state.SetItemsProcessed(int64_t(history.sequence()));
  state.counters["time/entry"] = benchmark::Counter(
      double(history.sequence()), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes/entry"] = double(history.Bytes()) / double(history.sequence());
}
BENCHMARK(BM_Add)
    ->ArgNames({"members", "clock_us"})
    ->Args({1'000'000, kSecond_us})
    ->Args({1'000'000, 1})
    ->Args({10'000'000, kSecond_us})
    ->Args({10'000'000, 1})
    ->Unit(benchmark::kMillisecond);

// One member of 100,000, with 50 segments of 2 months: 100 pieces of about 512 entries in range.
void BM_Read(benchmark::State& state) {
  constexpr uint32_t kMembers = 100'000;
  ScratchHistory history;
  for (uint64_t i = 0; i < 50; ++i) history.Add(MakeSegment(kMembers, kMembers, kSecond_us, i));
  history.Flush();
  uint32_t member = 0;
  size_t items = 0;
  for (auto _ : state) {
    items += history.Read(member);
    member = (member + 7919) % kMembers;
  }
  state.counters["items/read"] = double(items) / double(state.iterations());
}
BENCHMARK(BM_Read)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace loyalty::history

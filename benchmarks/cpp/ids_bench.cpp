// The id index alone, one thread, against the real store in a scratch directory ($TMPDIR). Budgets
// in ns an id on the reference machine: RecentIds 40; Add 120; merging 60; Find of absent random
// ids in 20 runs of 1 M 200; Find of time-ordered ids 10. All times are CPU time of the calling
// thread: RocksDB's flushes, on another core, are left out, and other work on the machine misleads
// less.
#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>

#include "ids/id_index.h"
#include "ids/recent_ids.h"

namespace loyalty::ids {
namespace {

constexpr size_t kSegment = 1 << 20;
constexpr size_t kBatch = 8192;

void Check(const Status& status) {
  if (status.ok()) return;
  std::cerr << status.message() << "\n";
  std::abort();
}

double ThreadTime_s() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

// Sequence s has the id RandomId(s): no list of all ids is kept. A bijection of s, so no id comes
// twice.
Id RandomId(uint64_t sequence) {
  uint64_t z = sequence * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return {z ^ (z >> 31), z * 0xda942042e4dd58b5};
}

// As UUIDv7 by many producers: one millisecond for 1,000 ids, random within it.
Id OrderedId(uint64_t sequence) {
  const Id random = RandomId(sequence);
  return {((1'700'000'000'000 + sequence / 1000) << 16) | 0x7000 | (random.hi & 0xfff), random.lo};
}

using MakeId = Id (*)(uint64_t);

std::vector<IdAt> MakeIds(MakeId make, uint64_t first, size_t count) {
  std::vector<IdAt> ids(count);
  for (size_t i = 0; i < count; ++i) ids[i] = {make(first + i), first + i};
  return ids;
}

class ScratchIndex {
 public:
  ScratchIndex() {
    std::string path = (std::filesystem::temp_directory_path() / "ids_bench_XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) std::abort();
    directory_ = path;
    auto store = storage::Store::Open(directory_ / "db", {.create = true, .environment = nullptr});
    Check(store.status());
    store_ = std::move(*store);
    auto index = IdIndex::Open(store_.get());
    Check(index.status());
    index_ = std::move(*index);
  }
  ~ScratchIndex() {
    index_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Seconds of the Add alone.
  double AddSegment(MakeId make, size_t count) {
    auto ids = MakeIds(make, next_, count);
    next_ += count;
    const double start_s = ThreadTime_s();
    Check(index_->Add(std::move(ids), next_ - 1));
    return ThreadTime_s() - start_s;
  }
  void Fill(MakeId make, int segments) {
    for (int i = 0; i < segments; ++i) AddSegment(make, kSegment);
    Check(index_->Flush());
  }

  uint64_t next() const { return next_; }
  IdIndex& index() { return *index_; }
  storage::Store& store() { return *store_; }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<IdIndex> index_;
  uint64_t next_ = 1;
};

void CountIds(benchmark::State& state, size_t ids_per_iteration) {
  state.counters["per_id"] =
      benchmark::Counter(double(ids_per_iteration), benchmark::Counter::kIsIterationInvariantRate |
                                                        benchmark::Counter::kInvert);
}

void BM_RecentIds_FindAndAppend(benchmark::State& state) {
  const size_t count = size_t(state.range(0));
  std::vector<Id> ids(count);
  for (size_t i = 0; i < count; ++i) ids[i] = RandomId(i + 1);
  for (auto _ : state) {
    RecentIds recent(1, state.range(1) ? count : 0);
    for (size_t begin = 0; begin < count; begin += 64) {
      const size_t end = std::min(count, begin + 64);
      for (size_t i = begin; i < end; ++i) recent.Prefetch(ids[i]);
      for (size_t i = begin; i < end; ++i) {
        if (recent.Find(ids[i]) == 0) recent.Append(ids[i]);
      }
    }
    if (recent.next_sequence() != count + 1) std::abort();
  }
  CountIds(state, count);
}
BENCHMARK(BM_RecentIds_FindAndAppend)
    ->ArgNames({"ids", "reserved"})
    ->ArgsProduct({{1 << 16, 1 << 20}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

// Seven segments: none is merged.
void Add(benchmark::State& state, MakeId make) {
  auto scratch = std::make_unique<ScratchIndex>();
  for (auto _ : state) {
    if (scratch->index().runs()->size() == 7) scratch = std::make_unique<ScratchIndex>();
    state.SetIterationTime(scratch->AddSegment(make, kSegment));
  }
  CountIds(state, kSegment);
}
BENCHMARK_CAPTURE(Add, random, RandomId)
    ->UseManualTime()
    ->Iterations(14)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Add, ordered, OrderedId)
    ->UseManualTime()
    ->Iterations(14)
    ->Unit(benchmark::kMillisecond);

// An eighth segment, less the mean of the first seven, is the merge of eight.
void Merge(benchmark::State& state, MakeId make) {
  for (auto _ : state) {
    ScratchIndex scratch;
    double alone_s = 0;
    for (int i = 0; i < 7; ++i) alone_s += scratch.AddSegment(make, kSegment);
    state.SetIterationTime(scratch.AddSegment(make, kSegment) - alone_s / 7);
  }
  CountIds(state, 8 * kSegment);
}
BENCHMARK_CAPTURE(Merge, random, RandomId)
    ->UseManualTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merge, ordered, OrderedId)
    ->UseManualTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

ScratchIndex& Filled(MakeId make, int segments) {
  // Opens one at once, so that the statics of RocksDB are made before this one and outlive it.
  static auto scratch = std::make_unique<ScratchIndex>();
  static std::pair<MakeId, int> held{nullptr, 0};
  if (held != std::pair(make, segments)) {
    scratch.reset();
    scratch = std::make_unique<ScratchIndex>();
    scratch->Fill(make, segments);
    held = {make, segments};
  }
  return *scratch;
}

// Looks batches up whose ids are those of sequences picked by `pick`.
template <typename Pick>
void Find(benchmark::State& state, MakeId make, Pick pick) {
  ScratchIndex& scratch = Filled(make, int(state.range(0)));
  const auto runs = scratch.index().runs();
  std::mt19937_64 random(1);
  std::vector<Id> ids(kBatch);
  std::vector<uint64_t> sequences(kBatch);
  uint64_t asked = 0, found = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (Id& id : ids) id = make(pick(random, scratch.next(), asked++));
    state.ResumeTiming();
    Check(runs->Find(ids, 0, sequences));
    found += kBatch - size_t(std::count(sequences.begin(), sequences.end(), 0));
  }
  CountIds(state, kBatch);
  state.counters["runs"] = double(runs->size());
  state.counters["found"] = double(found) / double(asked);
  state.counters["ram_bytes_an_id"] = double(runs->ram_bytes()) / double(scratch.next());
}

uint64_t New(std::mt19937_64&, uint64_t next, uint64_t asked) { return next + asked; }
uint64_t Old(std::mt19937_64& random, uint64_t next, uint64_t) { return 1 + random() % (next - 1); }
uint64_t Recent(std::mt19937_64& random, uint64_t next, uint64_t) {
  return next - 1 - random() % kBatch;
}

void BM_Find_AbsentRandom(benchmark::State& state) { Find(state, RandomId, New); }
BENCHMARK(BM_Find_AbsentRandom)->Arg(1)->Arg(7)->Arg(20);
void BM_Find_PresentRandom(benchmark::State& state) { Find(state, RandomId, Old); }
BENCHMARK(BM_Find_PresentRandom)->Arg(20);
void BM_Find_AbsentOrdered(benchmark::State& state) { Find(state, OrderedId, New); }
BENCHMARK(BM_Find_AbsentOrdered)->Arg(20);
void BM_Find_PresentOrdered(benchmark::State& state) { Find(state, OrderedId, Old); }
BENCHMARK(BM_Find_PresentOrdered)->Arg(20);
void BM_Find_RecentOrdered(benchmark::State& state) { Find(state, OrderedId, Recent); }
BENCHMARK(BM_Find_RecentOrdered)->Arg(20);

void BM_Open(benchmark::State& state) {
  ScratchIndex& scratch = Filled(OrderedId, int(state.range(0)));
  for (auto _ : state) {
    auto index = IdIndex::Open(&scratch.store());
    Check(index.status());
  }
  CountIds(state, size_t(state.range(0)) * kSegment);
}
BENCHMARK(BM_Open)->Arg(20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loyalty::ids

// Posts to a ledger and prints rates as JSON. Everything is on: chain, ids, lots, history.
//
//   post_bench --mode=open_members --dir=D --members=N [--ids=random]
//   post_bench --mode=batch  --dir=D ... [--postings=N --batch=N --in_flight=N --threads=N]
//   post_bench --mode=single --dir=D ... [--postings=N --callers=64]
//
// The ids and members of a run follow from --ids, --spread and --seed; a second run on the same
// ledger needs another seed.
#include <algorithm>
#include <barrier>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "flags.h"
#include "loyalty/ledger.h"
#include "posting_loop.h"
#include "workload.h"

namespace loyalty::bench {
namespace {

struct Setup {
  std::string directory;
  WorkloadOptions workload;
  LoopOptions loop;
  uint32_t callers = 64;
};

Setup ReadFlags(const Flags& flags) {
  Setup setup;
  setup.directory = flags.Text("dir", "");
  if (setup.directory.empty()) Die("--dir is required");
  setup.workload.members = flags.Number("members", setup.workload.members);
  setup.workload.postings = flags.Number("postings", setup.workload.postings);
  setup.workload.random_ids = flags.Text("ids", "ordered") == "random";
  setup.workload.zipf = flags.Text("spread", "uniform") == "zipf";
  setup.workload.seed = flags.Number("seed", setup.workload.seed);
  setup.workload.start_us = int64_t(flags.Number("start_us", uint64_t(kStart_us)));
  setup.loop.postings = setup.workload.postings;
  setup.loop.batch = uint32_t(flags.Number("batch", setup.loop.batch));
  setup.loop.in_flight = uint32_t(flags.Number("in_flight", setup.loop.in_flight));
  setup.loop.threads = uint32_t(flags.Number("threads", setup.loop.threads));
  setup.loop.stop_after_s = double(flags.Number("stop_after_s", 1'000'000));
  setup.callers = uint32_t(flags.Number("callers", setup.callers));
  return setup;
}

void OpenMembers(const Setup& setup, Json* json) {
  Check(Ledger::Create(setup.directory, {"points"}));
  const auto ledger = Check(Ledger::Open(setup.directory));
  LoopOptions loop = setup.loop;
  loop.postings = setup.workload.members;
  loop.threads = 1;  // so that slots are in the order of members
  PostingLoop run(ledger.get(), loop, [&](uint64_t first, std::span<Posting> postings) {
    FillMembers(setup.workload, first, postings);
  });
  const LoopResult result = run.Run();
  json->Add("members_per_s", double(loop.postings) / result.elapsed_s);
  Check(ledger->Close());
}

// What drawing a posting costs the caller, without a ledger: the client's share of the measurement.
double FillTime_s(const Setup& setup, const std::vector<Draft>& drafts) {
  std::vector<Posting> postings(setup.loop.batch);
  const size_t count = std::min<size_t>(drafts.size(), 1'000'000);
  const double begin_s = Now_s();
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    Posting& posting = postings[i % postings.size()];
    Fill(setup.workload, drafts[i], i, &posting);
    sum += posting.id.lo;
  }
  const double took_s = Now_s() - begin_s;
  if (sum == 0) Die("empty drafts");
  return took_s / double(count);
}

// Work left behind the journal when the last posting was acknowledged: measured, never hidden.
void Settle(Ledger* ledger, const LoopResult& result, Json* json) {
  const double postings = double(result.taken());
  const double begin_s = Now_s();
  const double begin_cpu_s = Cpu_s();
  Check(ledger->Checkpoint());
  const double settle_s = Now_s() - begin_s;
  json->Add("settle_s", settle_s);
  json->Add("settled_per_s", postings / (result.elapsed_s + settle_s));
  json->Add("settled_cpu_us", (result.cpu_s + Cpu_s() - begin_cpu_s) / postings * 1e6);
}

// Closes, and opens again to see the sizes: until then some of the journal is in the log alone.
void CloseAndInspect(const Setup& setup, std::unique_ptr<Ledger> ledger, Json* json) {
  const double begin_s = Now_s();
  Check(ledger->Close());
  json->Add("close_s", Now_s() - begin_s);
  ledger = Check(Ledger::Open(setup.directory));
  const Info info = *ledger->GetInfo();
  json->Add("sequence", double(info.sequence));
  json->Add("journal_bytes", double(info.journal_bytes));
  json->Add("ids_bytes", double(info.ids_bytes));
  json->Add("history_bytes", double(info.history_bytes));
  json->Add("state_bytes", double(info.state_bytes));
  json->Add("state_ram_bytes", double(info.state_ram_bytes));
  Check(ledger->Close());
}

void PostBatches(const Setup& setup, Json* json) {
  const std::vector<Draft> drafts = MakeDrafts(setup.workload);
  json->Add("client_us", FillTime_s(setup, drafts) * 1e6);
  auto ledger = Check(Ledger::Open(setup.directory));
  json->Add("journal_bytes_before", double(ledger->GetInfo()->journal_bytes));
  PostingLoop run(ledger.get(), setup.loop, [&](uint64_t first, std::span<Posting> postings) {
    for (size_t i = 0; i < postings.size(); ++i) {
      Fill(setup.workload, drafts[first + i], first + i, &postings[i]);
    }
  });
  const LoopResult result = run.Run();
  json->Add("postings", double(result.taken()));
  json->Add("refused", double(result.refused));
  json->Add("elapsed_s", result.elapsed_s);
  json->Add("per_s", double(result.taken()) / result.elapsed_s);
  json->Add("cpu_us", result.cpu_s / double(result.taken()) * 1e6);
  json->AddList("slice_per_s", result.slice_rates);
  Settle(ledger.get(), result, json);
  CloseAndInspect(setup, std::move(ledger), json);
}

// Callers that each post one and wait for it, again and again. A closed loop: a stall of the ledger
// holds back the next call, so the latencies are of this load, not of callers that come regardless.
void PostSingles(const Setup& setup, Json* json) {
  const std::vector<Draft> drafts = MakeDrafts(setup.workload);
  auto ledger = Check(Ledger::Open(setup.directory));
  const uint64_t each = setup.workload.postings / setup.callers;
  std::vector<std::vector<uint32_t>> latencies_ns(setup.callers);
  std::vector<uint64_t> refused(setup.callers);
  std::barrier start(setup.callers + 1);
  std::vector<std::thread> callers;
  for (uint32_t c = 0; c < setup.callers; ++c) {
    callers.emplace_back([&, c] {
      std::vector<uint32_t>& took_ns = latencies_ns[c];
      took_ns.reserve(each);
      Posting posting;
      Reply reply;
      start.arrive_and_wait();
      for (uint64_t i = 0; i < each; ++i) {
        const uint64_t index = i * setup.callers + c;
        Fill(setup.workload, drafts[index], index, &posting);
        const double begin_s = Now_s();
        Check(ledger->Post({&posting, 1}, {&reply, 1}));
        took_ns.push_back(uint32_t((Now_s() - begin_s) * 1e9));
        refused[c] += reply.status == PostingStatus::kInsufficientPoints;
        if (reply.sequence == 0) Die("not taken: " + std::string(ToString(reply.status)));
      }
    });
  }
  start.arrive_and_wait();
  const double begin_s = Now_s();
  const double begin_cpu_s = Cpu_s();
  for (std::thread& caller : callers) caller.join();
  LoopResult result{.elapsed_s = Now_s() - begin_s, .cpu_s = Cpu_s() - begin_cpu_s};
  result.refused = std::accumulate(refused.begin(), refused.end(), uint64_t(0));
  const uint64_t postings = each * setup.callers;
  result.posted = postings - result.refused;

  std::vector<uint32_t> all;
  for (const auto& took_ns : latencies_ns) all.insert(all.end(), took_ns.begin(), took_ns.end());
  std::sort(all.begin(), all.end());
  json->Add("postings", double(postings));
  json->Add("refused", double(result.refused));
  json->Add("elapsed_s", result.elapsed_s);
  json->Add("per_s", double(postings) / result.elapsed_s);
  json->Add("cpu_us", result.cpu_s / double(postings) * 1e6);
  json->Add("latency_p50_us", all[all.size() / 2] * 1e-3);
  json->Add("latency_p99_us", all[all.size() * 99 / 100] * 1e-3);
  json->Add("latency_max_us", all.back() * 1e-3);
  Settle(ledger.get(), result, json);
  CloseAndInspect(setup, std::move(ledger), json);
}

int Main(int count, char** arguments) {
  const Flags flags(count, arguments);
  const Setup setup = ReadFlags(flags);
  const std::string mode = flags.Text("mode", "batch");
  Json json;
  if (mode == "open_members") {
    OpenMembers(setup, &json);
  } else if (mode == "batch") {
    PostBatches(setup, &json);
  } else if (mode == "single") {
    PostSingles(setup, &json);
  } else {
    Die("--mode: open_members, batch or single");
  }
  json.Print();
  return 0;
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) { return loyalty::bench::Main(count, arguments); }

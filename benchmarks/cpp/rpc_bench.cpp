// Calls a loyaltyd over the loopback interface and prints rates and latencies as JSON.
//
//   rpc_bench --port=P --members=N [--connections=50 --threads=1 --members_a_call=1 --postings_a_call=1
//     --post_percent=0 --per_s=0 --seconds=10 --probe_dir=D]
//
// With --per_s the loop is open, and latencies count from when a call was due. With --probe_dir a file there is synced
// beside it, and each pause is told with how long the disk took.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "disk_probe.h"
#include "flags.h"
#include "posting_loop.h"
#include "rpc_callers.h"

namespace loyalty::bench {
namespace {

constexpr double kPause_s = 0.1;

CallersOptions ReadFlags(const Flags& flags) {
  CallersOptions options;
  options.port = uint16_t(flags.Number("port", 0));
  options.members = flags.Number("members", options.members);
  options.connections = uint32_t(flags.Number("connections", options.connections));
  options.members_a_call = uint32_t(flags.Number("members_a_call", options.members_a_call));
  options.postings_a_call = uint32_t(flags.Number("postings_a_call", options.postings_a_call));
  options.post_percent = uint32_t(flags.Number("post_percent", 0));
  options.per_s = double(flags.Number("per_s", 0));
  options.seconds = double(flags.Number("seconds", 10));
  return options;
}

void AddLatencies(const std::string& name, const std::vector<Call>& calls, bool of_posts,
                  Json* json) {
  std::vector<double> latencies_us;
  for (const Call& call : calls) {
    if (call.is_post == of_posts) latencies_us.push_back(call.latency_s() * 1e6);
  }
  json->Add(name + "_calls", double(latencies_us.size()));
  if (latencies_us.empty()) return;
  std::sort(latencies_us.begin(), latencies_us.end());
  const auto at = [&](double share) {
    return latencies_us[size_t(share * double(latencies_us.size() - 1))];
  };
  json->Add(name + "_p50_us", at(0.5));
  json->Add(name + "_p99_us", at(0.99));
  json->Add(name + "_p99_9_us", at(0.999));
  json->Add(name + "_p100_us", at(1));
}

// A time in which some call waited for longer than kPause_s.
struct Pause {
  double begin_s = 0;
  double end_s = 0;
  double latency_max_s = 0;
};

std::vector<Pause> FindPauses(std::vector<Call> calls) {
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.due_s < b.due_s; });
  std::vector<Pause> pauses;
  for (const Call& call : calls) {
    if (call.latency_s() <= kPause_s) continue;
    if (pauses.empty() || call.due_s > pauses.back().end_s) {
      pauses.push_back({call.due_s, call.end_s, call.latency_s()});
    }
    pauses.back().end_s = std::max(pauses.back().end_s, call.end_s);
    pauses.back().latency_max_s = std::max(pauses.back().latency_max_s, call.latency_s());
  }
  return pauses;
}

// A pause is the disk's own if one sync of the probe's took at least half of it.
void AddPauses(const std::vector<Call>& calls, double begin_s, const DiskProbe& probe, Json* json) {
  std::vector<double> at_s;
  std::vector<double> pause_ms;
  std::vector<double> disk_ms;
  double longest_ms = 0;
  double longest_not_disk_ms = 0;
  for (const Pause& pause : FindPauses(calls)) {
    at_s.push_back(pause.begin_s - begin_s);
    pause_ms.push_back(pause.latency_max_s * 1e3);
    disk_ms.push_back(probe.LongestSync_s(pause.begin_s, pause.end_s) * 1e3);
    longest_ms = std::max(longest_ms, pause_ms.back());
    const bool is_disk = disk_ms.back() >= pause_ms.back() / 2;
    if (!is_disk) longest_not_disk_ms = std::max(longest_not_disk_ms, pause_ms.back());
  }
  json->AddList("pauses_at_s", at_s);
  json->AddList("pauses_ms", pause_ms);
  json->AddList("pauses_disk_ms", disk_ms);
  json->Add("pause_max_ms", longest_ms);
  json->Add("pause_not_disk_max_ms", longest_not_disk_ms);
}

// A thread has its share of the connections and of the rate.
std::vector<std::unique_ptr<Callers>> MakeCallers(CallersOptions options, uint32_t threads) {
  options.connections /= threads;
  options.per_s /= threads;
  std::vector<std::unique_ptr<Callers>> callers;
  for (options.seed = 1; options.seed <= threads; ++options.seed) {
    callers.push_back(std::make_unique<Callers>(options));
  }
  return callers;
}

int Main(int count, char** arguments) {
  const Flags flags(count, arguments);
  const CallersOptions options = ReadFlags(flags);
  const auto callers = MakeCallers(options, uint32_t(flags.Number("threads", 1)));
  const std::string probe_dir = flags.Text("probe_dir", "");
  std::optional<DiskProbe> probe;
  if (!probe_dir.empty()) probe.emplace(probe_dir);

  const double begin_s = Now_s();
  const double begin_cpu_s = Cpu_s();
  std::vector<std::thread> threads;
  for (const auto& each : callers) threads.emplace_back([&each] { each->Run(); });
  for (std::thread& thread : threads) thread.join();
  const double cpu_s = Cpu_s() - begin_cpu_s;
  if (probe) probe->Stop();

  std::vector<Call> calls;
  double elapsed_s = 0;
  for (const auto& each : callers) {
    calls.insert(calls.end(), each->calls().begin(), each->calls().end());
    elapsed_s = std::max(elapsed_s, each->elapsed_s());
  }
  if (calls.empty()) Die("nothing was called");
  Json json;
  json.Add("elapsed_s", elapsed_s);
  json.Add("calls_per_s", double(calls.size()) / elapsed_s);
  json.Add("client_cpu_us", cpu_s / double(calls.size()) * 1e6);
  AddLatencies("balance", calls, false, &json);
  AddLatencies("post", calls, true, &json);
  if (probe) AddPauses(calls, begin_s, *probe, &json);
  json.Print();
  return 0;
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) { return loyalty::bench::Main(count, arguments); }

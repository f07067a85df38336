// Asks a loyaltyd that listens on this machine, and prints rates and latencies as JSON.
//
//   rpc_bench --mode=balance --port=P --members=N [--connections=50 --together=1 --threads=1 --seconds=10]
//   rpc_bench --mode=post    --port=P --members=N [--connections=50 --together=1 --threads=1 --seconds=10]
//   rpc_bench --mode=mixed   --port=P --members=N --rate=R --directory=D [--connections=50 --seconds=600]
//
// `balance` and `post` are closed loops, each connection asking again as soon as it is answered: how much the server can
// do. `mixed` is an open one: calls come when they come (Poisson), 90 % balances and 10 % single postings, and their latency
// counts from when they were due, whether or not a connection was free. It also says when the machine or its disk
// stood still by themselves: a thread that sleeps, and one that syncs 4 KiB in directory D, both all the time.
#include <fcntl.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include "rpc_callers.h"

namespace loyalty::bench {
namespace {

enum Kind { kBalance, kPost, kKinds };
constexpr size_t kFrames = 16;  // of postings, that differ in what they post
constexpr double kPause_s = 0.1;

int64_t Time_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Makes the calls of a load.
class Maker {
 public:
  Maker(uint64_t members, size_t together, uint64_t seed)
      : members_(members), random_(seed), balances_(BalancesFrame(together)) {
    for (size_t i = 0; i < kFrames; ++i) posts_.push_back(PostFrame(together, &random_));
  }
  const Frame& Balances() {
    for (size_t i = 0; i < balances_.marks(); ++i) balances_.Set(i, DrawMember());
    return balances_;
  }
  const Frame& Post() {
    Frame& frame = posts_[random_.Below(kFrames)];
    const int64_t now_us = Time_us();
    for (size_t i = 0; i < frame.marks(); i += kMarksOfPosting) {
      const Id id = OrderedId(now_us, &random_);
      frame.Set(i, int64_t(id.hi));
      frame.Set(i + 1, int64_t(id.lo));
      frame.Set(i + 2, DrawMember());
      frame.Set(i + 3, now_us);
    }
    return frame;
  }
  Random& random() { return random_; }

 private:
  int64_t DrawMember() { return KeyOfMember(random_.Below(members_)).number; }

  const uint64_t members_;
  Random random_;
  Frame balances_;
  std::vector<Frame> posts_;
};

class ClosedLoad final : public Load {
 public:
  ClosedLoad(Maker* maker, Kind kind, double until_s)
      : maker_(maker), kind_(kind), until_s_(until_s) {}

  std::optional<double> NextDue_s() override {
    const double now_s = Now_s();
    return now_s < until_s_ ? std::optional(now_s) : std::nullopt;
  }
  const Frame& Next(int* kind) override {
    *kind = kind_;
    return kind_ == kBalance ? maker_->Balances() : maker_->Post();
  }

 private:
  Maker* const maker_;
  const Kind kind_;
  const double until_s_;
};

class OpenLoad final : public Load {
 public:
  OpenLoad(Maker* maker, double rate_per_s, double until_s)
      : maker_(maker), rate_per_s_(rate_per_s), until_s_(until_s), due_s_(Now_s()) {}

  std::optional<double> NextDue_s() override {
    due_s_ += -std::log(1 - maker_->random().Unit()) / rate_per_s_;
    return due_s_ < until_s_ ? std::optional(due_s_) : std::nullopt;
  }
  const Frame& Next(int* kind) override {
    *kind = maker_->random().Below(10) == 0 ? kPost : kBalance;
    return *kind == kBalance ? maker_->Balances() : maker_->Post();
  }

 private:
  Maker* const maker_;
  const double rate_per_s_;
  const double until_s_;
  double due_s_;
};

void AddLatencies(const std::string& prefix, const std::vector<Call>& calls, int kind, Json* json) {
  std::vector<double> took_us;
  for (const Call& call : calls) {
    if (call.kind == kind) took_us.push_back(call.took_s() * 1e6);
  }
  if (took_us.empty()) return;
  std::sort(took_us.begin(), took_us.end());
  const auto at = [&](double share) { return took_us[size_t(share * double(took_us.size() - 1))]; };
  json->Add(prefix + "calls", double(took_us.size()));
  json->Add(prefix + "p50_us", at(0.5));
  json->Add(prefix + "p99_us", at(0.99));
  json->Add(prefix + "p999_us", at(0.999));
  json->Add(prefix + "p100_us", at(1));
}

void RunClosed(const Flags& flags, Kind kind, Json* json) {
  const size_t together = flags.Number("together", 1);
  const size_t threads = flags.Number("threads", 1);
  const size_t connections = flags.Number("connections", 50) / threads;
  const double begin_s = Now_s();
  const double until_s = begin_s + double(flags.Number("seconds", 10));
  const double begin_cpu_s = Cpu_s();
  std::vector<std::vector<Call>> calls(threads);
  std::vector<std::thread> callers;
  for (size_t t = 0; t < threads; ++t) {
    callers.emplace_back([&, t] {
      Maker maker(flags.Number("members", 1'000'000), together, uint64_t(Time_us()) + t);
      ClosedLoad load(&maker, kind, until_s);
      calls[t] = Callers(int(flags.Number("port", 0)), connections).Run(&load);
    });
  }
  for (std::thread& caller : callers) caller.join();
  const double elapsed_s = Now_s() - begin_s;
  std::vector<Call> all;
  for (const auto& some : calls) all.insert(all.end(), some.begin(), some.end());
  json->Add("calls_per_s", double(all.size()) / elapsed_s);
  json->Add("per_s", double(all.size() * together) / elapsed_s);
  json->Add("client_cpu_us", (Cpu_s() - begin_cpu_s) / double(all.size()) * 1e6);
  AddLatencies("", all, kind, json);
}

struct Span {
  double begin_s = 0;
  double end_s = 0;
  double length_s() const { return end_s - begin_s; }
};

// Does something short again and again, and notes when it took long.
class Watcher {
 public:
  template <typename Step>
  Watcher(double long_s, Step step) {
    thread_ = std::thread([this, long_s, step] {
      while (!is_over_) {
        const double begin_s = Now_s();
        step();
        if (Now_s() - begin_s > long_s) long_.push_back({begin_s, Now_s()});
      }
    });
  }
  // When it took long.
  std::vector<Span> Stop() {
    is_over_ = true;
    thread_.join();
    return std::move(long_);
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::vector<Span> long_;
  std::thread thread_;
};

// Times at which calls were late, those that overlap as one.
std::vector<Span> PausesIn(const std::vector<Call>& calls) {
  std::vector<Span> late;
  for (const Call& call : calls) {
    if (call.took_s() > kPause_s) late.push_back({call.due_s, call.ended_s});
  }
  std::sort(late.begin(), late.end(),
            [](const Span& a, const Span& b) { return a.begin_s < b.begin_s; });
  std::vector<Span> pauses;
  for (const Span& span : late) {
    if (pauses.empty() || span.begin_s > pauses.back().end_s) {
      pauses.push_back(span);
    } else {
      pauses.back().end_s = std::max(pauses.back().end_s, span.end_s);
    }
  }
  return pauses;
}

bool Explains(const std::vector<Span>& stalls, const Span& pause) {
  return std::any_of(stalls.begin(), stalls.end(), [&](const Span& stall) {
    const double shared_s =
        std::min(stall.end_s, pause.end_s) - std::max(stall.begin_s, pause.begin_s);
    return shared_s > pause.length_s() / 2;
  });
}

void AddPauses(const std::vector<Call>& calls, const std::vector<Span>& disk,
               const std::vector<Span>& machine, double begin_s, Json* json) {
  double longest_s = 0;
  std::vector<double> at_s, lengths_ms;
  size_t of_disk = 0, of_machine = 0;
  for (const Span& pause : PausesIn(calls)) {
    if (Explains(disk, pause)) {
      ++of_disk;
    } else if (Explains(machine, pause)) {
      ++of_machine;
    } else {
      longest_s = std::max(longest_s, pause.length_s());
      at_s.push_back(pause.begin_s - begin_s);
      lengths_ms.push_back(pause.length_s() * 1e3);
    }
  }
  json->Add("pauses", double(at_s.size()));
  json->Add("pauses_of_disk", double(of_disk));
  json->Add("pauses_of_machine", double(of_machine));
  json->Add("longest_pause_ms", longest_s * 1e3);
  json->AddList("pauses_at_s", at_s);
  json->AddList("pauses_ms", lengths_ms);
}

void RunMixed(const Flags& flags, Json* json) {
  const std::string file = flags.Text("directory", ".") + "/probe";
  const int probe = ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (probe < 0) Die("--directory: cannot write there");
  Watcher disk(kPause_s / 4, [probe] {
    const std::string page(4096, 'x');
    if (::pwrite(probe, page.data(), page.size(), 0) < 0 || ::fdatasync(probe) != 0) Die("probe");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  Watcher machine(kPause_s / 4, [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
  Maker maker(flags.Number("members", 1'000'000), 1, uint64_t(Time_us()));
  Callers callers(int(flags.Number("port", 0)), flags.Number("connections", 50));
  const double begin_s = Now_s();
  OpenLoad load(&maker, double(flags.Number("rate", 1000)),
                begin_s + double(flags.Number("seconds", 600)));
  const std::vector<Call> calls = callers.Run(&load);
  json->Add("calls_per_s", double(calls.size()) / (Now_s() - begin_s));
  AddLatencies("balance_", calls, kBalance, json);
  AddLatencies("post_", calls, kPost, json);
  AddPauses(calls, disk.Stop(), machine.Stop(), begin_s, json);
  ::close(probe);
}

void Run(const Flags& flags) {
  Json json;
  const std::string mode = flags.Text("mode", "");
  if (mode == "balance") {
    RunClosed(flags, kBalance, &json);
  } else if (mode == "post") {
    RunClosed(flags, kPost, &json);
  } else if (mode == "mixed") {
    RunMixed(flags, &json);
  } else {
    Die("--mode: balance, post or mixed");
  }
  json.Print();
}

}  // namespace
}  // namespace loyalty::bench

int main(int argc, char** argv) { loyalty::bench::Run(loyalty::bench::Flags(argc, argv)); }

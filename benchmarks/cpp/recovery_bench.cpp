// A ledger that is killed while posting, and its opening after; and its members' RAM on the way.
//
//   recovery_bench --mode=fill --dir=D [--members=N --lots=4 --tail=N]   ends by SIGKILL
//   recovery_bench --mode=open --dir=D                                 from a cold page cache
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "flags.h"
#include "loyalty/ledger.h"
#include "posting_loop.h"
#include "workload.h"

namespace loyalty::bench {
namespace {

uint64_t AnonymousRam_bytes() {  // without the page cache's share
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    uint64_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib << 10;
  }
  Die("no RssAnon in /proc/self/status");
}

LoopResult RunLoop(Ledger* ledger, uint64_t postings, FillBatch fill) {
  return PostingLoop(ledger, {.postings = postings, .threads = 1}, std::move(fill)).Run();
}

// Every member gets one earn in each of `lots` quarters, so that none of them share an expiry.
void FillLots(const WorkloadOptions& workload, uint64_t lots, uint64_t first,
              std::span<Posting> postings) {
  Random random(workload.seed + 1 + first);
  for (size_t i = 0; i < postings.size(); ++i) {
    const uint64_t quarter = (first + i) / workload.members;
    const double share = double(first + i) / double(workload.members * lots);
    postings[i] = {};
    postings[i].effective_us = kStart_us + int64_t(share * double(kYear_us));
    postings[i].id = OrderedId(postings[i].effective_us, &random);
    postings[i].kind = Kind::kEarn;
    postings[i].member = KeyOfMember((Mix(quarter) + first + i) % workload.members);
    postings[i].points = int64_t(100 + random.Below(900));
    postings[i].money = int64_t(100 + random.Below(19'900));
    postings[i].expires_us = ExpiryOf(postings[i].effective_us);
  }
}

void FillUntilKilled(const Flags& flags) {
  const std::string directory = flags.Text("dir", "");
  const uint64_t lots = flags.Number("lots", 4);
  const uint64_t tail = flags.Number("tail", 5'000'000);
  WorkloadOptions workload;
  workload.members = flags.Number("members", 10'000'000);
  workload.postings = workload.members * lots;

  Check(Ledger::Create(directory, {"points"}));
  const auto ledger = Check(Ledger::Open(directory));
  const uint64_t ram_before = AnonymousRam_bytes();
  RunLoop(ledger.get(), workload.members, [&](uint64_t first, std::span<Posting> postings) {
    FillMembers(workload, first, postings);
  });
  Check(ledger->Checkpoint());
  const uint64_t ram_opened = AnonymousRam_bytes();
  const LoopResult result =
      RunLoop(ledger.get(), workload.postings, [&](uint64_t first, std::span<Posting> postings) {
        FillLots(workload, lots, first, postings);
      });
  Check(ledger->Checkpoint());

  Json json;
  json.Add("per_s", double(workload.postings) / result.elapsed_s);
  json.Add("ram_bytes_opened", double(ram_opened - ram_before) / double(workload.members));
  json.Add("ram_bytes", double(AnonymousRam_bytes() - ram_before) / double(workload.members));
  json.Add("state_ram_bytes",
           double(ledger->GetInfo()->state_ram_bytes) / double(workload.members));
  json.Add("checkpoint_sequence", double(ledger->GetInfo()->checkpoint_sequence));

  // The tail: redemptions of a point, from a second thread that still posts when the end comes.
  Random random(workload.seed + 99);
  PostingLoop loop(ledger.get(),
                   {.postings = UINT64_MAX / 2, .threads = 1, .slice = UINT64_MAX / 2},
                   [&](uint64_t, std::span<Posting> postings) {
                     for (Posting& posting : postings) {
                       posting = {};
                       posting.effective_us = kStart_us + kYear_us;
                       posting.id = OrderedId(posting.effective_us, &random);
                       posting.kind = Kind::kRedeem;
                       posting.member = KeyOfMember(random.Below(workload.members));
                       posting.points = 1;
                     }
                   });
  std::thread poster([&] { loop.Run(); });
  while (loop.acknowledged() < tail) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  json.Add("acknowledged", double(ledger->GetInfo()->checkpoint_sequence + loop.acknowledged()));
  json.Print();
  kill(getpid(), SIGKILL);
  poster.join();
}

// Takes the ledger's files out of the page cache, where posting them left them.
void Evict(const std::string& directory) {
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (!file.is_regular_file()) continue;
    const int descriptor = open(file.path().c_str(), O_RDONLY);
    if (descriptor < 0) continue;
    fsync(descriptor);
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    close(descriptor);
  }
}

void OpenAfter(const Flags& flags) {
  const std::string directory = flags.Text("dir", "");
  Evict(directory);
  const uint64_t ram_before = AnonymousRam_bytes();
  const double begin_s = Now_s();
  const double begin_cpu_s = Cpu_s();
  const auto ledger = Check(Ledger::Open(directory));
  const double open_s = Now_s() - begin_s;
  const double open_cpu_s = Cpu_s() - begin_cpu_s;
  const Info info = *ledger->GetInfo();
  Json json;
  json.Add("open_s", open_s);
  json.Add("open_cpu_s", open_cpu_s);
  json.Add("replay_s", info.replay_s);
  json.Add("replayed_entries", double(info.replayed_entries));
  json.Add("sequence", double(info.sequence));
  json.Add("members", double(info.members));
  json.Add("ram_bytes", double(AnonymousRam_bytes() - ram_before) / double(info.members));
  json.Add("state_ram_bytes", double(info.state_ram_bytes) / double(info.members));
  Check(ledger->Close());
  json.Print();
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) {
  const loyalty::bench::Flags flags(count, arguments);
  if (flags.Text("mode", "") == "fill") {
    loyalty::bench::FillUntilKilled(flags);
  } else if (flags.Text("mode", "") == "open") {
    loyalty::bench::OpenAfter(flags);
  } else {
    loyalty::bench::Die("--mode: fill or open");
  }
  return 0;
}

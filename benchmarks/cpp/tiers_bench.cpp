// What a run of tiers costs. Prints JSON.
//
//   tiers_bench --mode=build --dir=D [--members=N --postings=N --columns=PREFIX]
//     a ledger with a year of postings; with --columns the same postings as raw arrays PREFIX.member (u32),
//     PREFIX.effective_us (i64), PREFIX.points (i32, redemptions below 0): what the peers read
//   tiers_bench --mode=run --dir=D [--threads=N --repeat=N]
//     dry runs as of the year's end, the first one right after opening
//   tiers_bench --mode=journal --dir=D
//     a run that journals all members' levels, so that later runs have to look at them
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flags.h"
#include "loyalty/ledger.h"
#include "posting_loop.h"
#include "tier_program.h"
#include "workload.h"

namespace loyalty::bench {
namespace {

constexpr int64_t kAt_us = kStart_us + kYear_us;

// An array in a file, written at any place by any thread.
template <typename T>
class Column {
 public:
  explicit Column(const std::string& path)
      : file_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    if (file_ < 0) Die("cannot write " + path);
  }
  ~Column() { close(file_); }
  void Write(uint64_t first, const std::vector<T>& values) const {
    const auto bytes = ssize_t(values.size() * sizeof(T));
    if (pwrite(file_, values.data(), size_t(bytes), off_t(first * sizeof(T))) != bytes) {
      Die("cannot write a column");
    }
  }

 private:
  int file_;
};

struct Columns {
  explicit Columns(const std::string& prefix)
      : members(prefix + ".member"),
        effective_us(prefix + ".effective_us"),
        points(prefix + ".points") {}
  Column<uint32_t> members;
  Column<int64_t> effective_us;
  Column<int32_t> points;
};

// Of one batch: drawn when it is posted, since a hundred million drafts would fill the memory.
std::vector<Draft> DraftsFrom(const WorkloadOptions& options, uint64_t first, size_t count) {
  Random random(options.seed + first);
  std::vector<Draft> drafts(count);
  for (size_t i = 0; i < count; ++i) {
    Draft& draft = drafts[i];
    draft.id = OrderedId(EffectiveOf(options, first + i), &random);
    draft.member = uint32_t(random.Below(options.members));
    draft.redeem = random.Below(100) < kRedeemPercent;
    draft.points = uint32_t(draft.redeem ? 10 + random.Below(90) : 100 + random.Below(900));
    draft.money = uint32_t(100 + random.Below(19'900));
  }
  return drafts;
}

void WriteColumns(const Columns& columns, const WorkloadOptions& options, uint64_t first,
                  const std::vector<Draft>& drafts) {
  std::vector<uint32_t> members;
  std::vector<int64_t> effective_us;
  std::vector<int32_t> points;
  for (size_t i = 0; i < drafts.size(); ++i) {
    members.push_back(drafts[i].member);
    effective_us.push_back(EffectiveOf(options, first + i));
    points.push_back(drafts[i].redeem ? -int32_t(drafts[i].points) : int32_t(drafts[i].points));
  }
  columns.members.Write(first, members);
  columns.effective_us.Write(first, effective_us);
  columns.points.Write(first, points);
}

void Build(const std::string& directory, const Flags& flags, Json* json) {
  WorkloadOptions options;
  options.members = flags.Number("members", 10'000'000);
  options.postings = flags.Number("postings", 100'000'000);
  Check(Ledger::CreateWithProgram(directory, TierProgram("at_run", kPoints)));
  auto ledger = Check(Ledger::Open(directory));
  LoopOptions loop;
  loop.postings = options.members;
  PostingLoop opening(ledger.get(), loop, [&](uint64_t first, std::span<Posting> postings) {
    FillMembers(options, first, postings);
  });
  (void)opening.Run();
  const std::string prefix = flags.Text("columns", "");
  const auto columns = prefix.empty() ? nullptr : std::make_unique<Columns>(prefix);
  loop.postings = options.postings;
  PostingLoop posting(ledger.get(), loop, [&](uint64_t first, std::span<Posting> postings) {
    const std::vector<Draft> drafts = DraftsFrom(options, first, postings.size());
    for (size_t i = 0; i < drafts.size(); ++i) {
      postings[i] = {};
      Fill(options, drafts[i], first + i, &postings[i]);
    }
    if (columns) WriteColumns(*columns, options, first, drafts);
  });
  const LoopResult result = posting.Run();
  Check(ledger->Checkpoint());
  json->Add("post_per_s", double(result.taken()) / result.elapsed_s);
  json->Add("history_bytes", double(ledger->GetInfo()->history_bytes));
  Check(ledger->Close());
}

double ResidentMax_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024;
}

// How many members are on each level after a run.
std::vector<double> LevelsAfter(const TierRun& run) {
  const size_t levels = run.ladders[0].levels.size();
  std::vector<double> after(levels);
  for (size_t place = 0; place < run.moved[0].size(); ++place) {
    after[place % levels] += double(run.moved[0][place]);
  }
  return after;
}

void RunDry(const std::string& directory, const Flags& flags, Json* json) {
  auto ledger = Check(Ledger::Open(directory));
  TierQuery query;
  query.at_us = kAt_us;
  query.dry_run = true;
  query.keep_changes = false;
  query.threads = unsigned(flags.Number("threads", 2));
  const double before_mib = ResidentMax_mib();
  std::vector<double> times_s;
  TierRun run;
  for (uint64_t i = 0; i < flags.Number("repeat", 5); ++i) {
    const double begin_s = Now_s();
    run = Check(ledger->RecomputeTiers(query, nullptr));
    times_s.push_back(Now_s() - begin_s);
  }
  json->AddList("run_s", times_s);
  json->AddList("levels", LevelsAfter(run));
  json->Add("assessed", double(run.assessed));
  json->Add("open_mib", before_mib);
  json->Add("peak_mib", ResidentMax_mib());
  Check(ledger->Close());
}

void Journal(const std::string& directory, Json* json) {
  auto ledger = Check(Ledger::Open(directory));
  TierQuery query;
  query.at_us = kAt_us;
  query.keep_changes = false;
  const uint64_t before = ledger->GetInfo()->sequence;
  const double begin_s = Now_s();
  const TierRun run = Check(ledger->RecomputeTiers(query, nullptr));
  json->Add("run_s", Now_s() - begin_s);
  json->Add("changes", double(ledger->GetInfo()->sequence - before - 2));
  json->Add("passed_over", double(run.passed_over));
  Check(ledger->Checkpoint());
  Check(ledger->Close());
}

int Main(int count, char** arguments) {
  const Flags flags(count, arguments);
  const std::string directory = flags.Text("dir", "");
  const std::string mode = flags.Text("mode", "run");
  Json json;
  if (mode == "build") {
    Build(directory, flags, &json);
  } else if (mode == "run") {
    RunDry(directory, flags, &json);
  } else if (mode == "journal") {
    Journal(directory, &json);
  } else {
    Die("--mode: build, run or journal");
  }
  json.Print();
  return 0;
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) { return loyalty::bench::Main(count, arguments); }

// What it costs that levels are given at once, and how long they take. Prints JSON.
//
//   at_once_bench --dir=D --upgrade=at_once|at_run [--of=points|days --members=N --postings=N]
//     posts a year of shopping that ends now; then reads the journal: how long after the posting that met a level's
//     condition, by the times at which both were recorded, the level was given; then how long after an opening all
//     members are known
#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "flags.h"
#include "loyalty/ledger.h"
#include "posting_loop.h"
#include "tier_program.h"
#include "workload.h"

namespace loyalty::bench {
namespace {

constexpr int64_t kNotMet = -1;
constexpr int64_t kGiven = INT64_MAX;

// Within the twelve months before now, whatever the day.
constexpr int64_t kWithin_us = 360 * kDay_us;

int64_t Now_us() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::microseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

// What a member has come to, and when it met the levels.
struct Course {
  int64_t value = 0;
  std::bitset<512> days;  // since the first posting's
  std::array<int64_t, 3> met_us = {kNotMet, kNotMet, kNotMet};

  void Add(const Metric& metric, const Record& earn, int64_t start_us) {
    const auto day = size_t(earn.entry.effective_us / kDay_us - start_us / kDay_us);
    value += metric.of == kPoints.of ? earn.entry.points : !days[day];
    days.set(day);
    for (size_t l = 0; l < met_us.size(); ++l) {
      if (met_us[l] == kNotMet && value >= metric.levels_from[l]) met_us[l] = earn.recorded_us;
    }
  }
};

// From the condition met to the level given, for every change of level in the journal.
std::vector<double> LagsOf(const Ledger& ledger, const Metric& metric, uint64_t members,
                           int64_t start_us, uint64_t* missing) {
  constexpr size_t kTogether = 65'536;
  std::vector<Course> courses(members);
  std::vector<double> lags_ms;
  for (uint64_t next = 1;;) {
    const std::vector<Record> records = Check(ledger.Changes(next, kTogether));
    if (records.empty()) break;
    next = records.back().sequence + 1;
    for (const Record& record : records) {
      if (!IsPosted(record.entry.status)) continue;
      if (record.entry.kind == Kind::kEarn)
        courses[record.entry.member].Add(metric, record, start_us);
      if (record.entry.kind != Kind::kChangeLevel) continue;
      Course& course = courses[record.entry.member];
      for (size_t l = 0; l < course.met_us.size(); ++l) {
        int64_t& met_us = course.met_us[l];
        if (met_us == kGiven || record.level->values[0] < metric.levels_from[l]) continue;
        if (met_us == kNotMet) Die("a level was given whose condition was not met");
        lags_ms.push_back(double(record.recorded_us - met_us) / 1000);
        met_us = kGiven;
      }
    }
  }
  for (const Course& course : courses) {
    for (const int64_t met_us : course.met_us) *missing += met_us != kNotMet && met_us != kGiven;
  }
  return lags_ms;
}

int Main(int count, char** arguments) {
  const Flags flags(count, arguments);
  const std::string directory = flags.Text("dir", "");
  const std::string upgrade = flags.Text("upgrade", "at_once");
  const Metric& metric = flags.Text("of", std::string(kPoints.of)) == kDays.of ? kDays : kPoints;
  WorkloadOptions options;
  options.members = flags.Number("members", 1'000'000);
  options.postings = flags.Number("postings", 20'000'000);
  const std::vector<Draft> drafts = MakeDrafts(options);
  Check(Ledger::CreateWithProgram(directory, TierProgram(upgrade, metric)));
  auto ledger = Check(Ledger::Open(directory));
  LoopOptions loop;
  loop.postings = options.members;
  PostingLoop opening(ledger.get(), loop, [&](uint64_t first, std::span<Posting> postings) {
    FillMembers(options, first, postings);
  });
  (void)opening.Run();
  const int64_t start_us = Now_us() - kWithin_us;
  loop.postings = options.postings;
  PostingLoop posting(ledger.get(), loop, [&](uint64_t first, std::span<Posting> postings) {
    for (size_t i = 0; i < postings.size(); ++i) {
      Fill(options, drafts[first + i], first + i, &postings[i]);
      const double share = double(first + i) / double(options.postings);
      postings[i].effective_us = start_us + int64_t(share * double(kWithin_us));
      postings[i].expires_us = kByProgram;
    }
  });
  const LoopResult result = posting.Run();
  const double posted_s = Now_s();
  const uint64_t last = ledger->GetInfo()->sequence;
  while (upgrade == "at_once" && ledger->GetInfo()->at_once_sequence < last) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  Json json;
  json.Add("settled_s", Now_s() - posted_s);
  json.Add("post_per_s", double(result.taken()) / result.elapsed_s);
  json.Add("cpu_us", result.cpu_s * 1e6 / double(result.taken()));
  json.AddList("slice_rates", result.slice_rates);
  if (upgrade == "at_once") {
    uint64_t missing = 0;
    std::vector<double> lags_ms = LagsOf(*ledger, metric, options.members, start_us, &missing);
    std::sort(lags_ms.begin(), lags_ms.end());
    const auto at = [&](double share) {
      return lags_ms[std::min(lags_ms.size() - 1, size_t(share * double(lags_ms.size())))];
    };
    json.Add("upgrades", double(lags_ms.size()));
    json.Add("missing", double(missing));
    json.Add("lag_p50_ms", at(0.5));
    json.Add("lag_p99_ms", at(0.99));
    json.Add("lag_max_ms", lags_ms.back());
  }
  Check(ledger->Close());
  ledger = Check(Ledger::Open(directory));
  const double opened_s = Now_s();
  const uint64_t durable = ledger->GetInfo()->sequence;
  while (ledger->GetInfo()->at_once_sequence < durable) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  json.Add("begin_s", Now_s() - opened_s);
  Check(ledger->Close());
  json.Print();
  return 0;
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) { return loyalty::bench::Main(count, arguments); }

#include "tiers/assess_all.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "tiers/parallel.h"

namespace loyalty::tiers {

Status AssessAll(const Plan& plan, const AssessAllOptions& options) {
  const uint32_t members = options.member_count;
  const size_t ranges = (size_t(members) + history::kRangeMembers - 1) / history::kRangeMembers;
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  struct {
    Mutex mutex;
    Status fault GUARDED_BY(mutex);
    size_t done GUARDED_BY(mutex) = 0;
  } shared;
  const auto assess = [&](RangeAssessor* assessor, size_t begin, size_t end) {
    {
      MutexLock lock(shared.mutex);
      if (!shared.fault.ok()) return;
    }
    std::vector<MemberChanges> changes;
    Tally tally(plan);
    Status status = assessor->Assess(uint32_t(begin), uint32_t(end), members, &changes, &tally);
    MutexLock lock(shared.mutex);
    if (status.ok() && shared.fault.ok()) status = options.take(std::move(changes), tally);
    shared.done += end - begin;
    if (status.ok() && options.progress && !options.progress(shared.done, ranges)) {
      status = {StatusCode::kInterrupted,
                "the run of tiers was stopped; run it again, and it goes on where it was"};
    }
    if (shared.fault.ok()) shared.fault = status;
  };
  ForAll(ranges, threads, [&]() -> Worker {
    auto assessor = std::make_shared<RangeAssessor>(plan, options.on_range);
    return [&assess, assessor](size_t begin, size_t end) { assess(assessor.get(), begin, end); };
  });
  MutexLock lock(shared.mutex);
  return shared.fault;
}

}  // namespace loyalty::tiers

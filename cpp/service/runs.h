// Runs of expiry and of tiers that callers start, follow and stop; each has a thread.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <loyalty_types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "loyalty/ledger.h"

namespace loyalty::service {

class Runs {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Runs(Ledger* ledger) : ledger_(ledger) {}
  // Stops them; the next one of their kind goes on where they were.
  ~Runs() { StopAll(); }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  // The next ones throw the interface's exceptions. One run of a kind at a time, and beside it one that is dry. One that
  // was started already, by its id, is not started again.
  std::string Start(const rpc::StartRunRequest& request);
  // As it is at `until`, or as soon as it has ended. The last ones that ended are kept.
  rpc::Run Follow(const std::string& run_id, Clock::time_point until);
  // What a run of tiers changed; of the last one that was to keep it.
  std::shared_ptr<const TierRun> Changes(const std::string& run_id);
  // Asks it to stop, and waits until it has.
  rpc::Run Stop(const std::string& run_id);
  void StopAll();

 private:
  struct Job {
    rpc::StartRunRequest request;
    std::thread thread;
    std::atomic<bool> stops = false;
    rpc::Run run;                            // under mutex_
    std::shared_ptr<const TierRun> changes;  // likewise
    bool has_ended() const { return run.state != rpc::RunState::RUNNING; }
  };

  Job* Find(const std::string& run_id);  // under mutex_
  void Execute(Job* job);
  Result<rpc::Run> Report(Job* job);
  Result<rpc::Run> Expire(Job* job);
  Result<rpc::Run> RecomputeTiers(Job* job);
  Progress ProgressOf(Job* job);
  void DropOldest();  // under mutex_

  Ledger* const ledger_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::list<Job> jobs_;  // the oldest first
};

}  // namespace loyalty::service

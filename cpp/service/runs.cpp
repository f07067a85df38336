#include "runs.h"

#include <array>
#include <random>
#include <system_error>
#include <utility>

#include "clock.h"
#include "faults.h"
#include "to_core.h"
#include "to_wire.h"

namespace loyalty::service {
namespace {

constexpr size_t kKept = 64;
constexpr int32_t kRetryAfter_ms = 1000;

// Nobody needs to guess it: who may follow runs may follow all of them. It must not be one of an earlier server's.
std::string NewRunId() {
  std::random_device random;
  Id id;
  id.hi = uint64_t{random()} << 32 | random();
  id.lo = uint64_t{random()} << 32 | random();
  return ToString(id);
}

}  // namespace

std::string Runs::Start(const rpc::StartRunRequest& request) {
  if (request.kind != rpc::RunKind::EXPIRY && request.kind != rpc::RunKind::TIERS) {
    ThrowInvalid("kind: must be EXPIRY (1) or TIERS (2), not " + std::to_string(request.kind));
  }
  if (request.kind == rpc::RunKind::TIERS && request.__isset.members) {
    (void)ToKeys(request.members, "members");
  }
  const std::lock_guard lock(mutex_);
  if (is_over_) ThrowUnavailable("the server is stopping", kRetryAfter_ms);
  for (const Job& job : jobs_) {
    if (!job.has_ended() && job.run.kind == request.kind && job.run.dry_run == request.dry_run) {
      ThrowUnavailable(
          "run " + job.run.run_id + " of that kind is under way; follow it, or stop it",
          kRetryAfter_ms);
    }
  }
  DropOldest();
  Job& job = jobs_.emplace_back();
  job.request = request;
  job.run.__set_run_id(NewRunId());
  job.run.__set_kind(request.kind);
  job.run.__set_state(rpc::RunState::RUNNING);
  job.run.__set_dry_run(request.dry_run);
  job.run.__set_at_us(request.__isset.at_us ? request.at_us : Now_us());
  job.run.__set_done(0);
  job.run.__set_total(0);
  try {
    job.thread = std::thread([this, &job] { Execute(&job); });
  } catch (const std::system_error&) {  // else it would be under way for ever
    jobs_.pop_back();
    throw;
  }
  return job.run.run_id;
}

void Runs::DropOldest() {
  if (jobs_.size() < kKept) return;
  for (auto at = jobs_.begin(); at != jobs_.end(); ++at) {
    if (!at->has_ended()) continue;
    at->thread.join();
    jobs_.erase(at);
    return;
  }
}

Runs::Job* Runs::Find(const std::string& run_id) {
  for (Job& job : jobs_) {
    if (job.run.run_id == run_id) return &job;
  }
  ThrowInvalid("run_id: there is no run \"" + run_id +
               "\" here; the ledger's journal tells what earlier ones did");
}

rpc::Run Runs::Follow(const std::string& run_id, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  (void)Find(run_id);
  ended_.wait_until(lock, until, [&] { return Find(run_id)->has_ended() || is_over_; });
  return Find(run_id)->run;
}

rpc::Run Runs::Stop(const std::string& run_id) {
  std::unique_lock lock(mutex_);
  Find(run_id)->stops = true;
  ended_.wait(lock, [&] { return Find(run_id)->has_ended(); });
  return Find(run_id)->run;
}

void Runs::StopAll() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    for (Job& job : jobs_) job.stops = true;
  }
  ended_.notify_all();
  for (Job& job : jobs_) {
    if (job.thread.joinable()) job.thread.join();
  }
}

Progress Runs::ProgressOf(Job* job) {
  return [this, job](uint64_t done, uint64_t total) {
    const std::lock_guard lock(mutex_);
    job->run.done = int64_t(done);
    job->run.total = int64_t(total);
    return !job->stops;
  };
}

void Runs::Execute(Job* job) {
  rpc::Run report;
  const Status status = job->request.kind == rpc::RunKind::EXPIRY ? Expire(job, &report)
                                                                  : RecomputeTiers(job, &report);
  {
    const std::lock_guard lock(mutex_);
    rpc::Run& run = job->run;
    if (status.ok()) {
      report.__set_run_id(run.run_id);
      report.__set_kind(run.kind);
      report.__set_state(rpc::RunState::FINISHED);
      report.__set_dry_run(run.dry_run);
      report.__set_at_us(run.at_us);
      report.__set_done(run.total);
      report.__set_total(run.total);
      run = std::move(report);
    } else {
      const bool was_stopped = status.code() == StatusCode::kInterrupted;
      run.__set_state(was_stopped ? rpc::RunState::STOPPED : rpc::RunState::FAILED);
      run.__set_message(status.message());
    }
  }
  ended_.notify_all();
}

Status Runs::Expire(Job* job, rpc::Run* report) {
  LOYALTY_ASSIGN_OR_RETURN(const ExpiryReport expired,
                           ledger_->Expire(job->run.at_us, job->request.dry_run, ProgressOf(job)));
  *report = ToWire(expired, ledger_->Currencies());
  return {};
}

Status Runs::RecomputeTiers(Job* job, rpc::Run* report) {
  const rpc::StartRunRequest& request = job->request;
  TierQuery query;
  if (request.__isset.at_us) query.at_us = request.at_us;
  query.ladders = request.ladders;
  if (request.__isset.members) query.members = ToKeys(request.members, "members");
  query.dry_run = request.dry_run;
  query.keep_changes = false;
  LOYALTY_ASSIGN_OR_RETURN(const TierRun run, ledger_->RecomputeTiers(query, ProgressOf(job)));
  *report = ToWire(run);
  return {};
}

}  // namespace loyalty::service

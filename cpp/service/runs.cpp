#include "runs.h"

#include <exception>
#include <system_error>
#include <utility>

#include "clock.h"
#include "faults.h"
#include "to_core.h"
#include "wire/levels.h"
#include "wire/points.h"

namespace loyalty::service {
namespace {

constexpr size_t kKept = 64;
constexpr size_t kRunIdMax = 64;
constexpr int32_t kRetryAfter_ms = 1000;

void Check(const rpc::StartRunRequest& request) {
  if (request.kind != rpc::RunKind::EXPIRY && request.kind != rpc::RunKind::TIERS) {
    ThrowInvalid("kind: must be EXPIRY (1) or TIERS (2), not " + std::to_string(request.kind));
  }
  if (request.__isset.run_id && (request.run_id.empty() || request.run_id.size() > kRunIdMax)) {
    ThrowInvalid("run_id has " + std::to_string(request.run_id.size()) + " bytes; it has 1 to " +
                 std::to_string(kRunIdMax));
  }
  if (request.kind == rpc::RunKind::TIERS && request.__isset.members) {
    (void)ToKeys(request.members, "members");
  }
}

}  // namespace

std::string Runs::Start(const rpc::StartRunRequest& request) {
  Check(request);
  const std::lock_guard lock(mutex_);
  if (is_over_) ThrowUnavailable("the server is stopping", kRetryAfter_ms);
  for (const Job& job : jobs_) {
    const bool is_alike = job.run.kind == request.kind && job.run.dry_run == request.dry_run;
    if (request.__isset.run_id && job.run.run_id == request.run_id) {
      if (is_alike) return request.run_id;
      ThrowInvalid("run_id: \"" + request.run_id + "\" is another run's");
    }
    if (!job.has_ended() && is_alike) {
      ThrowUnlessOk({StatusCode::kBusy, "run " + job.run.run_id +
                                            " of that kind is under way; follow it, or stop it"});
    }
  }
  DropOldest();
  Job& job = jobs_.emplace_back();
  job.request = request;
  job.run.__set_run_id(request.__isset.run_id ? request.run_id : wire::NewRunId());
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

std::shared_ptr<const TierRun> Runs::Changes(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  const Job& job = *Find(run_id);
  if (job.changes) return job.changes;
  ThrowInvalid("run_id: the changes of run " + run_id +
               " are not here: those of the last run are that ended, of tiers, and was started "
               "with keep_changes");
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
  Result<rpc::Run> report = Report(job);
  {
    const std::lock_guard lock(mutex_);
    rpc::Run& run = job->run;
    if (report.ok()) {
      report->__set_run_id(run.run_id);
      report->__set_kind(run.kind);
      report->__set_state(rpc::RunState::FINISHED);
      report->__set_dry_run(run.dry_run);
      if (!report->__isset.at_us) report->__set_at_us(run.at_us);
      report->__set_done(run.total);
      report->__set_total(run.total);
      run = std::move(report).value();
    } else {
      const bool was_stopped = report.status().code() == StatusCode::kInterrupted;
      run.__set_state(was_stopped ? rpc::RunState::STOPPED : rpc::RunState::FAILED);
      run.__set_message(report.status().message());
      run.__set_code(int32_t(report.status().code()));
    }
    job->request = {};
  }
  ended_.notify_all();
}

Result<rpc::Run> Runs::Report(Job* job) {
  try {
    return job->request.kind == rpc::RunKind::EXPIRY ? Expire(job) : RecomputeTiers(job);
  } catch (const std::exception& error) {  // no memory, say: the run's fault alone
    return Status(StatusCode::kInternal, error.what());
  }
}

Result<rpc::Run> Runs::Expire(Job* job) {
  LOYALTY_ASSIGN_OR_RETURN(const ExpiryReport expired,
                           ledger_->Expire(job->run.at_us, job->request.dry_run, ProgressOf(job)));
  rpc::Run report;
  wire::ToWire(expired, ledger_->Currencies(), &report);
  return report;
}

Result<rpc::Run> Runs::RecomputeTiers(Job* job) {
  const rpc::StartRunRequest& request = job->request;
  TierQuery query;
  if (request.__isset.at_us) query.at_us = request.at_us;
  query.ladders = request.ladders;
  if (request.__isset.members) query.members = ToKeys(request.members, "members");
  query.dry_run = request.dry_run;
  query.keep_changes = request.keep_changes;
  LOYALTY_ASSIGN_OR_RETURN(TierRun run, ledger_->RecomputeTiers(query, ProgressOf(job)));
  rpc::Run report;
  wire::ToWire(run, &report);
  if (request.keep_changes) {
    auto changes = std::make_shared<const TierRun>(std::move(run));
    const std::lock_guard lock(mutex_);
    for (Job& other : jobs_) other.changes = nullptr;
    job->changes = std::move(changes);
  }
  return report;
}

}  // namespace loyalty::service

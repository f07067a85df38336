#include "handler.h"

#include <algorithm>
#include <exception>

#include "faults.h"
#include "log.h"
#include "records.h"
#include "to_core.h"
#include "wire/levels.h"
#include "wire/points.h"

namespace loyalty::service {
namespace {

constexpr size_t kRequestIdMax = 64;
constexpr int32_t kRetryAfter_ms = 50;
constexpr std::chrono::seconds kSlow{1};

void CheckRequestId(const std::string& request_id) {
  if (request_id.size() > kRequestIdMax) {
    ThrowInvalid("head.request_id has " + std::to_string(request_id.size()) +
                 " bytes; it has up to " + std::to_string(kRequestIdMax));
  }
}

// Who is not found is named, and a log is no place for keys of members: whoever is erased would stay there.
std::string ForLog(const rpc::InvalidRequest& fault) {
  const bool names_member = fault.code == int32_t(StatusCode::kNotFound);
  return ": " + (names_member ? "not found" : fault.message);
}

}  // namespace

void Handler::Begin(Role role, const rpc::RequestHead& head, Clock::time_point began,
                    Call* call) const {
  CheckRequestId(head.request_id);
  call->client = service_.clients()->Find(head.token);
  connection_->SetKnown();
  if (!call->client->May(role)) {
    ThrowForbidden(call->client->name() + " does not have the role " + std::string(ToString(role)));
  }
  if (service_.is_stopping) ThrowUnavailable("the server is stopping", kRetryAfter_ms);
  int32_t timeout_ms = service_.limits.timeout_max_ms;
  if (head.__isset.timeout_ms) {
    if (head.timeout_ms < 0) ThrowInvalid("head.timeout_ms must not be below 0");
    timeout_ms = std::min(timeout_ms, head.timeout_ms);
  }
  call->deadline = began + std::chrono::milliseconds(timeout_ms);
  CheckTime(*call);
  call->client->TakeCall();
}

void Handler::CheckTime(const Call& call) const {
  if (Clock::now() >= call.deadline) {
    ThrowUnavailable("the time of the call was over before it was begun", kRetryAfter_ms);
  }
}

void Handler::Answer(const char* name, Role role, const rpc::RequestHead& head,
                     const std::function<void(const Call&)>& body) {
  const Clock::time_point began = Clock::now();
  ++calls_;
  Call call;
  const auto end = [&](Outcome outcome, LogLevel level, const std::string& what) {
    const std::chrono::duration<double> took = Clock::now() - began;
    service_.metrics.Add(name, outcome, took.count());
    if (!IsLogged(level)) return;
    const std::string request_id = head.__isset.request_id
                                       ? head.request_id.substr(0, kRequestIdMax)
                                       : peer_ + "-" + std::to_string(calls_);
    Log(level, "call",
        {{"call", name},
         {"request_id", request_id},
         {"peer", peer_},
         {"client", call.client ? call.client->name() : ""},
         {"outcome", std::string(ToString(outcome)) + what},
         {"took_ms", took.count() * 1e3}});
  };
  try {
    Begin(role, head, began, &call);
    body(call);
    end(Outcome::kAnswered, Clock::now() - began > kSlow ? LogLevel::kInfo : LogLevel::kDebug, "");
  } catch (const rpc::InvalidRequest& fault) {
    end(Outcome::kInvalid, LogLevel::kInfo, ForLog(fault));
    throw;
  } catch (const rpc::Unauthenticated& fault) {
    const bool is_told = !service_.strangers_told.Take(1, Clock::now());
    end(Outcome::kUnauthenticated, is_told ? LogLevel::kWarning : LogLevel::kDebug,
        ": " + fault.message);
    throw;
  } catch (const rpc::Forbidden& fault) {
    end(Outcome::kForbidden, LogLevel::kWarning, ": " + fault.message);
    throw;
  } catch (const rpc::Unavailable& fault) {
    const bool passes = fault.__isset.retry_after_ms;
    end(Outcome::kUnavailable, passes ? LogLevel::kInfo : LogLevel::kError, ": " + fault.message);
    throw;
  } catch (const rpc::Internal& fault) {
    end(Outcome::kInternal, LogLevel::kError, ": " + fault.message);
    throw;
  } catch (const std::exception& error) {
    end(Outcome::kInternal, LogLevel::kError, std::string(": ") + error.what());
    ThrowUnlessOk({StatusCode::kInternal, error.what()});
  }
}

void Handler::post(rpc::PostResponse& response, const rpc::PostRequest& request) {
  Answer("post", Role::kPost, request.head, [&](const Call& call) {
    const size_t count = request.postings.size();
    if (count > size_t(service_.limits.postings_max)) {
      ThrowInvalid("postings has " + std::to_string(count) + " elements; a request has up to " +
                   std::to_string(service_.limits.postings_max));
    }
    Ledger* const ledger = service_.ledger;
    Postings postings(request.postings, call.client->name(), ledger->Currencies());
    Client::Reserved reserved = call.client->Reserve(postings.all());
    const Admission::Room room = service_.admission.Enter(count, call.deadline);
    if (!room.has_entered()) {
      ThrowUnavailable("no room for more postings within the time of the call", kRetryAfter_ms);
    }
    postings.Intern(ledger);
    CheckTime(call);
    std::vector<Reply> replies(count);
    std::vector<rpc::PostingReply> wire;
    wire.reserve(count);
    ThrowUnlessOk(ledger->Post(postings.all(), replies));
    reserved.Count(postings.all(), replies);
    service_.metrics.Add(replies);
    for (const Reply& reply : replies) wire.push_back(wire::ToWire(reply));
    response.replies = std::move(wire);
    response.__isset.replies = true;
  });
}

void Handler::start_run(rpc::StartRunResponse& response, const rpc::StartRunRequest& request) {
  Answer("start_run", Role::kOperate, request.head, [&](const Call& call) {
    CheckMembers(request.members.size());
    response.__set_run_id(service_.runs.Start(request));
    Log(LogLevel::kInfo, "run",
        {{"run_id", response.run_id},
         {"kind", std::string(request.kind == rpc::RunKind::EXPIRY ? "expiry" : "tiers")},
         {"client", call.client->name()}});
  });
}

void Handler::follow_run(rpc::FollowRunResponse& response, const rpc::FollowRunRequest& request) {
  Answer("follow_run", Role::kOperate, request.head, [&](const Call& call) {
    const auto until = WaitUntil(call, request.__isset.wait_ms, request.wait_ms);
    response.__set_run(service_.runs.Follow(request.run_id, until));
  });
}

void Handler::run_changes(rpc::RunChangesResponse& response,
                          const rpc::RunChangesRequest& request) {
  Answer("run_changes", Role::kOperate, request.head, [&](const Call&) {
    if (request.offset < 0) ThrowInvalid("offset must not be below 0");
    const size_t limit = ToLimit(request.__isset.limit, request.limit);
    const std::shared_ptr<const TierRun> run = service_.runs.Changes(request.run_id);
    const size_t total = run->changes.size();
    const size_t begin = std::min(total, size_t(request.offset));
    const size_t end = begin + std::min(limit, total - begin);
    Records records(*service_.ledger);
    std::vector<rpc::TierChange> changes;
    changes.reserve(end - begin);
    for (size_t i = begin; i < end; ++i) changes.push_back(records.ToWire(run->changes[i], *run));
    response.changes = std::move(changes);
    response.__isset.changes = true;
    response.__set_total(int64_t(total));
  });
}

void Handler::stop_run(rpc::StopRunResponse& response, const rpc::StopRunRequest& request) {
  Answer("stop_run", Role::kOperate, request.head,
         [&](const Call&) { response.__set_run(service_.runs.Stop(request.run_id)); });
}

void Handler::program(rpc::ProgramResponse& response, const rpc::ProgramRequest& request) {
  Answer("program", Role::kRead, request.head, [&](const Call&) {
    const auto in_force = int32_t(ValueOrThrow(service_.ledger->ProgramVersion()));
    response.__set_version_in_force(in_force);
    const int32_t version = request.__isset.version ? request.version : in_force;
    if (version < 0) ThrowInvalid("version must not be below 0");
    response.__set_version(version);
    if (in_force == 0 && !request.__isset.version) return;
    response.__set_json(ValueOrThrow(service_.ledger->ProgramText(uint32_t(version))));
  });
}

void Handler::apply_program(rpc::ApplyProgramResponse& response,
                            const rpc::ApplyProgramRequest& request) {
  Answer("apply_program", Role::kAdminister, request.head, [&](const Call& call) {
    if (!request.__isset.json) ThrowInvalid("json is missing: the programme");
    const std::string actor = ActorOf(call.client->name(), request.actor, {"actor"});
    CheckCode(actor, {"actor"});
    CheckCode(request.reason, {"reason"});
    const std::string_view texts[] = {actor, request.reason};
    const std::vector<uint32_t> numbers = ValueOrThrow(service_.ledger->InternCodes(texts));
    Codes codes;
    codes.actor = numbers[0];
    codes.reason = numbers[1];
    response.__set_version(
        int32_t(ValueOrThrow(service_.ledger->ApplyProgram(request.json, codes))));
  });
}

void Handler::digest(rpc::DigestResponse& response, const rpc::DigestRequest& request) {
  Answer("digest", Role::kRead, request.head, [&](const Call&) {
    const Head head = ValueOrThrow(service_.ledger->WaitFor(0, 0));
    response.__set_sequence(int64_t(head.sequence));
    response.__set_digest({head.digest.begin(), head.digest.end()});
  });
}

void Handler::server_info(rpc::ServerInfoResponse& response,
                          const rpc::ServerInfoRequest& request) {
  Answer("server_info", Role::kRead, request.head, [&](const Call&) {
    response.__set_version(LOYALTY_VERSION);
    response.__set_currencies(service_.ledger->Currencies());
    response.__set_postings_a_request_max(service_.limits.postings_max);
    response.__set_members_a_request_max(service_.limits.members_max);
    response.__set_records_a_page_max(service_.limits.records_max);
    response.__set_timeout_ms_max(service_.limits.timeout_max_ms);
    OwnedKey first;
    for (uint32_t slot = 0; first.sort == OwnedKey::kErased; ++slot) {
      const Result<OwnedKey> key = service_.ledger->KeyOf(slot);
      if (!key.ok()) return;
      first = *key;
    }
    response.__set_first_member(wire::ToWire(first));
  });
}

void Handler::ledger_info(rpc::LedgerInfoResponse& response,
                          const rpc::LedgerInfoRequest& request) {
  Answer("ledger_info", Role::kRead, request.head,
         [&](const Call&) { response = wire::ToWire(ValueOrThrow(service_.ledger->GetInfo())); });
}

void Handler::health(rpc::HealthResponse& response, const rpc::HealthRequest&) {
  const Result<Head> head = service_.ledger->WaitFor(0, 0);
  const Status fault = head.ok() ? head->fault : head.status();
  if (service_.is_stopping) {
    response.__set_health(rpc::Health::STOPPING);
  } else {
    response.__set_health(fault.ok() ? rpc::Health::READY : rpc::Health::READING_ONLY);
  }
  if (!fault.ok()) response.__set_message("a write has failed; the server's log says more");
}

}  // namespace loyalty::service

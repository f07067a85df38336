// The calls of the interface (loyalty.thrift, docs/rpc.md), for one connection.
#pragma once

#include <Ledger.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "connections.h"
#include "service.h"

namespace loyalty::service {

// For the thread of its connection; what it shares with others is in Service.
class Handler final : public rpc::LedgerIf {
 public:
  // `peer`: who is on the other end, for logs.
  Handler(Service* service, std::shared_ptr<Connection> connection, std::string peer)
      : service_(*service), connection_(std::move(connection)), peer_(std::move(peer)) {}

  void post(rpc::PostResponse& response, const rpc::PostRequest& request) override;
  void balances(rpc::BalancesResponse& response, const rpc::BalancesRequest& request) override;
  void statement(rpc::StatementResponse& response, const rpc::StatementRequest& request) override;
  void changes(rpc::ChangesResponse& response, const rpc::ChangesRequest& request) override;
  void explain(rpc::ExplainResponse& response, const rpc::ExplainRequest& request) override;
  void tiers(rpc::TiersResponse& response, const rpc::TiersRequest& request) override;
  void tier_progress(rpc::TierProgressResponse& response,
                     const rpc::TierProgressRequest& request) override;
  void start_run(rpc::StartRunResponse& response, const rpc::StartRunRequest& request) override;
  void follow_run(rpc::FollowRunResponse& response, const rpc::FollowRunRequest& request) override;
  void run_changes(rpc::RunChangesResponse& response,
                   const rpc::RunChangesRequest& request) override;
  void stop_run(rpc::StopRunResponse& response, const rpc::StopRunRequest& request) override;
  void program(rpc::ProgramResponse& response, const rpc::ProgramRequest& request) override;
  void apply_program(rpc::ApplyProgramResponse& response,
                     const rpc::ApplyProgramRequest& request) override;
  void digest(rpc::DigestResponse& response, const rpc::DigestRequest& request) override;
  void spenders(rpc::SpendersResponse& response, const rpc::SpendersRequest& request) override;
  void totals(rpc::TotalsResponse& response, const rpc::TotalsRequest& request) override;
  void server_info(rpc::ServerInfoResponse& response,
                   const rpc::ServerInfoRequest& request) override;
  void ledger_info(rpc::LedgerInfoResponse& response,
                   const rpc::LedgerInfoRequest& request) override;
  void health(rpc::HealthResponse& response, const rpc::HealthRequest& request) override;

 private:
  using Clock = std::chrono::steady_clock;
  // A call that may be made: by whom, and until when.
  struct Call {
    std::shared_ptr<Client> client;
    Clock::time_point deadline;
  };

  // Finds out who asks and whether he may, does it, and logs how it ended. Throws the interface's exceptions alone.
  void Answer(const char* name, Role role, const rpc::RequestHead& head,
              const std::function<void(const Call&)>& body);
  void CheckTime(const Call& call) const;
  void Begin(Role role, const rpc::RequestHead& head, Clock::time_point began, Call* call) const;
  void CheckMembers(size_t members) const;
  // Between members: whether there is time for the next one.
  void CheckProgress(const Call& call, size_t members) const;
  void AddBalances(const Call& call, const rpc::BalancesRequest& request, uint16_t currency,
                   std::span<const MemberKey> members, std::vector<rpc::Balance>* wire) const;
  size_t ToLimit(bool is_set, int32_t limit) const;
  Clock::time_point WaitUntil(const Call& call, bool is_set, int32_t wait_ms) const;

  Service& service_;
  const std::shared_ptr<Connection> connection_;
  const std::string peer_;
  uint64_t calls_ = 0;
};

}  // namespace loyalty::service

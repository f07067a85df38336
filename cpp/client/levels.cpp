// Levels, and runs of the server's.
#include <utility>

#include "faults.h"
#include "remote_ledger.h"
#include "wire/levels.h"
#include "wire/points.h"

namespace loyalty::client {
namespace {

constexpr int32_t kLook_ms = 200;  // how often progress is told

}  // namespace

Result<TierTable> RemoteLedgerImpl::Tiers(
    const std::optional<std::vector<MemberKey>>& members) const {
  if (members) return AskTiers(*members, std::nullopt);
  return OnlyWhereTheLedgerIs("levels of all members");
}

Result<TierTable> RemoteLedgerImpl::TiersAsOf(std::span<const MemberKey> members,
                                              int64_t at_us) const {
  return AskTiers(members, at_us);
}

Result<TierTable> RemoteLedgerImpl::AskTiers(std::span<const MemberKey> members,
                                             std::optional<int64_t> as_of_us) const {
  rpc::TiersRequest request;
  if (as_of_us) request.__set_as_of_us(*as_of_us);
  TierTable table;
  const auto chunk = size_t(server_.members_a_request_max);
  size_t begin = 0;
  do {  // without members it tells of the ladders
    const auto asked = members.subspan(begin, std::min(chunk, members.size() - begin));
    request.__set_members(wire::ToWire(asked));
    LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::tiers, request));
    LOYALTY_RETURN_IF_ERROR(AddTiers(response, &table));
    begin += asked.size();
  } while (begin < members.size());
  return table;
}

Status RemoteLedgerImpl::AddTiers(const rpc::TiersResponse& response, TierTable* table) const {
  table->ladders = wire::FromWire(response.ladders);
  for (const rpc::Standings& standings : response.members) {
    if (!standings.found) {
      table->slots.push_back(Entry::kNoMember);
      continue;
    }
    const uint32_t slot = symbols_.SlotOf(wire::FromWire(standings.member));
    table->slots.push_back(slot);
    for (const rpc::Standing& standing : standings.standings) {
      LOYALTY_ASSIGN_OR_RETURN(const uint16_t ladder,
                               wire::LadderPlace(table->ladders, standing.ladder));
      LOYALTY_ASSIGN_OR_RETURN(TierRow row, wire::FromWire(standing, table->ladders[ladder]));
      row.member = slot;
      row.ladder = ladder;
      table->rows.push_back(row);
    }
  }
  return {};
}

Result<Ledger::MemberProgress> RemoteLedgerImpl::TierProgressOf(
    const MemberKey& member, std::optional<int64_t> as_of_us) const {
  rpc::TierProgressRequest request;
  request.__set_members({wire::ToWire(member)});
  if (as_of_us) request.__set_as_of_us(*as_of_us);
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::tier_progress, std::move(request)));
  if (response.members.size() != 1 || !response.members[0].found) {
    return Status(StatusCode::kNotFound, "there is no member " + ToString(member));
  }
  MemberProgress found;
  found.ladders = wire::FromWire(response.ladders);
  const uint32_t slot = symbols_.SlotOf(OwnedKey(member));
  for (const rpc::Progress& wire : response.members[0].ladders) {
    LOYALTY_ASSIGN_OR_RETURN(const uint16_t ladder,
                             wire::LadderPlace(found.ladders, wire.now.ladder));
    LOYALTY_ASSIGN_OR_RETURN(TierProgress progress, wire::FromWire(wire, found.ladders[ladder]));
    progress.now.member = slot;
    progress.now.ladder = ladder;
    if (wire.__isset.evidence) progress.evidence = Converter().FromWire(wire.evidence);
    found.progress.push_back(std::move(progress));
  }
  return found;
}

Result<rpc::Run> RemoteLedgerImpl::Execute(rpc::StartRunRequest request, const Progress& progress) {
  const std::string run_id = wire::NewRunId();
  request.__set_run_id(run_id);
  LOYALTY_RETURN_IF_ERROR(Ask(&rpc::LedgerClient::start_run, std::move(request)).status());
  rpc::FollowRunRequest follow;
  follow.__set_run_id(run_id);
  follow.__set_wait_ms(kLook_ms);
  for (;;) {
    LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::follow_run, follow));
    const rpc::Run& run = response.run;
    switch (run.state) {
      case rpc::RunState::RUNNING: break;
      case rpc::RunState::FINISHED:
        if (progress) progress(uint64_t(run.total), uint64_t(run.total));
        return run;
      default:
        return Status(run.code == 0 ? StatusCode::kInternal : StatusCode(run.code), run.message);
    }
    if (progress && !progress(uint64_t(run.done), uint64_t(run.total))) {
      rpc::StopRunRequest stop;
      stop.__set_run_id(run_id);
      LOYALTY_RETURN_IF_ERROR(Ask(&rpc::LedgerClient::stop_run, std::move(stop)).status());
      return Status(StatusCode::kInterrupted, "the progress callback asked to stop");
    }
  }
}

Result<ExpiryReport> RemoteLedgerImpl::Expire(int64_t as_of_us, bool dry_run,
                                              const Progress& progress) {
  rpc::StartRunRequest request;
  request.__set_kind(rpc::RunKind::EXPIRY);
  request.__set_at_us(as_of_us);
  request.__set_dry_run(dry_run);
  LOYALTY_ASSIGN_OR_RETURN(const rpc::Run run, Execute(std::move(request), progress));
  return wire::ExpiryFromWire(run, Currencies());
}

Result<TierRun> RemoteLedgerImpl::RecomputeTiers(const TierQuery& query, const Progress& progress) {
  rpc::StartRunRequest request;
  request.__set_kind(rpc::RunKind::TIERS);
  if (query.at_us) request.__set_at_us(*query.at_us);
  request.__set_dry_run(query.dry_run);
  if (!query.ladders.empty()) request.__set_ladders(query.ladders);
  if (query.members) request.__set_members(wire::ToWire(*query.members));
  request.__set_keep_changes(query.keep_changes);
  LOYALTY_ASSIGN_OR_RETURN(const rpc::Run run, Execute(std::move(request), progress));
  LOYALTY_ASSIGN_OR_RETURN(TierRun tiers, wire::TiersFromWire(run));
  if (query.keep_changes) LOYALTY_RETURN_IF_ERROR(AddChanges(run.run_id, &tiers));
  return tiers;
}

Status RemoteLedgerImpl::AddChanges(const std::string& run_id, TierRun* run) const {
  rpc::RunChangesRequest request;
  request.__set_run_id(run_id);
  for (;;) {
    request.__set_offset(int64_t(run->changes.size()));
    LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::run_changes, request));
    for (const rpc::TierChange& change : response.changes) {
      const uint32_t slot = symbols_.SlotOf(wire::FromWire(change.member));
      LOYALTY_RETURN_IF_ERROR(wire::AddFromWire(change, slot, run));
    }
    if (response.changes.empty() || int64_t(run->changes.size()) >= response.total) return {};
  }
}

}  // namespace loyalty::client

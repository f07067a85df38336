// What reads of members and entries.
#include <algorithm>
#include <utility>

#include "faults.h"
#include "remote_ledger.h"
#include "wire/points.h"

namespace loyalty::client {
namespace {

// Requests have up to so many; a page that asks for more takes several.
constexpr size_t kPageMax = INT32_MAX;

}  // namespace

Status RemoteLedgerImpl::Balances(std::span<const MemberKey> members, const BalanceQuery& query,
                                  std::span<Balance> balances) const {
  rpc::BalancesRequest request;
  LOYALTY_ASSIGN_OR_RETURN(const std::string currency, NameOf(query.currency));
  request.__set_currencies({currency});
  request.__set_at_us(query.at_us);
  request.__set_expiring(query.expiring);
  return AskBalances(members, std::move(request), balances);
}

Status RemoteLedgerImpl::BalancesAsOf(std::span<const MemberKey> members, uint16_t currency,
                                      const AsOf& as_of, std::span<Balance> balances) const {
  rpc::BalancesRequest request;
  LOYALTY_ASSIGN_OR_RETURN(const std::string name, NameOf(currency));
  request.__set_currencies({name});
  request.__set_as_of(wire::ToWire(as_of));
  request.__set_expiring(true);
  return AskBalances(members, std::move(request), balances);
}

Status RemoteLedgerImpl::AskBalances(std::span<const MemberKey> members,
                                     rpc::BalancesRequest request,
                                     std::span<Balance> balances) const {
  const auto chunk = size_t(server_.members_a_request_max);
  for (size_t begin = 0; begin < members.size(); begin += chunk) {
    const auto asked = members.subspan(begin, std::min(chunk, members.size() - begin));
    request.__set_members(wire::ToWire(asked));
    LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::balances, request));
    if (response.balances.size() != asked.size()) {
      return WrongAnswer("balances", response.balances.size(), asked.size());
    }
    std::transform(response.balances.begin(), response.balances.end(),
                   balances.begin() + int64_t(begin),
                   [](const rpc::Balance& balance) { return wire::FromWire(balance); });
  }
  return {};
}

Result<OwnedKey> RemoteLedgerImpl::KeyOf(uint32_t member) const {
  Result<OwnedKey> known = symbols_.KeyOf(member);
  if (known.ok() || member != 0) return known;
  LOYALTY_ASSIGN_OR_RETURN(const auto server,
                           Ask(&rpc::LedgerClient::server_info, rpc::ServerInfoRequest()));
  if (!server.__isset.first_member) return known;
  (void)symbols_.SlotOf(wire::FromWire(server.first_member));
  return symbols_.KeyOf(member);
}

Result<std::vector<Ledger::Spender>> RemoteLedgerImpl::SpendersOf(const MemberKey& pool,
                                                                  uint16_t currency) const {
  rpc::SpendersRequest request;
  request.__set_pool(wire::ToWire(pool));
  LOYALTY_ASSIGN_OR_RETURN(request.currency, NameOf(currency));
  request.__isset.currency = true;
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::spenders, std::move(request)));
  std::vector<Spender> spenders;
  for (const rpc::Spender& spender : response.spenders) {
    spenders.push_back(wire::FromWire(spender));
  }
  return spenders;
}

Result<StatementPage> RemoteLedgerImpl::Statement(const MemberKey& member,
                                                  const StatementQuery& query) const {
  rpc::StatementRequest request;
  request.__set_member(wire::ToWire(member));
  request.__set_from_us(query.from_us);
  request.__set_to_us(query.to_us);
  if (query.as_of) request.__set_as_of(wire::ToWire(*query.as_of));
  if (query.after) request.__set_cursor(wire::ToWire(*query.after));
  StatementPage page;
  do {
    request.__set_limit(int32_t(std::min(kPageMax, query.limit - page.records.size())));
    LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::statement, request));
    std::vector<Record> records = Converter().FromWire(response.records);
    std::move(records.begin(), records.end(), std::back_inserter(page.records));
    page.running.insert(page.running.end(), response.running_points.begin(),
                        response.running_points.end());
    page.next.reset();
    if (!response.__isset.next_cursor) break;
    page.next = wire::CursorFromWire(response.next_cursor);
    request.__set_cursor(response.next_cursor);
  } while (page.records.size() < query.limit);
  return page;
}

Result<std::vector<Record>> RemoteLedgerImpl::Changes(uint64_t sequence, size_t limit) const {
  std::vector<Record> all;
  rpc::ChangesRequest request;
  request.__set_from_sequence(int64_t(sequence));
  while (all.size() < limit) {
    request.__set_limit(int32_t(std::min(kPageMax, limit - all.size())));
    const auto answer = Ask(&rpc::LedgerClient::changes, request);
    if (answer.status().code() == StatusCode::kNotFound) break;  // the ledger ends before it
    LOYALTY_ASSIGN_OR_RETURN(const auto response, answer);
    std::vector<Record> records = Converter().FromWire(response.records);
    std::move(records.begin(), records.end(), std::back_inserter(all));
    if (records.empty() || response.next_sequence > response.durable_sequence) break;
    request.__set_from_sequence(response.next_sequence);
  }
  return all;
}

Result<uint64_t> RemoteLedgerImpl::FindPosting(const Id& id) const {
  rpc::ExplainRequest request;
  rpc::PostingId posting;
  posting.__set_id(wire::ToWire(id));
  request.__set_posting(posting);
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::explain, std::move(request)));
  return uint64_t(response.sequence);
}

Result<Explanation> RemoteLedgerImpl::Explain(uint64_t sequence) const {
  rpc::ExplainRequest request;
  request.__set_sequence(int64_t(sequence));
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::explain, std::move(request)));
  if (response.truncated) {
    return Status(StatusCode::kUnsupported,
                  "entry " + std::to_string(sequence) +
                      " has more to explain than a server tells; open its directory read-only, "
                      "beside the server");
  }
  return Converter().FromWire(response);
}

Result<std::vector<Totals>> RemoteLedgerImpl::TrialBalance() const {
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::totals, rpc::TotalsRequest()));
  std::vector<Totals> totals;
  for (const rpc::Totals& one : response.totals) totals.push_back(wire::FromWire(one));
  return totals;
}

}  // namespace loyalty::client

// The calls that read.
#include <algorithm>

#include "clock.h"
#include "faults.h"
#include "handler.h"
#include "records.h"
#include "to_core.h"
#include "wire/levels.h"
#include "wire/points.h"

namespace loyalty::service {
namespace {

// How long a stopping server may have to wait for a call that waits.
constexpr std::chrono::milliseconds kLookUp{100};

// The rows of a member; none of an unknown one.
rpc::Standings ToStandings(const TierTable& table, uint32_t slot, const TierRow** row,
                           Records* records) {
  rpc::Standings wire;
  wire.__set_found(slot != Entry::kNoMember);
  std::vector<rpc::Standing> standings;
  if (wire.found) {
    wire.__set_member(records->KeyOf(slot));
    for (size_t l = 0; l < table.ladders.size(); ++l, ++*row) {
      standings.push_back(wire::ToWire(**row, table.ladders[(*row)->ladder]));
    }
  }
  wire.standings = std::move(standings);
  wire.__isset.standings = true;
  return wire;
}

}  // namespace

void Handler::CheckMembers(size_t members) const {
  if (members <= size_t(service_.limits.members_max)) return;
  ThrowInvalid("members has " + std::to_string(members) + " elements; a request has up to " +
               std::to_string(service_.limits.members_max));
}

size_t Handler::ToLimit(bool is_set, int32_t limit) const {
  if (!is_set) return size_t(service_.limits.records_max);
  if (limit < 1) ThrowInvalid("limit must be at least 1");
  return size_t(std::min(limit, service_.limits.records_max));
}

Handler::Clock::time_point Handler::WaitUntil(const Call& call, bool is_set,
                                              int32_t wait_ms) const {
  if (!is_set) return Clock::now();
  if (wait_ms < 0) ThrowInvalid("wait_ms must not be below 0");
  return std::min(call.deadline, Clock::now() + std::chrono::milliseconds(wait_ms));
}

void Handler::balances(rpc::BalancesResponse& response, const rpc::BalancesRequest& request) {
  Answer("balances", Role::kRead, request.head, [&](const Call&) {
    const std::vector<MemberKey> members = ToKeys(request.members, "members");
    const std::vector<std::string> known = service_.ledger->Currencies();
    std::vector<uint16_t> currencies;
    for (const std::string& name : request.currencies) {
      const auto number = CurrencyNumber(known, name);
      if (!number || name.empty()) {
        ThrowInvalid("currencies[" + std::to_string(currencies.size()) +
                     "]: there is no currency \"" + name + "\"");
      }
      currencies.push_back(*number);
    }
    if (!request.__isset.currencies) currencies.push_back(0);
    if (request.__isset.at_us && request.__isset.as_of) {
      ThrowInvalid(
          "at_us and as_of are both there; the one tells of what is to come, the other of "
          "the past");
    }
    CheckMembers(members.size() * std::max<size_t>(1, currencies.size()));
    BalanceQuery query;
    query.at_us = request.__isset.at_us ? request.at_us : Now_us();
    query.expiring = request.expiring;
    std::vector<Balance> balances(members.size());
    std::vector<rpc::Balance> wire;
    wire.reserve(members.size() * currencies.size());
    for (const uint16_t currency : currencies) {
      query.currency = currency;
      ThrowUnlessOk(request.__isset.as_of ? service_.ledger->BalancesAsOf(
                                                members, currency, ToAsOf(request.as_of), balances)
                                          : service_.ledger->Balances(members, query, balances));
      for (const Balance& balance : balances)
        wire.push_back(wire::ToWire(balance, request.expiring));
    }
    response.balances = std::move(wire);
    response.__isset.balances = true;
  });
}

void Handler::statement(rpc::StatementResponse& response, const rpc::StatementRequest& request) {
  Answer("statement", Role::kRead, request.head, [&](const Call&) {
    StatementQuery query;
    if (request.__isset.from_us) query.from_us = request.from_us;
    if (request.__isset.to_us) query.to_us = request.to_us;
    if (request.__isset.as_of) query.as_of = ToAsOf(request.as_of);
    if (request.__isset.cursor) query.after = ToCursor(request.cursor);
    query.limit = ToLimit(request.__isset.limit, request.limit);
    const MemberKey member = ToKey(request.member, {"member"});
    StatementPage page = ValueOrThrow(service_.ledger->Statement(member, query));
    response.__set_records(Records(*service_.ledger).ToWire(page.records));
    response.running_points = std::move(page.running);
    response.__isset.running_points = true;
    if (page.next) response.__set_next_cursor(wire::ToWire(*page.next));
  });
}

void Handler::changes(rpc::ChangesResponse& response, const rpc::ChangesRequest& request) {
  Answer("changes", Role::kRead, request.head, [&](const Call& call) {
    if (request.from_sequence < 1) {
      ThrowInvalid("from_sequence is missing: the first entry to tell; they count from 1");
    }
    const auto from = uint64_t(request.from_sequence);
    const size_t limit = ToLimit(request.__isset.limit, request.limit);
    const auto until = WaitUntil(call, request.__isset.wait_ms, request.wait_ms);
    Head head = ValueOrThrow(service_.ledger->WaitFor(0, 0));
    while (head.sequence < from && !service_.is_stopping) {
      const auto left = std::min<Clock::duration>(kLookUp, until - Clock::now());
      if (left <= Clock::duration::zero()) break;
      const auto left_us = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
      head = ValueOrThrow(service_.ledger->WaitFor(from, left_us));
    }
    const std::vector<Record> records = ValueOrThrow(service_.ledger->Changes(from, limit));
    response.__set_records(Records(*service_.ledger).ToWire(records));
    response.__set_next_sequence(int64_t(from + records.size()));
    response.__set_durable_sequence(int64_t(std::max(head.sequence, from + records.size() - 1)));
  });
}

void Handler::explain(rpc::ExplainResponse& response, const rpc::ExplainRequest& request) {
  Answer("explain", Role::kRead, request.head, [&](const Call&) {
    uint64_t sequence = 0;
    if (request.__isset.posting) {
      sequence = ValueOrThrow(service_.ledger->FindPosting(ToId(request.posting, {"posting"})));
    } else if (request.sequence >= 1) {
      sequence = uint64_t(request.sequence);
    } else {
      ThrowInvalid("posting is missing: its id, or else its sequence");
    }
    response = Records(*service_.ledger).ToWire(ValueOrThrow(service_.ledger->Explain(sequence)));
  });
}

void Handler::tiers(rpc::TiersResponse& response, const rpc::TiersRequest& request) {
  Answer("tiers", Role::kRead, request.head, [&](const Call&) {
    CheckMembers(request.members.size());
    const std::vector<MemberKey> members = ToKeys(request.members, "members");
    const TierTable table = ValueOrThrow(request.__isset.as_of_us
                                             ? service_.ledger->TiersAsOf(members, request.as_of_us)
                                             : service_.ledger->Tiers(members));
    std::vector<rpc::Standings> wire;
    wire.reserve(members.size());
    Records records(*service_.ledger);
    const TierRow* row = table.rows.data();
    for (const uint32_t slot : table.slots) {
      wire.push_back(ToStandings(table, slot, &row, &records));
    }
    response.members = std::move(wire);
    response.__isset.members = true;
    response.__set_ladders(wire::ToWire(table.ladders));
  });
}

void Handler::tier_progress(rpc::TierProgressResponse& response,
                            const rpc::TierProgressRequest& request) {
  Answer("tier_progress", Role::kRead, request.head, [&](const Call& call) {
    CheckMembers(request.members.size());
    const std::vector<MemberKey> members = ToKeys(request.members, "members");
    std::optional<int64_t> as_of_us;
    if (request.__isset.as_of_us) as_of_us = request.as_of_us;
    Records records(*service_.ledger);
    std::vector<rpc::MemberProgress> wire(members.size());
    for (size_t i = 0; i < members.size(); ++i) {
      if (Clock::now() > call.deadline) {
        ThrowUnavailable(
            "the time of the call was over after " + std::to_string(i) + " members; ask of fewer",
            0);
      }
      auto progress = service_.ledger->TierProgressOf(members[i], as_of_us);
      wire[i].__set_found(progress.ok());
      if (progress.status().code() == StatusCode::kNotFound) continue;
      ThrowUnlessOk(progress.status());
      std::vector<rpc::Progress> ladders;
      for (size_t l = 0; l < progress->ladders.size(); ++l) {
        ladders.push_back(records.ToWire(progress->progress[l], progress->ladders[l]));
      }
      wire[i].ladders = std::move(ladders);
      wire[i].__isset.ladders = true;
      if (!response.__isset.ladders) response.__set_ladders(wire::ToWire(progress->ladders));
    }
    response.members = std::move(wire);
    response.__isset.members = true;
  });
}

void Handler::spenders(rpc::SpendersResponse& response, const rpc::SpendersRequest& request) {
  Answer("spenders", Role::kRead, request.head, [&](const Call&) {
    const MemberKey pool = ToKey(request.pool, {"pool"});
    const auto currency = CurrencyNumber(service_.ledger->Currencies(), request.currency);
    if (!currency) ThrowInvalid("currency: there is no currency \"" + request.currency + "\"");
    std::vector<rpc::Spender> wire;
    for (const auto& spender : ValueOrThrow(service_.ledger->SpendersOf(pool, *currency))) {
      wire.push_back(wire::ToWire(spender));
    }
    response.spenders = std::move(wire);
    response.__isset.spenders = true;
  });
}

void Handler::totals(rpc::TotalsResponse& response, const rpc::TotalsRequest& request) {
  Answer("totals", Role::kRead, request.head, [&](const Call&) {
    std::vector<rpc::Totals> wire;
    for (const Totals& totals : ValueOrThrow(service_.ledger->TrialBalance())) {
      wire.push_back(wire::ToWire(totals));
    }
    response.totals = std::move(wire);
    response.__isset.totals = true;
  });
}

}  // namespace loyalty::service

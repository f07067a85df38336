// The calls that read.
#include <algorithm>
#include <map>
#include <thread>
#include <tuple>

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
// Members that are looked at between postings, which wait.
constexpr size_t kTogether = 64;

// The rows of a member; none of an unknown one.
rpc::Standings ToStandings(const TierTable& table, uint32_t slot, const TierRow** row,
                           Records* records) {
  rpc::Standings wire;
  wire.__set_found(slot != Entry::kNoMember);
  std::vector<rpc::Standing> standings;
  if (wire.found) {
    records->SetMember(slot, &wire, &rpc::Standings::__set_member);
    for (size_t l = 0; l < table.ladders.size(); ++l, ++*row) {
      standings.push_back(wire::ToWire(**row, table.ladders[(*row)->ladder]));
    }
  }
  wire.standings = std::move(standings);
  wire.__isset.standings = true;
  return wire;
}

// Each member once: a question may be costly, and who asks of one again and again would have it asked as often.
class Distinct {
 public:
  explicit Distinct(std::span<const MemberKey> all) {
    using Known = std::tuple<bool, int64_t, std::string_view>;
    std::map<Known, uint32_t> known;
    places_.reserve(all.size());
    for (const MemberKey& key : all) {
      const auto [at, is_new] =
          known.try_emplace({key.is_text, key.number, key.text}, uint32_t(members_.size()));
      if (is_new) members_.push_back(key);
      places_.push_back(at->second);
    }
  }
  std::span<const MemberKey> members() const { return members_; }
  std::span<const uint32_t> places() const { return places_; }  // of all, in members()

 private:
  std::vector<MemberKey> members_;
  std::vector<uint32_t> places_;
};

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

void Handler::CheckProgress(const Call& call, size_t members) const {
  if (service_.is_stopping) ThrowUnavailable("the server is stopping", 0);
  if (Clock::now() < call.deadline) return;
  ThrowInvalid("the time of the call was over after " + std::to_string(members) +
               " members; ask of fewer, or give it more");
}

Handler::Clock::time_point Handler::WaitUntil(const Call& call, bool is_set,
                                              int32_t wait_ms) const {
  if (!is_set) return Clock::now();
  if (wait_ms < 0) ThrowInvalid("wait_ms must not be below 0");
  return std::min(call.deadline, Clock::now() + std::chrono::milliseconds(wait_ms));
}

void Handler::balances(rpc::BalancesResponse& response, const rpc::BalancesRequest& request) {
  Answer("balances", Role::kRead, request.head, [&](const Call& call) {
    const std::vector<MemberKey> members = ToKeys(request.members, "members");
    const std::vector<std::string> known = service_.ledger->Currencies();
    std::vector<uint16_t> currencies;
    for (const std::string& name : request.currencies) {
      const std::string field = ToString({"currencies", currencies.size()});
      const auto number = CurrencyNumber(known, name);
      if (!number) ThrowInvalid(field + ": there is no currency \"" + name + "\"");
      if (std::find(currencies.begin(), currencies.end(), *number) != currencies.end()) {
        ThrowInvalid(field + ": \"" + name + "\" is there twice");
      }
      currencies.push_back(*number);
    }
    if (!request.__isset.currencies) currencies.push_back(0);
    if (request.__isset.at_us && request.__isset.as_of) {
      ThrowInvalid(
          "at_us and as_of are both there; the one tells of what is to come, the other of "
          "the past");
    }
    if (request.__isset.at_us && (request.at_us < kMinTime_us || request.at_us >= kMaxTime_us)) {
      ThrowInvalid("at_us must be an instant from 1900 to 2200");
    }
    CheckMembers(members.size() * std::max<size_t>(1, currencies.size()));
    std::vector<rpc::Balance> wire;
    wire.reserve(members.size() * currencies.size());
    for (const uint16_t currency : currencies) AddBalances(call, request, currency, members, &wire);
    response.balances = std::move(wire);
    response.__isset.balances = true;
  });
}

void Handler::AddBalances(const Call& call, const rpc::BalancesRequest& request, uint16_t currency,
                          std::span<const MemberKey> members,
                          std::vector<rpc::Balance>* wire) const {
  if (!request.expiring && !request.__isset.at_us && !request.__isset.as_of) {
    std::vector<Balance> balances(members.size());
    ThrowUnlessOk(service_.ledger->Balances(members, {currency, Now_us()}, balances));
    for (const Balance& balance : balances) wire->push_back(wire::ToWire(balance, false));
    return;
  }
  const size_t together =
      request.__isset.as_of ? 1 : kTogether;  // the past is read member by member
  const BalanceQuery query{currency, request.__isset.at_us ? request.at_us : Now_us(),
                           request.expiring};
  const Distinct distinct(members);
  std::vector<Balance> balances(distinct.members().size());
  for (size_t begin = 0; begin < balances.size(); begin += together) {
    CheckProgress(call, begin);
    const size_t count = std::min(together, balances.size() - begin);
    const auto asked = distinct.members().subspan(begin, count);
    const auto answers = std::span(balances).subspan(begin, count);
    ThrowUnlessOk(request.__isset.as_of ? service_.ledger->BalancesAsOf(
                                              asked, currency, ToAsOf(request.as_of), answers)
                                        : service_.ledger->Balances(asked, query, answers));
  }
  for (const uint32_t at : distinct.places()) {
    wire->push_back(wire::ToWire(balances[at], request.expiring));
  }
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
    if (from > head.sequence + 1) {
      ThrowUnlessOk({StatusCode::kNotFound, "from_sequence is " + std::to_string(from) +
                                                ", and the ledger ends at " +
                                                std::to_string(head.sequence) +
                                                ": was it restored from an earlier copy?"});
    }
    while (head.sequence < from && !service_.is_stopping) {
      const auto left = std::min<Clock::duration>(kLookUp, until - Clock::now());
      if (left <= Clock::duration::zero()) break;
      if (!head.fault
               .ok()) {  // nothing will come, and callers that follow must not call at full speed
        std::this_thread::sleep_for(left);
        continue;
      }
      const auto left_us = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
      head = ValueOrThrow(service_.ledger->WaitFor(from, left_us));
    }
    const std::vector<Record> records = ValueOrThrow(service_.ledger->Changes(from, limit));
    const uint64_t next = from + records.size();
    response.__set_records(Records(*service_.ledger).ToWire(records));
    response.__set_next_sequence(int64_t(next));
    response.__set_durable_sequence(int64_t(std::max(head.sequence, next - 1)));
  });
}

void Handler::explain(rpc::ExplainResponse& response, const rpc::ExplainRequest& request) {
  Answer("explain", Role::kRead, request.head, [&](const Call&) {
    uint64_t sequence = 0;
    if (request.__isset.posting && request.__isset.sequence) {
      ThrowInvalid("posting and sequence are both there: say one");
    }
    if (request.__isset.posting) {
      const Id id = ToId(request.posting, {"posting"});
      if (!id.is_zero()) sequence = ValueOrThrow(service_.ledger->FindPosting(id));
    } else if (request.sequence >= 1) {
      sequence = uint64_t(request.sequence);
    }
    if (sequence == 0) ThrowInvalid("posting is missing: its id, or else its sequence");
    response = Records(*service_.ledger)
                   .ToWire(ValueOrThrow(service_.ledger->Explain(sequence)),
                           size_t(service_.limits.records_max));
  });
}

void Handler::tiers(rpc::TiersResponse& response, const rpc::TiersRequest& request) {
  Answer("tiers", Role::kRead, request.head, [&](const Call& call) {
    CheckMembers(request.members.size());
    const std::vector<MemberKey> members = ToKeys(request.members, "members");
    const Distinct distinct(members);
    const std::span<const MemberKey> all = distinct.members();
    std::vector<rpc::Standings> known;
    known.reserve(all.size());
    Records records(*service_.ledger);
    do {  // of nobody, too: the ladders
      CheckProgress(call, known.size());
      const auto asked = all.subspan(known.size(), std::min(kTogether, all.size() - known.size()));
      const TierTable table = ValueOrThrow(
          request.__isset.as_of_us
              ? service_.ledger->TiersAsOf(asked, request.as_of_us)
              : service_.ledger->Tiers(std::vector<MemberKey>(asked.begin(), asked.end())));
      const std::vector<rpc::Ladder> ladders = wire::ToWire(table.ladders);
      if (response.__isset.ladders && response.ladders != ladders) {
        ThrowUnavailable("the programme changed meanwhile", 0);
      }
      response.__set_ladders(ladders);
      const TierRow* row = table.rows.data();
      for (const uint32_t slot : table.slots) {
        known.push_back(ToStandings(table, slot, &row, &records));
      }
    } while (known.size() < all.size());
    std::vector<rpc::Standings> wire;
    wire.reserve(members.size());
    for (const uint32_t at : distinct.places()) wire.push_back(known[at]);
    response.members = std::move(wire);
    response.__isset.members = true;
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
    const Distinct distinct(members);
    std::vector<rpc::MemberProgress> known(distinct.members().size());
    for (size_t i = 0; i < known.size(); ++i) {
      CheckProgress(call, i);
      auto progress = service_.ledger->TierProgressOf(distinct.members()[i], as_of_us);
      known[i].__set_found(progress.ok());
      if (progress.status().code() == StatusCode::kNotFound) continue;
      ThrowUnlessOk(progress.status());
      std::vector<rpc::Progress> ladders;
      for (size_t l = 0; l < progress->ladders.size(); ++l) {
        ladders.push_back(records.ToWire(progress->progress[l], progress->ladders[l]));
      }
      known[i].ladders = std::move(ladders);
      known[i].__isset.ladders = true;
      if (!response.__isset.ladders) response.__set_ladders(wire::ToWire(progress->ladders));
    }
    std::vector<rpc::MemberProgress> wire;
    wire.reserve(members.size());
    for (const uint32_t at : distinct.places()) wire.push_back(known[at]);
    response.members = std::move(wire);
    response.__isset.members = true;
  });
}

void Handler::spenders(rpc::SpendersResponse& response, const rpc::SpendersRequest& request) {
  Answer("spenders", Role::kRead, request.head, [&](const Call&) {
    const MemberKey pool = ToKey(request.pool, {"pool"});
    const auto currency = request.__isset.currency
                              ? CurrencyNumber(service_.ledger->Currencies(), request.currency)
                              : 0;
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

// Members, postings and balances, between the ledger's types and the interface's. What a later end leaves out or does
// not know is as if it were not said.
#pragma once

#include <loyalty_types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::wire {

std::string ToWire(const Id& id);  // 16 bytes

rpc::MemberKey ToWire(const MemberKey& key);
rpc::MemberKey ToWire(const OwnedKey& key);
std::vector<rpc::MemberKey> ToWire(std::span<const MemberKey> keys);
OwnedKey FromWire(const rpc::MemberKey& key);

rpc::Parts ToWire(const BalanceParts& parts);
BalanceParts FromWire(const rpc::Parts& parts);

rpc::PostingReply ToWire(const Reply& reply);
Reply FromWire(const rpc::PostingReply& reply);

rpc::Balance ToWire(const Balance& balance, bool expiring);
Balance FromWire(const rpc::Balance& balance);

rpc::AsOf ToWire(const AsOf& as_of);

// A text that nobody but the ledger understands. Nothing: it is not one of these.
std::string ToWire(const StatementCursor& cursor);
std::optional<StatementCursor> CursorFromWire(const std::string& cursor);

std::vector<rpc::Lot> ToWire(const std::vector<LotChange>& lots);
std::vector<LotChange> FromWire(const std::vector<rpc::Lot>& lots);
rpc::LotState::type ToWire(LotState state);
LotState StateFromWire(int32_t state);

rpc::Totals ToWire(const Totals& totals);
Totals FromWire(const rpc::Totals& totals);

rpc::Spender ToWire(const Ledger::Spender& spender);
Ledger::Spender FromWire(const rpc::Spender& spender);

rpc::LedgerInfoResponse ToWire(const Info& info);
Info FromWire(const rpc::LedgerInfoResponse& info);

// What a run of expiry did; what all runs have is left alone.
void ToWire(const ExpiryReport& report, const std::vector<std::string>& currencies, rpc::Run* run);
ExpiryReport ExpiryFromWire(const rpc::Run& run, const std::vector<std::string>& currencies);

}  // namespace loyalty::wire

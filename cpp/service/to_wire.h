// From the ledger's types to the interface's.
#pragma once

#include <loyalty_types.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::service {

rpc::MemberKey ToWire(const OwnedKey& key);
rpc::PostingReply ToWire(const Reply& reply);
rpc::Balance ToWire(const Balance& balance, bool expiring);
rpc::Totals ToWire(const Totals& totals);
rpc::Standing ToWire(const TierRow& row, const LadderNames& names);
std::string ToWire(const StatementCursor& cursor);
rpc::Run ToWire(const ExpiryReport& report, const std::vector<std::string>& currencies);
rpc::Run ToWire(const TierRun& run);

// What needs the ledger for its names; each is asked for once. Throws the interface's exceptions.
class Records {
 public:
  explicit Records(const Ledger& ledger) : ledger_(ledger), currencies_(ledger.Currencies()) {}

  rpc::Record ToWire(const Record& record);
  std::vector<rpc::Record> ToWire(std::span<const Record> records);
  rpc::LevelChange ToWire(const LevelChange& change);
  rpc::Progress ToWire(const TierProgress& progress, const LadderNames& names);
  rpc::ExplainResponse ToWire(const Explanation& explanation);

 private:
  void AddDetails(const Record& record, rpc::Record* wire);
  const std::string& TextOf(uint32_t code);
  const rpc::MemberKey& KeyOf(uint32_t slot);

  const Ledger& ledger_;
  const std::vector<std::string> currencies_;
  std::map<uint32_t, std::string> texts_;
  std::map<uint32_t, rpc::MemberKey> keys_;
};

}  // namespace loyalty::service

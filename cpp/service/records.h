// Entries and what is told of them, from the ledger's types to the interface's, with the ledger's names.
#pragma once

#include <loyalty_types.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::service {

// Asks the ledger for each name once. Throws the interface's exceptions.
class Records {
 public:
  explicit Records(const Ledger& ledger) : ledger_(ledger), currencies_(ledger.Currencies()) {}

  rpc::Record ToWire(const Record& record);
  std::vector<rpc::Record> ToWire(std::span<const Record> records);
  rpc::LevelChange ToWire(const LevelChange& change);
  rpc::Progress ToWire(const TierProgress& progress, const LadderNames& names);
  rpc::TierChange ToWire(const TierChange& change, const TierRun& run);
  rpc::ExplainResponse ToWire(const Explanation& explanation);
  const rpc::MemberKey& KeyOf(uint32_t slot);

 private:
  void AddDetails(const Record& record, rpc::Record* wire);
  const std::string& TextOf(uint32_t code);

  const Ledger& ledger_;
  const std::vector<std::string> currencies_;
  std::map<uint32_t, std::string> texts_;
  std::map<uint32_t, rpc::MemberKey> keys_;
};

}  // namespace loyalty::service

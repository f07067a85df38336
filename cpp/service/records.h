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
  // Up to so many of each list.
  rpc::ExplainResponse ToWire(const Explanation& explanation, size_t records_max);
  // Sets a field to a member's key; not to that of one who was erased, as some languages cannot read an empty union.
  template <typename Wire>
  void SetMember(uint32_t slot, Wire* wire, void (Wire::*set)(const rpc::MemberKey&)) {
    const rpc::MemberKey& key = KeyOf(slot);
    if (key.__isset.number || key.__isset.text) (wire->*set)(key);
  }

 private:
  const rpc::MemberKey& KeyOf(uint32_t slot);
  void AddDetails(const Record& record, rpc::Record* wire);
  const std::string& TextOf(uint32_t code);

  const Ledger& ledger_;
  const std::vector<std::string> currencies_;
  std::map<uint32_t, std::string> texts_;
  std::map<uint32_t, rpc::MemberKey> keys_;
};

}  // namespace loyalty::service

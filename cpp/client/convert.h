// Postings to the interface's types, and what needs numbers for names back from them.
#pragma once

#include <loyalty_types.h>

#include <span>
#include <string>
#include <vector>

#include "loyalty/ledger.h"
#include "symbols.h"

namespace loyalty::client {

// kInvalidArgument for a currency or a code that there is not.
Result<std::vector<rpc::Posting>> ToWire(std::span<const Posting> postings, const Symbols& symbols,
                                         const std::vector<std::string>& currencies);

// Gives numbers to the texts and members that it meets.
class Records {
 public:
  Records(Symbols* symbols, std::vector<std::string> currencies)
      : symbols_(*symbols), currencies_(std::move(currencies)) {}

  std::vector<Record> FromWire(const std::vector<rpc::Record>& records);
  Explanation FromWire(const rpc::ExplainResponse& explanation);
  LevelChange FromWire(const rpc::LevelChange& change);

 private:
  Record FromWire(const rpc::Record& record);
  Details DetailsOf(const rpc::Record& record);

  Symbols& symbols_;
  const std::vector<std::string> currencies_;
};

}  // namespace loyalty::client

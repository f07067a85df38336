// Ladders, where members stand on them, and runs, between the ledger's types and the interface's: the one has places
// in lists, the other names. A name that a ladder does not have is kInternal: the other end contradicts itself.
#pragma once

#include <loyalty_types.h>

#include <span>
#include <string>
#include <vector>

#include "loyalty/status.h"
#include "loyalty/tiers.h"

namespace loyalty::wire {

std::vector<rpc::Ladder> ToWire(std::span<const LadderNames> ladders);
std::vector<LadderNames> FromWire(const std::vector<rpc::Ladder>& ladders);
// The place of a ladder of that name.
Result<uint16_t> LadderPlace(std::span<const LadderNames> ladders, const std::string& name);

rpc::Standing ToWire(const TierRow& row, const LadderNames& names);
// Without the member and the ladder.
Result<TierRow> FromWire(const rpc::Standing& standing, const LadderNames& names);

// Without the evidence.
rpc::Progress ToWire(const TierProgress& progress, const LadderNames& names);
Result<TierProgress> FromWire(const rpc::Progress& progress, const LadderNames& names);

// Nobody needs to guess it: who may follow runs may follow all of them. It must not be that of another one, ever.
std::string NewRunId();
// What a run of tiers did, but for its changes; what all runs have is left alone.
void ToWire(const TierRun& tiers, rpc::Run* run);
Result<TierRun> TiersFromWire(const rpc::Run& run);

// Without the member. The values follow the others in `run`.
rpc::TierChange ToWire(const TierChange& change, const TierRun& run);
Status AddFromWire(const rpc::TierChange& change, uint32_t member, TierRun* run);

}  // namespace loyalty::wire

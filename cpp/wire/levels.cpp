#include "wire/levels.h"

#include <algorithm>
#include <random>
#include <utility>

namespace loyalty::wire {
namespace {

using Needs = std::vector<std::vector<TierNeed>>;
using WireNeeds = std::vector<std::vector<rpc::Need>>;

Result<uint16_t> PlaceOf(const std::vector<std::string>& names, const std::string& name,
                         const std::string& ladder) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return uint16_t(found - names.begin());
  return Status(StatusCode::kInternal,
                "the server tells of \"" + name + "\", which ladder " + ladder + " does not have");
}

Result<uint16_t> LevelPlace(const LadderNames& names, const std::string& level) {
  return PlaceOf(names.levels, level, names.name);
}

WireNeeds ToWire(const Needs& alternatives, const LadderNames& names) {
  WireNeeds wire;
  for (const std::vector<TierNeed>& all : alternatives) {
    std::vector<rpc::Need>& needs = wire.emplace_back();
    for (const TierNeed& need : all) {
      rpc::Need& to = needs.emplace_back();
      to.__set_metric(names.metrics[need.metric]);
      to.__set_value(need.value);
      to.__set_least(need.least);
    }
  }
  return wire;
}

Result<Needs> FromWire(const WireNeeds& wire, const LadderNames& names) {
  Needs alternatives;
  for (const std::vector<rpc::Need>& all : wire) {
    std::vector<TierNeed>& needs = alternatives.emplace_back();
    for (const rpc::Need& need : all) {
      LOYALTY_ASSIGN_OR_RETURN(const uint16_t metric,
                               PlaceOf(names.metrics, need.metric, names.name));
      needs.push_back({metric, need.least, need.value});
    }
  }
  return alternatives;
}

std::vector<rpc::MetricValue> ToWire(const std::vector<int64_t>& values, const LadderNames& names) {
  std::vector<rpc::MetricValue> wire(values.size());
  for (size_t k = 0; k < wire.size(); ++k) {
    wire[k].__set_name(names.metrics[k]);
    wire[k].__set_value(values[k]);
  }
  return wire;
}

Result<std::vector<int64_t>> FromWire(const std::vector<rpc::MetricValue>& wire,
                                      const LadderNames& names) {
  std::vector<int64_t> values(names.metrics.size());
  for (const rpc::MetricValue& metric : wire) {
    LOYALTY_ASSIGN_OR_RETURN(const uint16_t place, PlaceOf(names.metrics, metric.name, names.name));
    values[place] = metric.value;
  }
  return values;
}

}  // namespace

std::vector<rpc::Ladder> ToWire(std::span<const LadderNames> ladders) {
  std::vector<rpc::Ladder> wire(ladders.size());
  for (size_t l = 0; l < wire.size(); ++l) {
    wire[l].__set_name(ladders[l].name);
    wire[l].__set_levels(ladders[l].levels);
    wire[l].__set_metrics(ladders[l].metrics);
  }
  return wire;
}

std::vector<LadderNames> FromWire(const std::vector<rpc::Ladder>& ladders) {
  std::vector<LadderNames> names;
  for (const rpc::Ladder& ladder : ladders) {
    names.push_back({ladder.name, ladder.levels, ladder.metrics});
  }
  return names;
}

Result<uint16_t> LadderPlace(std::span<const LadderNames> ladders, const std::string& name) {
  for (size_t l = 0; l < ladders.size(); ++l) {
    if (ladders[l].name == name) return uint16_t(l);
  }
  return Status(StatusCode::kInternal,
                "the server tells of ladder \"" + name + "\", and not what it is");
}

rpc::Standing ToWire(const TierRow& row, const LadderNames& names) {
  rpc::Standing wire;
  wire.__set_ladder(names.name);
  wire.__set_level(names.levels[row.level]);
  if (row.since_us != kMinTime_us) wire.__set_since_us(row.since_us);
  if (row.until_us != kNever_us) wire.__set_until_us(row.until_us);
  if (row.kept != 0) wire.__set_kept(names.levels[row.kept]);
  if (row.kept != 0) wire.__set_kept_until_us(row.kept_until_us);
  if (row.for_life != 0) wire.__set_for_life(names.levels[row.for_life]);
  wire.__set_sequence(int64_t(row.sequence));
  return wire;
}

Result<TierRow> FromWire(const rpc::Standing& standing, const LadderNames& names) {
  TierRow row;
  LOYALTY_ASSIGN_OR_RETURN(row.level, LevelPlace(names, standing.level));
  if (standing.__isset.since_us) row.since_us = standing.since_us;
  if (standing.__isset.until_us) row.until_us = standing.until_us;
  if (standing.__isset.kept) {
    LOYALTY_ASSIGN_OR_RETURN(row.kept, LevelPlace(names, standing.kept));
    row.kept_until_us = standing.kept_until_us;
  }
  if (standing.__isset.for_life) {
    LOYALTY_ASSIGN_OR_RETURN(row.for_life, LevelPlace(names, standing.for_life));
  }
  row.sequence = uint64_t(standing.sequence);
  return row;
}

rpc::Progress ToWire(const TierProgress& progress, const LadderNames& names) {
  rpc::Progress wire;
  wire.__set_now(ToWire(progress.now, names));
  wire.__set_evidence_metrics(progress.evidence_metrics);
  wire.__set_metrics(ToWire(progress.values, names));
  wire.__set_reached_level(names.levels[progress.found]);
  if (progress.next) wire.__set_next_level(names.levels[*progress.next]);
  wire.__set_to_next(ToWire(progress.to_next, names));
  if (progress.ends_us != kNever_us) wire.__set_ends_us(progress.ends_us);
  wire.__set_metrics_at_end(ToWire(progress.values_at_end, names));
  wire.__set_to_stay(ToWire(progress.to_stay, names));
  wire.__set_projected_level(names.levels[progress.projected]);
  return wire;
}

Result<TierProgress> FromWire(const rpc::Progress& progress, const LadderNames& names) {
  TierProgress from;
  LOYALTY_ASSIGN_OR_RETURN(from.now, FromWire(progress.now, names));
  from.evidence_metrics = progress.evidence_metrics;
  LOYALTY_ASSIGN_OR_RETURN(from.values, FromWire(progress.metrics, names));
  LOYALTY_ASSIGN_OR_RETURN(from.found, LevelPlace(names, progress.reached_level));
  if (progress.__isset.next_level) {
    LOYALTY_ASSIGN_OR_RETURN(from.next, LevelPlace(names, progress.next_level));
  }
  LOYALTY_ASSIGN_OR_RETURN(from.to_next, FromWire(progress.to_next, names));
  if (progress.__isset.ends_us) from.ends_us = progress.ends_us;
  LOYALTY_ASSIGN_OR_RETURN(from.values_at_end, FromWire(progress.metrics_at_end, names));
  LOYALTY_ASSIGN_OR_RETURN(from.to_stay, FromWire(progress.to_stay, names));
  LOYALTY_ASSIGN_OR_RETURN(from.projected, LevelPlace(names, progress.projected_level));
  return from;
}

std::string NewRunId() {
  std::random_device random;
  return ToString(Id{uint64_t{random()} << 32 | random(), uint64_t{random()} << 32 | random()});
}

void ToWire(const TierRun& tiers, rpc::Run* run) {
  std::vector<rpc::Move> moves;
  for (size_t l = 0; l < tiers.ladders.size(); ++l) {
    const LadderNames& names = tiers.ladders[l];
    const size_t levels = names.levels.size();
    for (size_t at = 0; at < levels * levels; ++at) {
      if (tiers.moved[l][at] == 0) continue;
      rpc::Move& move = moves.emplace_back();
      move.__set_ladder(names.name);
      move.__set_from_level(names.levels[at / levels]);
      move.__set_to_level(names.levels[at % levels]);
      move.__set_members(int64_t(tiers.moved[l][at]));
    }
  }
  run->moves = std::move(moves);
  run->__isset.moves = true;
  run->__set_ladders(ToWire(tiers.ladders));
  run->__set_at_us(tiers.at_us);
  run->__set_through_sequence(int64_t(tiers.through_sequence));
  run->__set_program_version(int32_t(tiers.program_version));
  run->__set_assessed(int64_t(tiers.assessed));
  run->__set_passed_over(int64_t(tiers.passed_over));
  if (tiers.started_sequence == 0) return;
  run->__set_started_sequence(int64_t(tiers.started_sequence));
  run->__set_finished_sequence(int64_t(tiers.finished_sequence));
}

Result<TierRun> TiersFromWire(const rpc::Run& run) {
  TierRun tiers;
  tiers.at_us = run.at_us;
  tiers.through_sequence = uint64_t(run.through_sequence);
  tiers.program_version = uint32_t(run.program_version);
  tiers.started_sequence = uint64_t(run.started_sequence);
  tiers.finished_sequence = uint64_t(run.finished_sequence);
  tiers.ladders = FromWire(run.ladders);
  tiers.assessed = uint64_t(run.assessed);
  tiers.passed_over = uint64_t(run.passed_over);
  for (const LadderNames& names : tiers.ladders) {
    tiers.moved.emplace_back(names.levels.size() * names.levels.size());
  }
  for (const rpc::Move& move : run.moves) {
    LOYALTY_ASSIGN_OR_RETURN(const uint16_t ladder, LadderPlace(tiers.ladders, move.ladder));
    const LadderNames& names = tiers.ladders[ladder];
    LOYALTY_ASSIGN_OR_RETURN(const uint16_t from, LevelPlace(names, move.from_level));
    LOYALTY_ASSIGN_OR_RETURN(const uint16_t to, LevelPlace(names, move.to_level));
    tiers.moved[ladder][from * names.levels.size() + to] = uint64_t(move.members);
  }
  return tiers;
}

rpc::TierChange ToWire(const TierChange& change, const TierRun& run) {
  const LadderNames& names = run.ladders[change.ladder];
  rpc::TierChange wire;
  wire.__set_ladder(names.name);
  wire.__set_from_level(names.levels[change.from]);
  wire.__set_to_level(names.levels[change.to]);
  wire.__set_effective_us(change.effective_us);
  wire.__set_assessed_us(change.assessed_us);
  if (change.until_us != kNever_us) wire.__set_until_us(change.until_us);
  const auto first = run.values.begin() + int64_t(change.first_value);
  wire.__set_values({first, first + int64_t(names.metrics.size())});
  return wire;
}

Status AddFromWire(const rpc::TierChange& change, uint32_t member, TierRun* run) {
  TierChange& to = run->changes.emplace_back();
  to.member = member;
  LOYALTY_ASSIGN_OR_RETURN(to.ladder, LadderPlace(run->ladders, change.ladder));
  const LadderNames& names = run->ladders[to.ladder];
  LOYALTY_ASSIGN_OR_RETURN(to.from, LevelPlace(names, change.from_level));
  LOYALTY_ASSIGN_OR_RETURN(to.to, LevelPlace(names, change.to_level));
  to.effective_us = change.effective_us;
  to.assessed_us = change.assessed_us;
  to.until_us = change.__isset.until_us ? change.until_us : kNever_us;
  to.first_value = run->values.size();
  run->values.insert(run->values.end(), change.values.begin(), change.values.end());
  run->values.resize(to.first_value + names.metrics.size());
  return {};
}

}  // namespace loyalty::wire

#include "to_wire.h"

#include <utility>

#include "faults.h"

namespace loyalty::service {
namespace {

std::string ToBytes(const Id& id) {
  std::string bytes(16, '\0');
  StoreId(id, reinterpret_cast<uint8_t*>(bytes.data()));
  return bytes;
}

rpc::Parts ToParts(const BalanceParts& parts) {
  rpc::Parts wire;
  wire.__set_active(parts.active);
  wire.__set_pending(parts.pending);
  wire.__set_held(parts.held);
  wire.__set_arrears(parts.arrears);
  return wire;
}

rpc::LotState::type ToState(LotState state) {
  switch (state) {
    case LotState::kActive: return rpc::LotState::ACTIVE;
    case LotState::kPending: return rpc::LotState::PENDING;
    case LotState::kHeld: return rpc::LotState::HELD;
    case LotState::kExpired: return rpc::LotState::EXPIRED;
    case LotState::kLost: return rpc::LotState::LOST;
  }
  return rpc::LotState::UNSPECIFIED;
}

std::vector<rpc::Lot> ToLots(const std::vector<LotChange>& changes) {
  std::vector<rpc::Lot> lots(changes.size());
  for (size_t i = 0; i < lots.size(); ++i) {
    lots[i].__set_sequence(int64_t(changes[i].sequence));
    lots[i].__set_points(changes[i].points);
    lots[i].__set_expires_us(changes[i].expires_us);
  }
  return lots;
}

using Needs = std::vector<std::vector<rpc::Need>>;
Needs ToNeeds(const std::vector<std::vector<TierNeed>>& alternatives, const LadderNames& names) {
  Needs wire;
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

}  // namespace

rpc::MemberKey ToWire(const OwnedKey& key) {
  rpc::MemberKey wire;
  if (key.sort == OwnedKey::kNumber) wire.__set_number(key.number);
  if (key.sort == OwnedKey::kText) wire.__set_text(key.text);
  return wire;
}

rpc::PostingReply ToWire(const Reply& reply) {
  rpc::PostingReply wire;
  wire.__set_status(int32_t(reply.status));
  wire.__set_sequence(int64_t(reply.sequence));
  wire.__set_points(reply.points);
  wire.__set_balance(ToParts(reply.balance));
  wire.__set_repaid(reply.repaid);
  wire.__set_limit(reply.limit);
  return wire;
}

rpc::Balance ToWire(const Balance& balance, bool expiring) {
  rpc::Balance wire;
  wire.__set_found(balance.found);
  wire.__set_parts(ToParts(balance.parts));
  if (expiring && balance.expiring_us != kNever_us) {
    wire.__set_expiring_points(balance.expiring_points);
    wire.__set_expiring_us(balance.expiring_us);
  }
  wire.__set_lifetime_earned(balance.lifetime_earned);
  wire.__set_lifetime_redeemed(balance.lifetime_redeemed);
  wire.__set_sequence(int64_t(balance.sequence));
  return wire;
}

rpc::Totals ToWire(const Totals& totals) {
  rpc::Totals wire;
  wire.__set_currency(totals.currency);
  wire.__set_members(totals.members);
  wire.__set_issued(totals.issued);
  wire.__set_redeemed(totals.redeemed);
  wire.__set_expired(totals.expired);
  wire.__set_adjusted(totals.adjusted);
  return wire;
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

std::string ToWire(const StatementCursor& cursor) {
  return std::to_string(cursor.through_sequence) + "." + std::to_string(cursor.effective_us) + "." +
         std::to_string(cursor.sequence);
}

rpc::Run ToWire(const ExpiryReport& report, const std::vector<std::string>& currencies) {
  std::vector<rpc::ExpiryLine> lines;
  for (const ExpiryReport::Line& line : report.lines) {
    rpc::ExpiryLine& to = lines.emplace_back();
    to.__set_kind(int32_t(line.kind));
    to.__set_currency(currencies[line.currency]);
    to.__set_year(line.month / 12);
    to.__set_month(line.month % 12 + 1);
    to.__set_entries(int64_t(line.entries));
    to.__set_points(line.points);
  }
  rpc::Run wire;
  wire.expired = std::move(lines);
  wire.__isset.expired = true;
  if (report.started_sequence != 0) {
    wire.__set_started_sequence(int64_t(report.started_sequence));
    wire.__set_finished_sequence(int64_t(report.finished_sequence));
  }
  return wire;
}

rpc::Run ToWire(const TierRun& run) {
  std::vector<rpc::Move> moves;
  for (size_t l = 0; l < run.ladders.size(); ++l) {
    const LadderNames& names = run.ladders[l];
    const size_t levels = names.levels.size();
    for (size_t at = 0; at < levels * levels; ++at) {
      if (run.moved[l][at] == 0) continue;
      rpc::Move& move = moves.emplace_back();
      move.__set_ladder(names.name);
      move.__set_from_level(names.levels[at / levels]);
      move.__set_to_level(names.levels[at % levels]);
      move.__set_members(int64_t(run.moved[l][at]));
    }
  }
  rpc::Run wire;
  wire.moves = std::move(moves);
  wire.__isset.moves = true;
  wire.__set_assessed(int64_t(run.assessed));
  wire.__set_passed_over(int64_t(run.passed_over));
  if (run.started_sequence != 0) {
    wire.__set_started_sequence(int64_t(run.started_sequence));
    wire.__set_finished_sequence(int64_t(run.finished_sequence));
  }
  return wire;
}

const std::string& Records::TextOf(uint32_t code) {
  const auto known = texts_.find(code);
  if (known != texts_.end()) return known->second;
  return texts_.emplace(code, ValueOrThrow(ledger_.CodeText(code))).first->second;
}

const rpc::MemberKey& Records::KeyOf(uint32_t slot) {
  const auto known = keys_.find(slot);
  if (known != keys_.end()) return known->second;
  return keys_.emplace(slot, service::ToWire(ValueOrThrow(ledger_.KeyOf(slot)))).first->second;
}

rpc::LevelChange Records::ToWire(const LevelChange& change) {
  rpc::LevelChange wire;
  wire.__set_ladder(TextOf(change.ladder));
  wire.__set_from_level(TextOf(change.from));
  wire.__set_to_level(TextOf(change.to.level));
  wire.__set_since_us(change.to.since_us);
  if (change.to.until_us != kNever_us) wire.__set_until_us(change.to.until_us);
  if (change.assessed_us != kNever_us) wire.__set_assessed_us(change.assessed_us);
  wire.__set_values(change.values);
  return wire;
}

rpc::Record Records::ToWire(const Record& record) {
  const Entry& entry = record.entry;
  rpc::Record wire;
  wire.__set_sequence(int64_t(record.sequence));
  wire.__set_recorded_us(record.recorded_us);
  wire.__set_kind(int32_t(entry.kind));
  wire.__set_status(int32_t(entry.status));
  if (!entry.id.is_zero()) wire.__set_id(ToBytes(entry.id));
  if (entry.member != Entry::kNoMember) {
    wire.__set_member(KeyOf(entry.member));
    if (entry.currency < currencies_.size()) wire.__set_currency(currencies_[entry.currency]);
  }
  wire.__set_points(entry.points);
  wire.__set_money(entry.money);
  wire.__set_effective_us(entry.effective_us);
  wire.__set_expires_us(entry.expires_us);
  const Codes& codes = entry.codes;
  rpc::Codes texts;
  if (codes.rule != 0) texts.__set_rule(TextOf(codes.rule));
  if (codes.channel != 0) texts.__set_channel(TextOf(codes.channel));
  if (codes.location != 0) texts.__set_location(TextOf(codes.location));
  if (codes.category != 0) texts.__set_category(TextOf(codes.category));
  if (codes.actor != 0) texts.__set_actor(TextOf(codes.actor));
  if (codes.reason != 0) texts.__set_reason(TextOf(codes.reason));
  wire.codes = std::move(texts);
  wire.__isset.codes = true;
  if (entry.related != 0) wire.__set_related_sequence(int64_t(entry.related));
  wire.__set_tag(int64_t(entry.tag));
  if (!record.text.empty()) wire.__set_text(record.text);
  wire.__set_program_version(int32_t(record.program_version));
  AddDetails(record, &wire);
  return wire;
}

void Records::AddDetails(const Record& record, rpc::Record* wire) {
  const Details& details = record.details;
  const Terms& terms = details.terms;
  if (terms.activates_us != kByProgram) wire->__set_activates_us(terms.activates_us);
  if (terms.deadline_us != kNever_us) wire->__set_deadline_us(terms.deadline_us);
  if (terms.floor != kByProgram) wire->__set_floor(terms.floor);
  if (terms.ceiling != kByProgram) wire->__set_ceiling(terms.ceiling);
  if (details.other >= 0) wire->__set_other(KeyOf(uint32_t(details.other)));
  wire->__set_balance(ToParts(
      {record.entry.balance, details.pending_after, details.held_after, details.arrears_after}));
  if (record.level) {
    wire->__set_level(ToWire(*record.level));
  } else if (terms.ladder != 0) {
    rpc::LevelChange asked;
    asked.__set_ladder(TextOf(uint32_t(terms.ladder)));
    asked.__set_to_level(TextOf(uint32_t(terms.level)));
    wire->level = std::move(asked);
    wire->__isset.level = true;
  }
  if (details.asked != 0) wire->__set_asked(details.asked);
  if (details.held != 0) wire->__set_held(details.held);
  if (details.revived != 0) wire->__set_revived(details.revived);
  if (details.repaid != 0) wire->__set_repaid(details.repaid);
  if (details.limit != 0) wire->__set_limit(details.limit);
}

std::vector<rpc::Record> Records::ToWire(std::span<const Record> records) {
  std::vector<rpc::Record> wire;
  wire.reserve(records.size());
  for (const Record& record : records) wire.push_back(ToWire(record));
  return wire;
}

rpc::Progress Records::ToWire(const TierProgress& progress, const LadderNames& names) {
  rpc::Progress wire;
  wire.__set_now(service::ToWire(progress.now, names));
  if (progress.evidence) wire.__set_evidence(ToWire(*progress.evidence));
  wire.__set_evidence_metrics(progress.evidence_metrics);
  std::vector<rpc::MetricValue> metrics(progress.values.size());
  for (size_t k = 0; k < metrics.size(); ++k) {
    metrics[k].__set_name(names.metrics[k]);
    metrics[k].__set_value(progress.values[k]);
  }
  wire.metrics = std::move(metrics);
  wire.__isset.metrics = true;
  if (progress.next) wire.__set_next_level(names.levels[*progress.next]);
  wire.__set_to_next(ToNeeds(progress.to_next, names));
  if (progress.ends_us != kNever_us) wire.__set_ends_us(progress.ends_us);
  wire.__set_to_stay(ToNeeds(progress.to_stay, names));
  wire.__set_projected_level(names.levels[progress.projected]);
  return wire;
}

rpc::ExplainResponse Records::ToWire(const Explanation& explanation) {
  rpc::ExplainResponse wire;
  wire.__set_sequence(int64_t(explanation.sequence));
  wire.__set_took(ToLots(explanation.took));
  wire.__set_used(ToLots(explanation.used));
  std::vector<rpc::LotLeft> left;
  for (const Explanation::Left& lot : explanation.left) {
    rpc::LotLeft& to = left.emplace_back();
    to.__set_member(KeyOf(lot.member));
    to.__set_state(ToState(lot.state));
    to.__set_points(lot.points);
    to.__set_expires_us(lot.expires_us);
  }
  wire.left = std::move(left);
  wire.__isset.left = true;
  wire.__set_about({explanation.about.begin(), explanation.about.end()});
  wire.__set_records(ToWire(explanation.records));
  return wire;
}

}  // namespace loyalty::service

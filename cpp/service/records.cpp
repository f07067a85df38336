#include "records.h"

#include <utility>

#include "faults.h"
#include "wire/levels.h"
#include "wire/points.h"

namespace loyalty::service {

const std::string& Records::TextOf(uint32_t code) {
  const auto known = texts_.find(code);
  if (known != texts_.end()) return known->second;
  return texts_.emplace(code, ValueOrThrow(ledger_.CodeText(code))).first->second;
}

const rpc::MemberKey& Records::KeyOf(uint32_t slot) {
  const auto known = keys_.find(slot);
  if (known != keys_.end()) return known->second;
  return keys_.emplace(slot, wire::ToWire(ValueOrThrow(ledger_.KeyOf(slot)))).first->second;
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
  if (!entry.id.is_zero()) wire.__set_id(wire::ToWire(entry.id));
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
  wire->__set_balance(wire::ToWire(BalanceParts{record.entry.balance, details.pending_after,
                                                details.held_after, details.arrears_after}));
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
  rpc::Progress wire = wire::ToWire(progress, names);
  if (progress.evidence) wire.__set_evidence(ToWire(*progress.evidence));
  return wire;
}

rpc::TierChange Records::ToWire(const TierChange& change, const TierRun& run) {
  rpc::TierChange wire = wire::ToWire(change, run);
  wire.__set_member(KeyOf(change.member));
  return wire;
}

rpc::ExplainResponse Records::ToWire(const Explanation& explanation) {
  rpc::ExplainResponse wire;
  wire.__set_sequence(int64_t(explanation.sequence));
  wire.__set_took(wire::ToWire(explanation.took));
  wire.__set_used(wire::ToWire(explanation.used));
  std::vector<rpc::LotLeft> left;
  for (const Explanation::Left& lot : explanation.left) {
    rpc::LotLeft& to = left.emplace_back();
    to.__set_member(KeyOf(lot.member));
    to.__set_state(wire::ToWire(lot.state));
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

#include "convert.h"

#include <algorithm>
#include <utility>

#include "wire/points.h"

namespace loyalty::client {
namespace {

// Whether absent points mean what the programme makes of the money.
bool MayBeByProgram(Kind kind) { return kind == Kind::kEarn || kind == Kind::kReverse; }

rpc::PostingId ToPostingId(const Id& id) {
  rpc::PostingId wire;
  wire.__set_id(wire::ToWire(id));
  return wire;
}

Result<rpc::Codes> ToTexts(const Codes& codes, const Symbols& symbols) {
  rpc::Codes wire;
  const auto put = [&](uint32_t code, void (rpc::Codes::*set)(const std::string&)) -> Status {
    if (code == 0) return {};
    LOYALTY_ASSIGN_OR_RETURN(const std::string text, symbols.TextOf(code));
    (wire.*set)(text);
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(put(codes.rule, &rpc::Codes::__set_rule));
  LOYALTY_RETURN_IF_ERROR(put(codes.channel, &rpc::Codes::__set_channel));
  LOYALTY_RETURN_IF_ERROR(put(codes.location, &rpc::Codes::__set_location));
  LOYALTY_RETURN_IF_ERROR(put(codes.category, &rpc::Codes::__set_category));
  LOYALTY_RETURN_IF_ERROR(put(codes.actor, &rpc::Codes::__set_actor));
  LOYALTY_RETURN_IF_ERROR(put(codes.reason, &rpc::Codes::__set_reason));
  return wire;
}

Status AddTerms(const Terms& terms, const Symbols& symbols, rpc::Posting* wire) {
  if (terms.activates_us != kByProgram) wire->__set_activates_us(terms.activates_us);
  if (terms.deadline_us != kNever_us) wire->__set_deadline_us(terms.deadline_us);
  if (terms.floor != kByProgram) wire->__set_floor(terms.floor);
  if (terms.ceiling != kByProgram) wire->__set_ceiling(terms.ceiling);
  if (terms.ladder != 0) {
    LOYALTY_ASSIGN_OR_RETURN(wire->ladder, symbols.TextOf(uint32_t(terms.ladder)));
    wire->__isset.ladder = true;
  }
  if (terms.level != 0) {
    LOYALTY_ASSIGN_OR_RETURN(wire->level, symbols.TextOf(uint32_t(terms.level)));
    wire->__isset.level = true;
  }
  return {};
}

Result<rpc::Posting> ToWire(const Posting& posting, const Symbols& symbols,
                            const std::vector<std::string>& currencies) {
  rpc::Posting wire;
  if (!posting.id.is_zero()) wire.__set_id(ToPostingId(posting.id));
  wire.__set_kind(int32_t(posting.kind));
  if (posting.currency >= currencies.size()) {
    return Status(StatusCode::kInvalidArgument,
                  "there is no currency " + std::to_string(posting.currency));
  }
  wire.__set_currency(currencies[posting.currency]);
  wire.__set_member(wire::ToWire(posting.member));
  const bool is_by_program = posting.points == kByProgram && MayBeByProgram(posting.kind);
  if (!is_by_program) wire.__set_points(posting.points);
  if (posting.money != 0 || is_by_program) wire.__set_money(posting.money);
  wire.__set_effective_us(posting.effective_us);
  if (posting.expires_us != kByProgram) wire.__set_expires_us(posting.expires_us);
  if (posting.codes != Codes()) {
    LOYALTY_ASSIGN_OR_RETURN(wire.codes, ToTexts(posting.codes, symbols));
    wire.__isset.codes = true;
  }
  if (!posting.related.is_zero()) wire.__set_related(ToPostingId(posting.related));
  if (posting.tag != 0) wire.__set_tag(int64_t(posting.tag));
  if (posting.terms) LOYALTY_RETURN_IF_ERROR(AddTerms(*posting.terms, symbols, &wire));
  if (posting.other) wire.__set_other(wire::ToWire(*posting.other));
  if (posting.linked) wire.__set_linked(true);
  return wire;
}

}  // namespace

Result<std::vector<rpc::Posting>> ToWire(std::span<const Posting> postings, const Symbols& symbols,
                                         const std::vector<std::string>& currencies) {
  std::vector<rpc::Posting> wire;
  wire.reserve(postings.size());
  for (const Posting& posting : postings) {
    LOYALTY_ASSIGN_OR_RETURN(rpc::Posting one, ToWire(posting, symbols, currencies));
    wire.push_back(std::move(one));
  }
  return wire;
}

std::vector<Record> Records::FromWire(const std::vector<rpc::Record>& records) {
  std::vector<Record> from;
  from.reserve(records.size());
  for (const rpc::Record& record : records) from.push_back(FromWire(record));
  return from;
}

Record Records::FromWire(const rpc::Record& wire) {
  Record record;
  record.sequence = uint64_t(wire.sequence);
  record.recorded_us = wire.recorded_us;
  Entry& entry = record.entry;
  if (wire.id.size() == 16) entry.id = LoadId(reinterpret_cast<const uint8_t*>(wire.id.data()));
  entry.effective_us = wire.effective_us;
  entry.points = wire.points;
  entry.money = wire.money;
  entry.expires_us = wire.expires_us;
  entry.balance = wire.balance.active;
  entry.related = uint64_t(wire.related_sequence);
  entry.tag = uint64_t(wire.tag);
  if (wire.__isset.member) entry.member = symbols_.SlotOf(wire::FromWire(wire.member));
  entry.codes = {symbols_.CodeOf(wire.codes.rule),     symbols_.CodeOf(wire.codes.channel),
                 symbols_.CodeOf(wire.codes.location), symbols_.CodeOf(wire.codes.category),
                 symbols_.CodeOf(wire.codes.actor),    symbols_.CodeOf(wire.codes.reason)};
  if (wire.__isset.currency) {
    const auto found = std::find(currencies_.begin(), currencies_.end(), wire.currency);
    entry.currency = uint16_t(found - currencies_.begin());
  }
  entry.status = PostingStatus(wire.status);
  entry.kind = Kind(wire.kind);
  record.details = DetailsOf(wire);
  record.text = wire.text;
  if (wire.__isset.level) record.level = FromWire(wire.level);
  record.program_version = uint32_t(wire.program_version);
  return record;
}

Details Records::DetailsOf(const rpc::Record& wire) {
  Details details;
  Terms& terms = details.terms;
  if (wire.__isset.activates_us) terms.activates_us = wire.activates_us;
  if (wire.__isset.deadline_us) terms.deadline_us = wire.deadline_us;
  if (wire.__isset.floor) terms.floor = wire.floor;
  if (wire.__isset.ceiling) terms.ceiling = wire.ceiling;
  if (wire.__isset.other) {
    const uint32_t slot = symbols_.SlotOf(wire::FromWire(wire.other));
    if (slot != Entry::kNoMember) details.other = slot;
  }
  details.asked = wire.asked;
  details.held = wire.held;
  details.revived = wire.revived;
  details.repaid = wire.repaid;
  details.limit = wire.limit;
  details.pending_after = wire.balance.pending;
  details.held_after = wire.balance.held;
  details.arrears_after = wire.balance.arrears;
  return details;
}

LevelChange Records::FromWire(const rpc::LevelChange& wire) {
  LevelChange change;
  change.ladder = symbols_.CodeOf(wire.ladder);
  change.from = symbols_.CodeOf(wire.from_level);
  change.to.level = symbols_.CodeOf(wire.to_level);
  if (wire.__isset.since_us) change.to.since_us = wire.since_us;
  if (wire.__isset.until_us) change.to.until_us = wire.until_us;
  if (wire.__isset.assessed_us) change.assessed_us = wire.assessed_us;
  change.values = wire.values;
  return change;
}

Explanation Records::FromWire(const rpc::ExplainResponse& wire) {
  Explanation explanation;
  explanation.sequence = uint64_t(wire.sequence);
  explanation.took = wire::FromWire(wire.took);
  explanation.used = wire::FromWire(wire.used);
  for (const rpc::LotLeft& left : wire.left) {
    explanation.left.push_back({symbols_.SlotOf(wire::FromWire(left.member)),
                                wire::StateFromWire(left.state), left.points, left.expires_us});
  }
  explanation.about.assign(wire.about.begin(), wire.about.end());
  explanation.records = FromWire(wire.records);
  return explanation;
}

}  // namespace loyalty::client

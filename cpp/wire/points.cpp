#include "wire/points.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace loyalty::wire {
namespace {

// As ToWire writes a cursor: numbers with points between them.
template <typename Number>
bool Read(const char** at, const char* end, char after, Number* number) {
  const auto [rest, error] = std::from_chars(*at, end, *number);
  if (error != std::errc()) return false;
  if (after == '\0') return rest == end;
  *at = rest + 1;
  return rest != end && *rest == after;
}

}  // namespace

std::string ToWire(const Id& id) {
  std::string bytes(16, '\0');
  StoreId(id, reinterpret_cast<uint8_t*>(bytes.data()));
  return bytes;
}

rpc::MemberKey ToWire(const MemberKey& key) {
  rpc::MemberKey wire;
  if (key.is_text) {
    wire.__set_text(std::string(key.text));
  } else {
    wire.__set_number(key.number);
  }
  return wire;
}

rpc::MemberKey ToWire(const OwnedKey& key) {
  rpc::MemberKey wire;
  if (key.sort == OwnedKey::kNumber) wire.__set_number(key.number);
  if (key.sort == OwnedKey::kText) wire.__set_text(key.text);
  return wire;
}

std::vector<rpc::MemberKey> ToWire(std::span<const MemberKey> keys) {
  std::vector<rpc::MemberKey> wire;
  wire.reserve(keys.size());
  for (const MemberKey& key : keys) wire.push_back(ToWire(key));
  return wire;
}

OwnedKey FromWire(const rpc::MemberKey& key) {
  if (key.__isset.number) return OwnedKey(MemberKey(key.number));
  if (key.__isset.text) return OwnedKey(MemberKey(std::string_view(key.text)));
  return {};
}

rpc::Parts ToWire(const BalanceParts& parts) {
  rpc::Parts wire;
  wire.__set_active(parts.active);
  wire.__set_pending(parts.pending);
  wire.__set_held(parts.held);
  wire.__set_arrears(parts.arrears);
  return wire;
}

BalanceParts FromWire(const rpc::Parts& parts) {
  return {parts.active, parts.pending, parts.held, parts.arrears};
}

rpc::PostingReply ToWire(const Reply& reply) {
  rpc::PostingReply wire;
  wire.__set_status(int32_t(reply.status));
  wire.__set_sequence(int64_t(reply.sequence));
  wire.__set_points(reply.points);
  wire.__set_balance(ToWire(reply.balance));
  wire.__set_repaid(reply.repaid);
  wire.__set_limit(reply.limit);
  return wire;
}

Reply FromWire(const rpc::PostingReply& reply) {
  return {PostingStatus(reply.status),
          uint64_t(reply.sequence),
          FromWire(reply.balance),
          reply.points,
          reply.repaid,
          reply.limit};
}

rpc::Balance ToWire(const Balance& balance, bool expiring) {
  rpc::Balance wire;
  wire.__set_found(balance.found);
  wire.__set_parts(ToWire(balance.parts));
  if (expiring && balance.expiring_us != kNever_us) {
    wire.__set_expiring_points(balance.expiring_points);
    wire.__set_expiring_us(balance.expiring_us);
  }
  wire.__set_lifetime_earned(balance.lifetime_earned);
  wire.__set_lifetime_redeemed(balance.lifetime_redeemed);
  wire.__set_sequence(int64_t(balance.sequence));
  return wire;
}

Balance FromWire(const rpc::Balance& balance) {
  return {.found = balance.found,
          .parts = FromWire(balance.parts),
          .expiring_points = balance.expiring_points,
          .expiring_us = balance.__isset.expiring_us ? balance.expiring_us : kNever_us,
          .lifetime_earned = balance.lifetime_earned,
          .lifetime_redeemed = balance.lifetime_redeemed,
          .sequence = uint64_t(balance.sequence)};
}

rpc::AsOf ToWire(const AsOf& as_of) {
  rpc::AsOf wire;
  if (as_of.effective_us) wire.__set_effective_us(*as_of.effective_us);
  if (as_of.recorded_us) wire.__set_recorded_us(*as_of.recorded_us);
  if (as_of.sequence) wire.__set_sequence(int64_t(*as_of.sequence));
  return wire;
}

std::string ToWire(const StatementCursor& cursor) {
  return std::to_string(cursor.through_sequence) + "." + std::to_string(cursor.effective_us) + "." +
         std::to_string(cursor.sequence);
}

std::optional<StatementCursor> CursorFromWire(const std::string& cursor) {
  StatementCursor place;
  const char* at = cursor.data();
  const char* const end = at + cursor.size();
  if (Read(&at, end, '.', &place.through_sequence) && Read(&at, end, '.', &place.effective_us) &&
      Read(&at, end, '\0', &place.sequence)) {
    return place;
  }
  return std::nullopt;
}

std::vector<rpc::Lot> ToWire(const std::vector<LotChange>& lots) {
  std::vector<rpc::Lot> wire(lots.size());
  for (size_t i = 0; i < lots.size(); ++i) {
    wire[i].__set_sequence(int64_t(lots[i].sequence));
    wire[i].__set_points(lots[i].points);
    wire[i].__set_expires_us(lots[i].expires_us);
  }
  return wire;
}

std::vector<LotChange> FromWire(const std::vector<rpc::Lot>& lots) {
  std::vector<LotChange> changes;
  changes.reserve(lots.size());
  for (const rpc::Lot& lot : lots) {
    changes.push_back({uint64_t(lot.sequence), lot.points, lot.expires_us});
  }
  return changes;
}

rpc::LotState::type ToWire(LotState state) {
  switch (state) {
    case LotState::kActive: return rpc::LotState::ACTIVE;
    case LotState::kPending: return rpc::LotState::PENDING;
    case LotState::kHeld: return rpc::LotState::HELD;
    case LotState::kExpired: return rpc::LotState::EXPIRED;
    case LotState::kLost: return rpc::LotState::LOST;
  }
  return rpc::LotState::UNSPECIFIED;
}

LotState StateFromWire(int32_t state) {
  switch (state) {
    case rpc::LotState::PENDING: return LotState::kPending;
    case rpc::LotState::HELD: return LotState::kHeld;
    case rpc::LotState::EXPIRED: return LotState::kExpired;
    case rpc::LotState::LOST: return LotState::kLost;
    default: return LotState::kActive;
  }
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

Totals FromWire(const rpc::Totals& totals) {
  return {totals.currency, totals.members, totals.issued,
          totals.redeemed, totals.expired, totals.adjusted};
}

rpc::Spender ToWire(const Ledger::Spender& spender) {
  rpc::Spender wire;
  if (spender.member.sort != OwnedKey::kErased) wire.__set_member(ToWire(spender.member));
  if (spender.limit != kNoCeiling) wire.__set_limit(spender.limit);
  wire.__set_spent(spender.spent);
  return wire;
}

Ledger::Spender FromWire(const rpc::Spender& spender) {
  return {FromWire(spender.member), spender.__isset.limit ? spender.limit : kNoCeiling,
          spender.spent};
}

rpc::LedgerInfoResponse ToWire(const Info& info) {
  rpc::LedgerInfoResponse wire;
  wire.__set_sequence(int64_t(info.sequence));
  wire.__set_digest({info.digest.begin(), info.digest.end()});
  wire.__set_members(int64_t(info.members));
  wire.__set_segments(int64_t(info.segments));
  wire.__set_history_sequence(int64_t(info.history_sequence));
  wire.__set_checkpoint_sequence(int64_t(info.checkpoint_sequence));
  wire.__set_at_once_sequence(int64_t(info.at_once_sequence));
  wire.__set_journal_bytes(int64_t(info.journal_bytes));
  wire.__set_ids_bytes(int64_t(info.ids_bytes));
  wire.__set_history_bytes(int64_t(info.history_bytes));
  wire.__set_state_bytes(int64_t(info.state_bytes));
  wire.__set_disk_bytes(int64_t(info.disk_bytes));
  wire.__set_state_ram_bytes(int64_t(info.state_ram_bytes));
  wire.__set_replay_s(info.replay_s);
  wire.__set_replayed_entries(int64_t(info.replayed_entries));
  wire.__set_currencies(info.currencies);
  return wire;
}

Info FromWire(const rpc::LedgerInfoResponse& info) {
  Info from{.sequence = uint64_t(info.sequence),
            .members = uint64_t(info.members),
            .segments = uint64_t(info.segments),
            .history_sequence = uint64_t(info.history_sequence),
            .checkpoint_sequence = uint64_t(info.checkpoint_sequence),
            .at_once_sequence = uint64_t(info.at_once_sequence),
            .journal_bytes = uint64_t(info.journal_bytes),
            .ids_bytes = uint64_t(info.ids_bytes),
            .history_bytes = uint64_t(info.history_bytes),
            .state_bytes = uint64_t(info.state_bytes),
            .disk_bytes = uint64_t(info.disk_bytes),
            .state_ram_bytes = uint64_t(info.state_ram_bytes),
            .replay_s = info.replay_s,
            .replayed_entries = uint64_t(info.replayed_entries),
            .currencies = info.currencies};
  const size_t bytes = std::min(info.digest.size(), from.digest.size());
  std::copy_n(info.digest.begin(), bytes, from.digest.begin());
  return from;
}

void ToWire(const ExpiryReport& report, const std::vector<std::string>& currencies, rpc::Run* run) {
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
  run->expired = std::move(lines);
  run->__isset.expired = true;
  if (report.started_sequence == 0) return;
  run->__set_started_sequence(int64_t(report.started_sequence));
  run->__set_finished_sequence(int64_t(report.finished_sequence));
}

ExpiryReport ExpiryFromWire(const rpc::Run& run, const std::vector<std::string>& currencies) {
  ExpiryReport report;
  report.started_sequence = uint64_t(run.started_sequence);
  report.finished_sequence = uint64_t(run.finished_sequence);
  for (const rpc::ExpiryLine& line : run.expired) {
    const auto currency = std::find(currencies.begin(), currencies.end(), line.currency);
    report.lines.push_back({Kind(line.kind), uint16_t(currency - currencies.begin()),
                            line.year * 12 + line.month - 1, uint64_t(line.entries), line.points});
  }
  return report;
}

}  // namespace loyalty::wire

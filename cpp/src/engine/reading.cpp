// The reading half of LedgerImpl.
#include <algorithm>
#include <filesystem>

#include "engine/ledger_impl.h"
#include "engine/records.h"
#include "engine/verify.h"

namespace loyalty::engine {
namespace {

Balance PlainBalance(const ledger::Account& account) {
  Balance balance;
  balance.found = true;
  balance.parts.active = account.total;
  balance.lifetime_earned = account.lifetime_earned;
  balance.lifetime_redeemed = account.lifetime_redeemed;
  balance.sequence = account.sequence;
  return balance;
}

// As the account's lots and extra say, if need be.
Balance BalanceAt(const ledger::Page& page, const ledger::Account& account,
                  const BalanceQuery& query) {
  Balance balance = PlainBalance(account);
  balance.parts = page.PartsAt(account, query.at_us);
  if (!query.expiring) return balance;
  const ledger::Extra& extra = page.extras.Of(account);
  const auto count = [&](uint64_t source, int64_t expires_us, int64_t points) {
    if (!extra.IsActive(source, expires_us, query.at_us)) return;
    if (expires_us > balance.expiring_us || expires_us == kNever_us) return;
    if (expires_us < balance.expiring_us) balance.expiring_points = 0;
    balance.expiring_us = expires_us;
    balance.expiring_points += points;
  };
  const bool by_inactivity = page.lots.InactiveFrom(account) != kNever_us;
  page.lots.ForEach(account, [&](const ledger::Lot& lot, int64_t expires_us) {
    count(lot.order().source, expires_us, lot.points);
    return by_inactivity || expires_us <= std::max(balance.expiring_us, query.at_us) ||
           balance.expiring_us == kNever_us;
  });
  for (const ledger::Hold& hold : extra.holds) {
    if (hold.until_us > query.at_us) continue;  // else it is back where it came from
    for (const ledger::LotMovement& m : hold.taken) {
      count(m.source, page.lots.ExpiryOf(account, ledger::OrderOf(m)), -m.points);
    }
  }
  return balance;
}

// Files may come and go while it counts: what is gone counts nothing.
uint64_t DirectoryBytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (auto at = std::filesystem::recursive_directory_iterator(directory, error);
       !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    std::error_code gone;
    const uint64_t size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

Status LedgerImpl::CheckCurrency(uint16_t currency) const {
  const size_t currencies = Currencies().size();
  if (currency < currencies) return {};
  return {StatusCode::kInvalidArgument, "there is no currency number " + std::to_string(currency) +
                                            "; the ledger has " + std::to_string(currencies)};
}

Result<std::string> LedgerImpl::CodeText(uint32_t code) const {
  if (code < core_->state->codes.size()) return core_->state->codes.At(code);
  return Status(StatusCode::kNotFound, "there is no code number " + std::to_string(code));
}

Result<OwnedKey> LedgerImpl::KeyOf(uint32_t member) const {
  if (member < core_->state->keys.size()) return core_->KeyOf(member);
  return Status(StatusCode::kNotFound, "there is no member in slot " + std::to_string(member));
}

Status LedgerImpl::Balances(std::span<const MemberKey> members, const BalanceQuery& query,
                            std::span<Balance> balances) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_RETURN_IF_ERROR(CheckCurrency(query.currency));
  if (balances.size() != members.size()) {
    return {StatusCode::kInvalidArgument, "there must be one balance for each member"};
  }
  std::vector<uint32_t> slots(members.size());
  std::vector<size_t> not_plain;  // lots are not to be read beside the writer
  const auto read = [&](const ledger::State& state, uint64_t* needs) {
    state.keys.FindAll([&](size_t i) -> const MemberKey& { return members[i]; }, slots);
    uint64_t version;
    do {  // again when one member became two, or two one, in between
      version = state.merges.StableVersion();
      uint64_t newest = state.merges.last_sequence();
      not_plain.clear();
      for (size_t i = 0; i < slots.size(); ++i) {
        balances[i] = {};
        if (slots[i] == Entry::kNoMember) {
          newest = std::max(newest, state.keys.erased_sequence());
          continue;
        }
        const uint32_t slot = state.merges.SurvivorOf(slots[i]);
        const ledger::Account account = state.ReadAccount(slot, query.currency);
        balances[i] = PlainBalance(account);
        if (!account.IsPlainAt(query.expiring ? kMaxTime_us - 1 : query.at_us)) {
          not_plain.push_back(i);
        }
        // Without postings yet, the member's opening is what has to be durable.
        newest = std::max(newest, account.sequence ? account.sequence : state.PageSequence(slot));
      }
      if (needs) *needs = newest;
    } while (state.merges.version() != version);
    return true;
  };
  LOYALTY_RETURN_IF_ERROR(core_->ReadDurable(read).status());
  if (not_plain.empty()) return {};
  return ReadBetweenPostings([&](const ledger::State& state) {
    for (size_t i : not_plain) {
      const uint32_t slot = state.merges.SurvivorOf(slots[i]);
      const ledger::Page& page = *state.PageOf(slot);
      balances[i] = BalanceAt(page, page.GetAccount(slot, query.currency), query);
    }
  });
}

Status LedgerImpl::ReadBetweenPostings(
    const std::function<void(const ledger::State&)>& read) const {
  const Status status = pipeline_.Inspect([&] { read(*core_->state); });
  if (status.ok() || core_->durable.failure().ok()) return status;
  // The writer has failed: what is durable is in the rescued state, which nobody changes.
  core_->rescue_over.Wait();
  const ledger::State* const rescued = core_->readable.load();
  if (rescued == nullptr) return core_->durable.failure();
  read(*rescued);
  return {};
}

Result<std::vector<Ledger::Spender>> LedgerImpl::SpendersOf(const MemberKey& pool,
                                                            uint16_t currency) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_RETURN_IF_ERROR(CheckCurrency(currency));
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, core_->FindMember(pool));
  if (slot == Entry::kNoMember) {
    return Status(StatusCode::kNotFound, "there is no member " + ToString(pool));
  }
  std::vector<Spender> spenders;
  LOYALTY_RETURN_IF_ERROR(ReadBetweenPostings([&](const ledger::State& state) {
    const uint32_t survivor = state.merges.SurvivorOf(slot);
    const ledger::Page& page = *state.PageOf(survivor);
    for (const ledger::PoolMember& m : page.extras.Of(page.GetAccount(survivor, currency)).pool) {
      spenders.push_back({state.keys.At(m.member), m.limit, m.spent});
    }
  }));
  return spenders;
}

Result<ledger::Snapshot> LedgerImpl::TakeSnapshot() const {
  ledger::Snapshot snapshot;
  LOYALTY_RETURN_IF_ERROR(
      ReadBetweenPostings([&](const ledger::State& state) { snapshot = state.TakeSnapshot(); }));
  return snapshot;
}

Result<Ledger::Snapshot> LedgerImpl::AllBalances(const BalanceQuery& query) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_RETURN_IF_ERROR(CheckCurrency(query.currency));
  LOYALTY_ASSIGN_OR_RETURN(const ledger::Snapshot picture, TakeSnapshot());
  Snapshot snapshot;
  snapshot.sequence = picture.sequence;
  LOYALTY_ASSIGN_OR_RETURN(std::vector<OwnedKey> keys, core_->KeysOfAll(picture.members));
  snapshot.members.reserve(picture.members);
  snapshot.balances.reserve(picture.members);
  for (uint32_t slot = 0; slot < picture.members; ++slot) {
    if (core_->state->merges.SurvivorOf(slot, picture.sequence) != slot) continue;
    const ledger::Page& page = *picture.pages[slot / ledger::kPageMembers].get();
    snapshot.members.push_back(std::move(keys[slot]));
    snapshot.balances.push_back(BalanceAt(page, page.GetAccount(slot, query.currency), query));
  }
  return snapshot;
}

Result<std::vector<Record>> LedgerImpl::Changes(uint64_t sequence, size_t limit) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  if (sequence == 0) {
    return Status(StatusCode::kInvalidArgument, "sequences count from 1");
  }
  const uint64_t durable = core_->durable.sequence();
  std::vector<Record> records;
  journal::Group group;
  while (sequence <= durable && records.size() < limit) {
    LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core_->FindBlock(sequence));
    block.view.Read(&group);
    size_t text = 0;
    size_t details = 0;
    for (size_t row = 0; row < group.entries.size(); ++row) {
      const Entry& entry = group.entries[row];
      const bool has_text = journal::HasText(entry.kind);
      const uint64_t at = group.first_sequence + row;
      const bool detailed = details < group.details.size() && group.details[details].row == row;
      if (at >= sequence && records.size() < limit) {
        records.push_back({at,
                           group.recorded_us,
                           entry,
                           detailed ? group.details[details].details : Details(),
                           "",
                           {},
                           group.program_version});
        if (has_text) {
          LOYALTY_RETURN_IF_ERROR(ReadText(*core_, group.texts[text], &records.back()));
        }
      }
      text += has_text;
      details += detailed;
    }
    sequence = group.next_sequence();
  }
  return records;
}

Result<VerifyReport> LedgerImpl::Verify(const Progress& progress) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(const ledger::Snapshot snapshot, TakeSnapshot());
  return VerifyAll(*core_, snapshot, progress);
}

Result<std::vector<Totals>> LedgerImpl::TrialBalance() const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(const ledger::Snapshot snapshot, TakeSnapshot());
  return PublicTotals(snapshot.currencies, snapshot.totals);
}

Result<Head> LedgerImpl::WaitFor(uint64_t sequence, int64_t timeout_us) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  if (timeout_us > 0) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout_us);
    core_->durable.WaitUntil(sequence, until, closing_);
  }
  const journal::Head head = core_->durable.head();
  return Head{head.sequence, head.chain, core_->durable.failure()};
}

Result<Info> LedgerImpl::GetInfo() const {
  Info info;
  info.currencies = Currencies();
  const journal::Head head = core_->durable.head();
  info.sequence = head.sequence;
  info.digest = head.chain;
  info.members = core_->state->keys.size();
  info.segments = core_->ids->runs()->size();
  info.history_sequence = core_->history->sequence();
  info.checkpoint_sequence = core_->checkpoint_sequence;
  info.at_once_sequence = at_once_ ? at_once_->sequence() : 0;
  info.replay_s = core_->replay_s;
  info.replayed_entries = core_->replayed_entries;
  const auto in_use = Use();
  if (!in_use.ok()) return info;
  using storage::Family;
  info.journal_bytes = core_->store->FileBytes(Family::kJournal);
  info.ids_bytes = core_->store->FileBytes(Family::kIds);
  info.history_bytes = core_->store->FileBytes(Family::kHistory);
  info.state_bytes = core_->store->FileBytes(Family::kState);
  info.disk_bytes = DirectoryBytes(core_->directory);
  (void)pipeline_.Inspect([&] { info.state_ram_bytes = core_->state->ram_bytes(); });
  return info;
}

Result<Metrics> LedgerImpl::GetMetrics() const {
  using storage::Family;
  const auto in_use = Use();
  if (!in_use.ok()) return in_use.status();
  Metrics metrics;
  metrics.members = core_->state->keys.size();
  metrics.sequence = core_->durable.sequence();
  metrics.ids_sequence = core_->ids->runs()->sequence();
  metrics.history_sequence = core_->history->sequence();
  metrics.checkpoint_sequence = core_->checkpoint_sequence;
  metrics.queued_postings = pipeline_.queued_postings();
  metrics.group_entries = core_->group_entries.Read();
  metrics.sync_s = core_->sync_s.Read();
  metrics.journal_bytes = core_->store->FileBytes(Family::kJournal);
  metrics.ids_bytes = core_->store->FileBytes(Family::kIds);
  metrics.history_bytes = core_->store->FileBytes(Family::kHistory);
  metrics.state_bytes = core_->store->FileBytes(Family::kState);
  const storage::Pressure pressure = core_->store->GetPressure();
  metrics.write_stall_us = pressure.write_stall_us;
  metrics.is_write_stopped = pressure.is_write_stopped;
  metrics.pending_compaction_bytes = pressure.pending_compaction_bytes;
  metrics.write_buffer_bytes = pressure.write_buffer_bytes;
  metrics.block_cache_bytes = pressure.block_cache_bytes;
  return metrics;
}

}  // namespace loyalty::engine

#include "engine/verify.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/hash.h"

namespace loyalty::engine {
namespace {

constexpr uint64_t kSampledIds = 256;

// A sum that does not depend on the order: what is built behind the journal holds the same in another.
class OrderFreeSum {
 public:
  void Add(uint64_t sequence, const Entry& e) {
    const int64_t fields[] = {
        int64_t(sequence),
        e.effective_us,
        e.points,
        e.money,
        e.expires_us,
        e.balance,
        int64_t(e.related),
        int64_t(e.tag),
        int64_t(e.member) << 32 | e.currency,
        int64_t(e.codes.rule) << 32 | e.codes.channel,
        int64_t(e.codes.location) << 32 | e.codes.category,
        int64_t(e.codes.actor) << 32 | e.codes.reason,
        int64_t(e.status) << 16 | int64_t(e.kind) << 8 | int64_t(e.related_kind)};
    AddFields(fields, sizeof fields);
  }
  void Add(uint64_t sequence, const history::Remark& remark) {
    const Correction& c = remark.correction;
    const int64_t fields[] = {int64_t(sequence), remark.waits, c.of_us,   c.points,   c.money,
                              c.visits,          c.rule,       c.channel, c.location, c.category};
    AddFields(fields, sizeof fields);
  }
  void Add(uint64_t sequence, const Id& id) {
    const uint64_t fields[] = {sequence, id.hi, id.lo};
    AddFields(fields, sizeof fields);
  }
  bool operator==(const OrderFreeSum&) const = default;
  uint64_t count() const { return count_; }

 private:
  void AddFields(const void* fields, size_t bytes) {
    sum_ += Checksum({static_cast<const char*>(fields), bytes});
    ++count_;
  }

  uint64_t sum_ = 0;
  uint64_t count_ = 0;
};

class Verifier {
 public:
  Verifier(const Core& core, const ledger::Snapshot& snapshot, const Progress& progress)
      : core_(core),
        snapshot_(snapshot),
        progress_(progress),
        runs_(core.ids->runs()),
        history_through_(std::min(core.history->sequence(), snapshot.sequence)) {}

  Result<VerifyReport> Run() {
    report_.totals = PublicTotals(snapshot_.currencies, snapshot_.totals);
    Note(core_.store->VerifyChecksums());
    LOYALTY_RETURN_IF_ERROR(ReadJournal());
    CompareState();
    CompareErased();
    CompareIds();
    CompareHistory();
    CheckTotals();
    return std::move(report_);
  }

 private:
  void Problem(std::string what) { report_.problems.push_back(std::move(what)); }
  void Note(const Status& status) {
    if (!status.ok()) Problem(status.message());
  }

  // Chain, checksums, gaps, replay; gathers what ids and history are compared with.
  Status ReadJournal() {
    const Digest zero{};
    const auto visit = [&](const journal::BlockView& view, std::string_view bytes) -> Status {
      if (progress_ && !progress_(view.first_sequence(), snapshot_.sequence)) {
        stopped_ = true;
        return {StatusCode::kInterrupted, "verification was stopped"};
      }
      TakeBlock(view);
      report_.digest = journal::ChainHash(bytes);
      report_.sequence = view.last_sequence();
      return {};
    };
    const Status status = core_.journal.Scan(1, snapshot_.sequence, &zero, visit).status();
    if (stopped_) return status;
    Note(status);
    return {};
  }

  void TakeBlock(const journal::BlockView& view) {
    ++report_.blocks;
    view.Read(&group_);
    const journal::Group& group = group_;
    if (replay_fits_) {
      Status applied = core_.key_records.Unseal(&group_);
      if (applied.ok()) applied = ledger::ApplyGroup(group, snapshot_.sequence, &replayed_);
      replay_fits_ = applied.ok();
      Note(applied);
    }
    TakeErased(group);
    for (const journal::RowDetails& row : group.details) {
      const uint64_t sequence = group.first_sequence + row.row;
      const Entry& entry = group.entries[row.row];
      if (sequence > history_through_ || entry.member == Entry::kNoMember) continue;
      const auto remark = history::RemarkOf(entry, row.details);
      if (remark) journal_remarks_.Add(sequence, *remark);
    }
    for (size_t i = 0; i < group.entries.size(); ++i) {
      const uint64_t sequence = group.first_sequence + i;
      if (sequence > snapshot_.sequence) break;
      ++report_.entries;
      const Entry& entry = group.entries[i];
      if (sequence <= history_through_ && entry.member != Entry::kNoMember) {
        journal_sum_.Add(sequence, entry);
      }
      if (sequence > runs_->sequence() || entry.id.is_zero()) continue;
      journal_ids_.Add(sequence, entry.id);
      if (sequence % kSampledIds == 0) sampled_.push_back({entry.id, sequence});
    }
  }

  // Of the members opened and erased by the group, which is unsealed.
  void TakeErased(const journal::Group& group) {
    size_t text = 0;
    for (size_t i = 0; i < group.entries.size() && replay_fits_; ++i) {
      const Entry& entry = group.entries[i];
      const bool in_time = group.first_sequence + i <= snapshot_.sequence;
      const bool is_empty = journal::HasText(entry.kind) && group.texts[text++].empty();
      if (!in_time || !IsPosted(entry.status)) continue;
      if (entry.kind == Kind::kOpenMember && is_empty) without_key_.push_back(entry.member);
      if (entry.kind == Kind::kEraseMember) erased_.push_back(entry.member);
    }
  }

  // Who was erased has no key, and who has none was erased, perhaps since the snapshot.
  void CompareErased() {
    for (const uint32_t member : Missing(erased_, without_key_)) {
      Problem("members' keys: that of member " + std::to_string(member) + " was not erased");
    }
    if (Missing(without_key_, erased_).empty()) return;
    const auto take = [&](const journal::BlockView& view, std::string_view) -> Status {
      for (size_t row = 0; row < view.count(); ++row) {
        const Entry entry = view.EntryAt(row);
        const bool erases = entry.kind == Kind::kEraseMember && IsPosted(entry.status);
        if (erases) erased_.push_back(entry.member);
      }
      return {};
    };
    Note(core_.journal.Scan(snapshot_.sequence + 1, UINT64_MAX, nullptr, take).status());
    for (const uint32_t member : Missing(without_key_, erased_)) {
      Problem("members' keys: that of member " + std::to_string(member) + " is missing");
    }
  }
  // Those of `members` that are not in `from`, each once.
  static std::vector<uint32_t> Missing(const std::vector<uint32_t>& members,
                                       const std::vector<uint32_t>& from) {
    const std::set<uint32_t> all(members.begin(), members.end());
    const std::set<uint32_t> there(from.begin(), from.end());
    std::vector<uint32_t> missing;
    std::set_difference(all.begin(), all.end(), there.begin(), there.end(),
                        std::back_inserter(missing));
    return missing;
  }

  void CompareState() {
    if (!replay_fits_ || replayed_.sequence != snapshot_.sequence) {
      return Problem("state: the journal could not be replayed up to sequence " +
                     std::to_string(snapshot_.sequence));
    }
    if (replayed_.keys.size() != snapshot_.members) Problem("state: the number of members differs");
    if (replayed_.merges.All() != snapshot_.merges)
      Problem("state: merges differ from the replay's");
    if (replayed_.totals != snapshot_.totals) Problem("state: the totals differ from the replay's");
    const uint32_t pages = std::min(replayed_.page_count(), uint32_t(snapshot_.pages.size()));
    for (uint32_t page = 0; page < pages; ++page) {
      if (ledger::EncodePage(*replayed_.PageOf(page * ledger::kPageMembers)) !=
          ledger::EncodePage(*snapshot_.pages[page].get())) {
        Problem("state: page " + std::to_string(page) + " differs from the replay's");
      }
    }
  }

  // All stored ids are compared; that looking up finds them is tried on a sample.
  void CompareIds() {
    OrderFreeSum stored;
    const auto add = [&](const ids::IdAt& at) {
      if (at.sequence <= runs_->sequence()) stored.Add(at.sequence, at.id);
      return true;
    };
    Note(core_.ids->Visit(add));
    if (stored != journal_ids_) {
      Problem("ids: the index differs from the journal (" + std::to_string(stored.count()) +
              " ids, the journal has " + std::to_string(journal_ids_.count()) + ")");
    }
    std::vector<Id> ids;
    for (const ids::IdAt& at : sampled_) ids.push_back(at.id);
    std::vector<uint64_t> found(ids.size());
    Note(runs_->Find(ids, 0, found));
    for (size_t i = 0; i < ids.size(); ++i) {
      if (found[i] == sampled_[i].sequence) continue;
      return Problem("ids: " + ToString(ids[i]) + " of sequence " +
                     std::to_string(sampled_[i].sequence) + " is not found");
    }
  }

  void CompareHistory() {
    OrderFreeSum sum;
    OrderFreeSum remarks;
    const auto visit = [&](const history::Item& item) {
      if (item.sequence > history_through_) return true;
      sum.Add(item.sequence, item.entry);
      if (item.remark != history::Remark()) remarks.Add(item.sequence, item.remark);
      return true;
    };
    Note(core_.history->Visit(visit));
    if (sum != journal_sum_ || remarks != journal_remarks_) {
      Problem("history: its chunks differ from the journal (" + std::to_string(sum.count()) +
              " entries, the journal has " + std::to_string(journal_sum_.count()) + ")");
    }
  }

  void CheckTotals() {
    for (size_t c = 0; c < snapshot_.currencies.size(); ++c) {
      const ledger::CurrencyTotals& t = snapshot_.totals[c];
      int64_t members = 0;
      int64_t total = 0;
      int64_t lots = 0;
      for (const ledger::PagePtr& pointer : snapshot_.pages) {
        const ledger::Page& page = *pointer.get();
        for (uint32_t m = 0; m < ledger::kPageMembers; ++m) {
          const ledger::Account& account = page.GetAccount(m, uint16_t(c));
          const ledger::Extra& extra = page.extras.Of(account);
          members += account.total - extra.arrears;
          for (const ledger::Hold& hold : extra.holds) members += hold.points;
          total += account.total;
          page.lots.ForEachStored(account, [&](const ledger::Lot& lot) {
            lots += lot.points;
            return true;
          });
        }
      }
      const std::string& name = snapshot_.currencies[c];
      if (members != t.members) Problem("trial balance: " + name + ": members do not add up");
      if (lots != total) Problem("trial balance: " + name + ": lots and balances differ");
      if (t.members + t.issued + t.redeemed + t.expired + t.adjusted != 0) {
        Problem("trial balance: " + name + ": the sum is not zero");
      }
    }
  }

  const Core& core_;
  const ledger::Snapshot& snapshot_;
  const Progress& progress_;
  const std::shared_ptr<const ids::IdRuns> runs_;
  const uint64_t history_through_;
  VerifyReport report_;
  ledger::State replayed_;
  OrderFreeSum journal_sum_;
  OrderFreeSum journal_remarks_;
  OrderFreeSum journal_ids_;
  std::vector<ids::IdAt> sampled_;
  std::vector<uint32_t> without_key_;
  std::vector<uint32_t> erased_;
  journal::Group group_;
  bool replay_fits_ = true;
  bool stopped_ = false;
};

}  // namespace

Result<VerifyReport> VerifyAll(const Core& core, const ledger::Snapshot& snapshot,
                               const Progress& progress) {
  return Verifier(core, snapshot, progress).Run();
}

std::vector<Totals> PublicTotals(const std::vector<std::string>& currencies,
                                 const std::vector<ledger::CurrencyTotals>& totals) {
  std::vector<Totals> all;
  for (size_t c = 0; c < currencies.size(); ++c) {
    all.push_back({currencies[c], totals[c].members, totals[c].issued, totals[c].redeemed,
                   totals[c].expired, totals[c].adjusted});
  }
  return all;
}

}  // namespace loyalty::engine

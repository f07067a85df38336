// The reading half of LedgerImpl: what a posting took, and what became of what it gave.
#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "engine/ledger_impl.h"
#include "engine/records.h"
#include "engine/standing.h"

namespace loyalty::engine {
namespace {

// Of a lot that expires by inactivity: none, as that was put off since.
int64_t DatedExpiry(const journal::LotMovement& m) {
  return m.expires_us == kByInactivity_us ? kNever_us : m.expires_us;
}

// Goes through what happened since to the lots of one entry, with whomever they went to.
class Following {
 public:
  Following(const Core& core, const Past& past, const Record& of, Explanation* explanation)
      : core_(core), past_(past), of_(of), explanation_(explanation) {}

  Status Run() {
    Follow(of_.entry.member);
    Follow(uint32_t(of_.details.other));
    while (!to_visit_.empty()) {
      const uint32_t member = *to_visit_.begin();
      to_visit_.erase(to_visit_.begin());
      const auto visit = [&](const JournalRow& row) -> Status {
        Take(row);
        return {};
      };
      LOYALTY_RETURN_IF_ERROR(VisitMembers(core_, {&member, 1}, of_.sequence, past_, visit));
    }
    std::sort(explanation_->about.begin(), explanation_->about.end());
    std::stable_sort(
        explanation_->used.begin(), explanation_->used.end(),
        [](const LotChange& a, const LotChange& b) { return a.sequence < b.sequence; });
    for (auto& [member, standing] : standings_) AddLeft(member, &standing);
    return {};
  }

 private:
  void Follow(uint32_t member) {
    if (member == Entry::kNoMember) return;
    if (standings_.try_emplace(member).second) to_visit_.insert(member);
  }

  void Take(const JournalRow& row) {
    if (row.entry.related == of_.sequence) explanation_->about.push_back(row.sequence);
    if (!IsOnAccount(row.entry) || row.entry.currency != of_.entry.currency) return;
    standings_[row.entry.member].Add(row);
    if (row.entry.kind == Kind::kMovePoints) Follow(uint32_t(row.details.other));
    for (const journal::LotMovement& m : row.movements) {
      if (m.source != of_.sequence) continue;
      explanation_->used.push_back({row.sequence, m.points, DatedExpiry(m)});
      if (m.points < 0) Follow(uint32_t(row.details.other));
    }
  }

  void AddLeft(uint32_t member, Standing* standing) {
    std::map<std::pair<int64_t, LotState>, int64_t> left;
    standing->ForEachLot(past_.at_us, [&](const ledger::LotOrder& lot, int64_t expires_us,
                                          int64_t points, LotState state) {
      if (lot.source == of_.sequence) left[{expires_us, state}] += points;
    });
    for (const auto& [lot, points] : left) {
      explanation_->left.push_back({member, lot.second, points, lot.first});
    }
  }

  const Core& core_;
  const Past& past_;
  const Record& of_;
  Explanation* const explanation_;
  std::map<uint32_t, Standing> standings_;  // from the entry on: all that its lots need
  std::set<uint32_t> to_visit_;
};
static_assert(uint32_t(Details::kNoOther) == Entry::kNoMember);

}  // namespace

Result<uint64_t> LedgerImpl::FindPosting(const Id& id) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  // The tail first: what leaves it meanwhile is in the index by then.
  const uint64_t durable = core_->durable.sequence();
  std::vector<Id> ids;
  uint64_t sequence = 0;
  for (const SharedBlock& block : core_->tail.From(0)) {
    block.view.Ids(0, block.view.count(), &ids);
    const auto at = size_t(std::find(ids.begin(), ids.end(), id) - ids.begin());
    if (at < ids.size()) sequence = block.view.first_sequence() + at;
  }
  if (sequence == 0) {
    LOYALTY_RETURN_IF_ERROR(core_->ids->runs()->Find({&id, 1}, 0, {&sequence, 1}));
  }
  if (!id.is_zero() && sequence != 0 && sequence <= durable) return sequence;
  return Status(StatusCode::kNotFound, "no posting has the id " + ToString(id));
}

Result<Explanation> LedgerImpl::Explain(uint64_t sequence) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  const uint64_t durable = core_->durable.sequence();
  if (sequence == 0 || sequence > durable) {
    return Status(StatusCode::kNotFound, "there is no entry " + std::to_string(sequence) +
                                             "; the last one is " + std::to_string(durable));
  }
  const Past past{.through_sequence = durable, .at_us = Now_us()};
  LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core_->FindBlock(sequence));
  LOYALTY_ASSIGN_OR_RETURN(const Record record, RecordAt(*core_, block.view, sequence));
  Explanation explanation;
  explanation.sequence = sequence;
  std::set<uint64_t> named{sequence};
  for (const auto& m : block.view.MovementsOf(sequence - block.view.first_sequence())) {
    explanation.took.push_back({m.source, m.points, DatedExpiry(m)});
    if (m.source != 0) named.insert(m.source);
  }
  LOYALTY_RETURN_IF_ERROR(Following(*core_, past, record, &explanation).Run());
  for (const LotChange& change : explanation.used) named.insert(change.sequence);
  named.insert(explanation.about.begin(), explanation.about.end());
  const std::vector<uint64_t> sequences(named.begin(), named.end());
  LOYALTY_ASSIGN_OR_RETURN(explanation.records, ReadRecords(*core_, sequences));
  return explanation;
}

}  // namespace loyalty::engine

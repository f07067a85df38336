// The reading half of LedgerImpl: statements, whole or page by page.
#include <algorithm>
#include <tuple>

#include "engine/ledger_impl.h"
#include "engine/member_entries.h"
#include "engine/records.h"

namespace loyalty::engine {
namespace {

// What a statement has to know of an entry, before it is read from the journal.
struct Line {
  int64_t effective_us;
  uint64_t sequence;
  int64_t points;  // that it moved
  uint16_t currency;
  bool posted;

  std::tuple<int64_t, uint64_t> place() const { return {effective_us, sequence}; }
};

// The entries of a member, and of those merged into him by then, that count, in the order of a statement.
Result<std::vector<Line>> LinesOf(const Core& core, uint32_t member, const Past& past) {
  const ledger::Merges& merges = core.state->merges;
  const uint32_t survivor = merges.SurvivorOf(member, past.through_sequence);
  const std::vector<uint32_t> family = merges.FamilyOf(survivor, past.through_sequence);
  Counting counting(past);
  std::vector<Line> lines;
  const auto add = [&](uint64_t sequence, const Entry& entry) -> Status {
    if (!counting.Counts(sequence, entry)) return {};
    const bool posted = IsPosted(entry.status);
    lines.push_back(
        {entry.effective_us, sequence, posted ? entry.points : 0, entry.currency, posted});
    return {};
  };
  LOYALTY_RETURN_IF_ERROR(VisitEntries(core, family, past.through_sequence, add));
  std::sort(lines.begin(), lines.end(),
            [](const Line& a, const Line& b) { return a.place() < b.place(); });
  return lines;
}

}  // namespace

Result<StatementPage> LedgerImpl::Statement(const MemberKey& member,
                                            const StatementQuery& query) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  const Status unknown(StatusCode::kNotFound, "there is no member " + ToString(member));
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, core_->FindMember(member));
  if (slot == Entry::kNoMember) return unknown;
  Past past{.through_sequence = core_->durable.sequence()};
  if (query.as_of) {
    LOYALTY_ASSIGN_OR_RETURN(past, Resolve(*query.as_of));
  }
  std::tuple<int64_t, uint64_t> after{kMinTime_us, 0};
  if (query.after) {
    past.through_sequence = std::min(past.through_sequence, query.after->through_sequence);
    after = {query.after->effective_us, query.after->sequence};
  }
  LOYALTY_ASSIGN_OR_RETURN(const std::vector<Line> lines, LinesOf(*core_, slot, past));
  if (std::none_of(lines.begin(), lines.end(), [](const Line& line) { return line.posted; })) {
    return unknown;
  }
  StatementPage page;
  std::vector<uint64_t> sequences;
  // Modulo 2^64: in an order of its own a sum may pass what no balance does.
  std::array<uint64_t, ledger::kMaxCurrencies> running{};
  for (const Line& line : lines) {
    running[line.currency] += uint64_t(line.points);
    if (line.effective_us < query.from_us || line.effective_us >= query.to_us) continue;
    if (line.place() <= after) continue;
    if (sequences.size() == query.limit) {
      page.next = {past.through_sequence, std::get<0>(after), std::get<1>(after)};
      break;
    }
    sequences.push_back(line.sequence);
    page.running.push_back(int64_t(running[line.currency]));
    after = line.place();
  }
  LOYALTY_ASSIGN_OR_RETURN(page.records, ReadRecords(*core_, sequences));
  return page;
}

}  // namespace loyalty::engine

// LedgerImpl's part on ladders: runs, where members stand, and what they lack.
#include <algorithm>
#include <map>

#include "base/clock.h"
#include "engine/ledger_impl.h"
#include "engine/member_entries.h"
#include "engine/records.h"
#include "engine/tier_run.h"
#include "tiers/alone.h"

namespace loyalty::engine {
namespace {

using ledger::CodedLadder;
using ledger::MemberLevel;

TierRow RowOf(const CodedLadder& ladder, size_t number, uint32_t member, const MemberLevel* level) {
  TierRow row;
  row.member = member;
  row.ladder = uint16_t(number);
  if (!level) return row;
  const LevelStanding& standing = level->standing;
  row.level = uint16_t(ladder.PlaceOf(standing.level));
  row.since_us = standing.since_us;
  row.until_us = standing.until_us;
  row.kept = uint16_t(ladder.PlaceOf(standing.kept));
  row.kept_until_us = standing.kept_until_us;
  row.for_life = uint16_t(ladder.PlaceOf(standing.for_life));
  row.sequence = level->sequence;
  return row;
}

// One for each ladder of a member with such levels.
void AddRows(const ledger::Rules& rules, uint32_t member, std::span<const MemberLevel> levels,
             std::vector<TierRow>* rows) {
  for (size_t l = 0; l < rules.ladders().size(); ++l) {
    const CodedLadder& ladder = rules.ladders()[l];
    const auto on = std::find_if(levels.begin(), levels.end(), [&](const MemberLevel& level) {
      return level.ladder == ladder.code;
    });
    rows->push_back(RowOf(ladder, l, member, on == levels.end() ? nullptr : &*on));
  }
}

std::vector<LadderNames> NamesOfAll(const Core& core, const ledger::Rules& rules) {
  std::vector<size_t> all(rules.ladders().size());
  for (size_t l = 0; l < all.size(); ++l) all[l] = l;
  return NamesOf(tiers::PlanLadders(rules, all, core.state->codes));
}

// The last change on each ladder that was effective by then.
Result<std::vector<MemberLevel>> LevelsAsOf(const Core& core, uint32_t member, int64_t at_us) {
  std::vector<uint64_t> sequences;
  const auto add = [&](uint64_t sequence, const Entry& entry) -> Status {
    if (ledger::IsAboutLevels(entry.kind) && IsPosted(entry.status) &&
        entry.effective_us <= at_us) {
      sequences.push_back(sequence);
    }
    return {};
  };
  const uint32_t members[] = {member};
  LOYALTY_RETURN_IF_ERROR(VisitEntries(core, members, core.durable.sequence(), add));
  LOYALTY_ASSIGN_OR_RETURN(const std::vector<Record> records, ReadRecords(core, sequences));
  std::map<uint32_t, MemberLevel> last;
  for (const Record& record : records) {
    const LevelChange& change = *record.level;
    last[change.ladder] = {member, change.ladder, record.sequence, change.to};
  }
  std::vector<MemberLevel> levels;
  for (const auto& [ladder, level] : last) levels.push_back(level);
  return levels;
}

// What a level's alternatives ask for, beside such values.
std::vector<std::vector<TierNeed>> NeedsOf(const program::Level& level,
                                           const std::vector<int64_t>& values) {
  std::vector<std::vector<TierNeed>> needs;
  for (const std::vector<program::Least>& all : level.when) {
    std::vector<TierNeed>& of = needs.emplace_back();
    for (const program::Least& least : all) {
      of.push_back({least.metric, least.value, values[least.metric]});
    }
  }
  return needs;
}

// The metrics that a ladder had in the programme of an entry.
std::vector<std::string> MetricsOf(const Core& core, const Record& record) {
  const auto rules = core.state->RulesOf(record.program_version);
  const CodedLadder* const ladder = rules->LadderAt(record.level->ladder);
  std::vector<std::string> names;
  if (!ladder) return names;
  for (const program::Metric& metric : ladder->ladder->metrics) names.push_back(metric.name);
  return names;
}

TierProgress ProgressOf(const tiers::Plan& plan, const tiers::LadderPlan& of, const TierRow& row,
                        const tiers::Standing& standing, tiers::Alone* alone) {
  const program::Ladder& ladder = of.ladder();
  const tiers::Assessor assessor(ladder, plan.calendar());
  const auto evaluate = [&](int64_t at_us, int64_t changed_us) {
    return alone->Evaluate(of, at_us, changed_us);
  };
  TierProgress progress;
  progress.now = row;
  const tiers::Found found = evaluate(plan.at_us, standing.since_us);
  progress.values = found.values;
  progress.found = uint16_t(found.level);
  for (size_t level = row.level + 1u; level < ladder.levels.size() && !progress.next; ++level) {
    if (ladder.levels[level].when.empty()) continue;
    progress.next = uint16_t(level);
    progress.to_next = NeedsOf(ladder.levels[level], found.values);
  }
  progress.ends_us = assessor.NextEnd_us(standing, alone->opened_us());
  const bool ends = progress.ends_us != kNever_us;
  progress.values_at_end =
      ends ? evaluate(progress.ends_us - 1, standing.since_us).values : found.values;
  const int64_t end_us = ends ? progress.ends_us : plan.at_us;
  const bool is_kept = standing.for_life >= standing.level ||
                       (standing.kept >= standing.level && standing.kept_until_us > end_us);
  if (!is_kept) progress.to_stay = NeedsOf(ladder.levels[row.level], progress.values_at_end);
  const int64_t lost_us = ends ? plan.calendar().AddDays(end_us, ladder.grace_days) : end_us;
  const auto changes =
      assessor.Assess(standing, alone->opened_us(), std::max(lost_us, plan.at_us), evaluate);
  progress.projected = changes.empty() ? row.level : uint16_t(changes.back().to.level);
  return progress;
}

}  // namespace

Result<TierRun> LedgerImpl::RecomputeTiers(const TierQuery& query, const Progress& progress) {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  if (query.dry_run) return RunTiers(core_.get(), &behind_, &pipeline_, query, progress);
  if (assessing_.exchange(true)) {
    return Status(StatusCode::kBusy, "a run of tiers is under way already; wait for its end");
  }
  auto run = RunTiers(core_.get(), &behind_, &pipeline_, query, progress);
  assessing_ = false;
  return run;
}

Result<TierTable> LedgerImpl::Tiers(const std::optional<std::vector<MemberKey>>& members) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  const auto rules = core_->state->rules();
  TierTable table;
  table.ladders = NamesOfAll(*core_, *rules);
  const auto add = [&](const ledger::State& from, uint32_t slot, uint64_t* needs) {
    const std::vector<MemberLevel> levels = from.LevelsOf(slot);
    for (const MemberLevel& level : levels) *needs = std::max(*needs, level.sequence);
    AddRows(*rules, slot, levels, &table.rows);
  };
  std::vector<uint32_t> slots;
  if (members) {
    for (const MemberKey& key : *members) {
      LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, core_->FindMember(key));
      const bool known = slot != Entry::kNoMember;
      table.slots.push_back(known ? core_->state->merges.SurvivorOf(slot) : slot);
    }
    slots = table.slots;
    std::erase(slots, Entry::kNoMember);
  } else {
    for (uint32_t slot = 0; slot < core_->state->keys.size(); ++slot) {
      if (core_->state->merges.SurvivorOf(slot) == slot) slots.push_back(slot);
    }
  }
  const auto read = [&](const ledger::State& from, uint64_t* needs) {
    uint64_t last = 0;
    table.rows.clear();
    for (const uint32_t slot : slots) add(from, slot, &last);
    if (needs) *needs = last;
    return true;
  };
  LOYALTY_RETURN_IF_ERROR(core_->ReadDurable(read).status());
  return table;
}

Result<TierTable> LedgerImpl::TiersAsOf(std::span<const MemberKey> members, int64_t at_us) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  const auto rules = core_->state->rules();
  TierTable table;
  table.ladders = NamesOfAll(*core_, *rules);
  for (const MemberKey& key : members) {
    LOYALTY_ASSIGN_OR_RETURN(uint32_t slot, core_->FindMember(key));
    if (slot != Entry::kNoMember) slot = core_->state->merges.SurvivorOf(slot);
    table.slots.push_back(slot);
    if (slot == Entry::kNoMember) continue;
    LOYALTY_ASSIGN_OR_RETURN(const auto levels, LevelsAsOf(*core_, slot, at_us));
    AddRows(*rules, slot, levels, &table.rows);
  }
  return table;
}

Result<Ledger::MemberProgress> LedgerImpl::TierProgressOf(const MemberKey& member) const {
  const std::vector<MemberKey> members = {member};
  LOYALTY_ASSIGN_OR_RETURN(const TierTable table, Tiers(members));
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  if (table.slots[0] == Entry::kNoMember) {
    return Status(StatusCode::kNotFound, "there is no member " + ToString(member));
  }
  LOYALTY_ASSIGN_OR_RETURN(tiers::Plan plan, PlanTiers(*core_, {}, Now_us()));
  plan.through = core_->durable.sequence();
  LOYALTY_ASSIGN_OR_RETURN(auto loaded, tiers::Alone::Load(plan, table.slots));
  tiers::Alone& alone = loaded[0];
  const std::vector<MemberLevel> levels = core_->state->LevelsOf(table.slots[0]);
  MemberProgress result{NamesOf(plan.ladders), {}};
  for (size_t l = 0; l < plan.ladders.size(); ++l) {
    const tiers::LadderPlan& of = plan.ladders[l];
    const auto on = std::find_if(levels.begin(), levels.end(), [&](const MemberLevel& level) {
      return level.ladder == of.coded->code;
    });
    const bool changed = on != levels.end();
    const TierRow row = RowOf(*of.coded, l, table.slots[0], changed ? &*on : nullptr);
    const auto standing = changed ? of.StandingOf(on->standing) : tiers::Standing();
    result.progress.push_back(ProgressOf(plan, of, row, standing, &alone));
    if (!changed) continue;
    if (!core_->durable.WaitFor(on->sequence)) return core_->durable.failure();
    const uint64_t sequences[] = {on->sequence};
    LOYALTY_ASSIGN_OR_RETURN(const auto records, ReadRecords(*core_, sequences));
    result.progress.back().evidence = records[0].level;
    result.progress.back().evidence_metrics = MetricsOf(*core_, records[0]);
  }
  LOYALTY_RETURN_IF_ERROR(alone.status());
  return result;
}

}  // namespace loyalty::engine

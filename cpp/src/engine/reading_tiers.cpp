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

std::vector<LadderNames> NamesOfAll(const ledger::Rules& rules) {
  std::vector<LadderNames> names;
  for (const CodedLadder& ladder : rules.ladders()) names.push_back(NamesOf(*ladder.ladder));
  return names;
}

// The slot of whom a key leads to, or kNoMember.
Result<uint32_t> FindSurvivor(const Core& core, const MemberKey& key) {
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, core.FindMember(key));
  return core.state->merges.SurvivorOf(slot);
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
  levels.reserve(last.size());
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

// What a change says, and of which metrics: those that the ladder had in the programme of then.
Status ReadEvidence(const Core& core, uint64_t sequence, TierProgress* progress) {
  if (!core.durable.WaitFor(sequence)) return core.durable.failure();
  const uint64_t sequences[] = {sequence};
  LOYALTY_ASSIGN_OR_RETURN(const auto records, ReadRecords(core, sequences));
  progress->evidence = records[0].level;
  const auto rules = core.state->RulesOf(records[0].program_version);
  const CodedLadder* const ladder = rules->LadderAt(records[0].level->ladder);
  if (ladder) progress->evidence_metrics = NamesOf(*ladder->ladder).metrics;
  return {};
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
  table.ladders = NamesOfAll(*rules);
  std::vector<uint32_t> slots;
  if (members) {
    for (const MemberKey& key : *members) {
      LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, FindSurvivor(*core_, key));
      table.slots.push_back(slot);
      if (slot != Entry::kNoMember) slots.push_back(slot);
    }
  } else {
    for (uint32_t slot = 0; slot < core_->state->keys.size(); ++slot) {
      if (core_->state->merges.SurvivorOf(slot) == slot) slots.push_back(slot);
    }
  }
  const auto read = [&](const ledger::State& from, uint64_t* needs) {
    uint64_t last = 0;
    table.rows.clear();
    for (const uint32_t slot : slots) {
      const std::vector<MemberLevel> levels = from.LevelsOf(slot);
      for (const MemberLevel& level : levels) last = std::max(last, level.sequence);
      AddRows(*rules, slot, levels, &table.rows);
    }
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
  table.ladders = NamesOfAll(*rules);
  for (const MemberKey& key : members) {
    LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, FindSurvivor(*core_, key));
    table.slots.push_back(slot);
    if (slot == Entry::kNoMember) continue;
    LOYALTY_ASSIGN_OR_RETURN(const auto levels, LevelsAsOf(*core_, slot, at_us));
    AddRows(*rules, slot, levels, &table.rows);
  }
  return table;
}

Result<Ledger::MemberProgress> LedgerImpl::TierProgressOf(const MemberKey& member,
                                                          std::optional<int64_t> as_of_us) const {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, FindSurvivor(*core_, member));
  if (slot == Entry::kNoMember) {
    return Status(StatusCode::kNotFound, "there is no member " + ToString(member));
  }
  const int64_t now_us = Now_us();
  if (as_of_us && *as_of_us > now_us) {
    return Status(StatusCode::kInvalidArgument,
                  "progress is told as of now or of a time that has passed; that one is to come");
  }
  LOYALTY_ASSIGN_OR_RETURN(tiers::Plan plan, PlanTiers(*core_, {}, as_of_us.value_or(now_us)));
  plan.through = core_->durable.sequence();
  plan.latest_us = as_of_us.value_or(kMaxTime_us);
  const uint32_t slots[] = {slot};
  LOYALTY_ASSIGN_OR_RETURN(auto loaded, tiers::Alone::Load(plan, slots));
  tiers::Alone& alone = loaded[0];
  if (alone.opened_us() > plan.at_us) {
    return Status(StatusCode::kNotFound, "there is no member " + ToString(member) + " as of then");
  }
  std::vector<MemberLevel> levels = core_->state->LevelsOf(slot);
  if (as_of_us) {
    LOYALTY_ASSIGN_OR_RETURN(levels, LevelsAsOf(*core_, slot, *as_of_us));
  }
  MemberProgress result;
  for (size_t l = 0; l < plan.ladders.size(); ++l) {
    const tiers::LadderPlan& of = plan.ladders[l];
    const auto on = std::find_if(levels.begin(), levels.end(), [&](const MemberLevel& one) {
      return one.ladder == of.coded->code;
    });
    const MemberLevel* const level = on == levels.end() ? nullptr : &*on;
    const TierRow row = RowOf(*of.coded, l, slot, level);
    const auto standing = level ? of.StandingOf(level->standing) : tiers::Standing();
    TierProgress progress = ProgressOf(plan, of, row, standing, &alone);
    if (level) LOYALTY_RETURN_IF_ERROR(ReadEvidence(*core_, level->sequence, &progress));
    result.ladders.push_back(NamesOf(of.ladder()));
    result.progress.push_back(std::move(progress));
  }
  LOYALTY_RETURN_IF_ERROR(alone.status());
  return result;
}

}  // namespace loyalty::engine

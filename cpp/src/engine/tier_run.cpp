#include "engine/tier_run.h"

#include <algorithm>
#include <numeric>

#include "base/clock.h"
#include "engine/member_entries.h"
#include "engine/past.h"
#include "engine/standing.h"
#include "journal/level_change.h"
#include "tiers/assess_all.h"

namespace loyalty::engine {
namespace {

using tiers::MemberChanges;

constexpr size_t kChangesTogether = 4096;
const std::string kName = "tiers";

// Of a survivor, with what those who are merged into him had.
Result<int64_t> ActiveAt(const Core& core, uint32_t member, uint16_t currency, int64_t at_us,
                         int64_t latest_us, uint64_t through) {
  const std::vector<uint32_t> family = core.state->merges.FamilyOf(member, through);
  std::vector<Standing> standings(family.size());
  const auto add = [&](const JournalRow& row) -> Status {
    const auto at = std::lower_bound(family.begin(), family.end(), row.entry.member);
    const bool is_his = at != family.end() && *at == row.entry.member;
    if (is_his && row.entry.currency == currency && IsOnAccount(row.entry)) {
      standings[size_t(at - family.begin())].Add(row);
    }
    return {};
  };
  const Past past{through, latest_us, at_us};
  LOYALTY_RETURN_IF_ERROR(VisitMembers(core, family, 1, past, add));
  int64_t active = 0;
  for (Standing& standing : standings) active += standing.BalanceAt(at_us).parts.active;
  return active;
}

class Run {
 public:
  Run(Core* core, Behind* behind, Pipeline* pipeline, const TierQuery& query,
      const Progress& progress)
      : core_(core),
        behind_(behind),
        pipeline_(pipeline),
        query_(query),
        progress_(progress),
        members_(core->state->keys.size()),
        in_flight_(pipeline) {}

  Result<TierRun> Go() {
    run_.at_us = query_.at_us.value_or(Now_us());
    LOYALTY_RETURN_IF_ERROR(CheckTime());
    LOYALTY_ASSIGN_OR_RETURN(plan_, PlanTiers(*core_, query_.ladders, run_.at_us));
    LOYALTY_RETURN_IF_ERROR(FindMembers());
    run_.program_version = plan_.rules->version();
    for (const tiers::LadderPlan& plan : plan_.ladders) {
      const size_t levels = plan.ladder().levels.size();
      run_.ladders.push_back(NamesOf(plan.ladder()));
      run_.moved.emplace_back(levels * levels);
    }
    if (!query_.dry_run) {
      LOYALTY_ASSIGN_OR_RETURN(run_.started_sequence,
                               NoteRun(pipeline_, Kind::kRunStarted, kName, run_.at_us, 0));
    }
    LOYALTY_RETURN_IF_ERROR(behind_->ConsumeHistory(core_->durable.sequence()));
    run_.through_sequence = plan_.through = core_->history->sequence();
    const Status status = AssessAll();
    const Status journaled = in_flight_.Finish();
    LOYALTY_RETURN_IF_ERROR(status.ok() ? journaled : status);
    run_.passed_over = passed_over_;
    // What it saw of standings is durable, too.
    LOYALTY_RETURN_IF_ERROR(pipeline_->Inspect([] {}));
    SortChanges();
    if (!query_.dry_run) {
      LOYALTY_ASSIGN_OR_RETURN(run_.finished_sequence, NoteRun(pipeline_, Kind::kRunFinished, kName,
                                                               run_.at_us, run_.started_sequence));
    }
    return std::move(run_);
  }

 private:
  Status CheckTime() const {
    if (run_.at_us > Now_us()) {
      return {StatusCode::kInvalidArgument,
              "tiers are recomputed as of now or of a time that has passed; that one is to come"};
    }
    int64_t first_us = kMaxTime_us;
    for (uint32_t member = 0; member < members_; member += ledger::kPageMembers) {
      const uint32_t count = std::min(ledger::kPageMembers, members_ - member);
      const uint32_t first = core_->state->ReadMembership(
          member / ledger::kPageMembers, [&](const ledger::Page& page) {
            const auto& openings = page.opening_minutes;
            return *std::min_element(openings.begin(), openings.begin() + count);
          });
      first_us = std::min(first_us, ledger::OpeningOf_us(first));
      if (first_us <= run_.at_us) return {};
    }
    if (members_ == 0) return {};
    return {StatusCode::kInvalidArgument,
            "tiers cannot be recomputed as of a time before the first member was opened"};
  }

  Status FindMembers() {
    if (!query_.members) return {};
    plan_.members.assign(members_, false);
    for (const MemberKey& key : *query_.members) {
      LOYALTY_ASSIGN_OR_RETURN(const uint32_t slot, core_->FindMember(key));
      if (slot >= members_) {
        return {StatusCode::kNotFound, "there is no member " + ToString(key)};
      }
      plan_.members[core_->state->merges.SurvivorOf(slot)] = true;
    }
    return {};
  }

  Status AssessAll() {
    return tiers::AssessAll(plan_,
                            {members_,
                             query_.threads,
                             progress_,
                             [this](std::vector<MemberChanges> changes, const tiers::Tally& tally) {
                               return Take(changes, tally);
                             },
                             {}});
  }

  // Notes what was found, and hands it to the writer.
  Status Take(std::span<const MemberChanges> changes, const tiers::Tally& tally) {
    run_.assessed += tally.members;
    for (size_t l = 0; l < run_.moved.size(); ++l) {
      const size_t levels = run_.ladders[l].levels.size();
      for (size_t place = 0; place < levels; ++place) {
        run_.moved[l][place * levels + place] += tally.on_level[l][place];
      }
    }
    for (const MemberChanges& of_member : changes) {
      std::vector<uint64_t>& moved = run_.moved[of_member.ladder];
      const size_t levels = run_.ladders[of_member.ladder].levels.size();
      const auto from = size_t(of_member.changes.front().from);
      --moved[from * levels + from];
      ++moved[from * levels + size_t(of_member.changes.back().to.level)];
      if (query_.keep_changes) Keep(of_member);
    }
    if (query_.dry_run) return {};
    return SubmitChanges(
        plan_, changes, [this] { ++passed_over_; }, &in_flight_);
  }

  void Keep(const MemberChanges& of_member) {
    for (const tiers::Change& change : of_member.changes) {
      run_.changes.push_back({of_member.member, uint16_t(of_member.ladder), uint16_t(change.from),
                              uint16_t(change.to.level), change.effective_us, change.assessed_us,
                              change.to.until_us, run_.values.size()});
      run_.values.insert(run_.values.end(), change.values.begin(), change.values.end());
    }
  }

  // Threads found them in any order.
  void SortChanges() {
    std::stable_sort(run_.changes.begin(), run_.changes.end(),
                     [](const TierChange& a, const TierChange& b) {
                       return std::pair(a.member, a.ladder) < std::pair(b.member, b.ladder);
                     });
  }

  Core* const core_;
  Behind* const behind_;
  Pipeline* const pipeline_;
  const TierQuery& query_;
  const Progress& progress_;
  const uint32_t members_;
  tiers::Plan plan_;
  TierRun run_;
  uint64_t passed_over_ = 0;  // of the writer's thread, while batches are in flight
  InFlight in_flight_;
};

}  // namespace

Status SubmitChanges(const tiers::Plan& plan, std::span<const MemberChanges> changes,
                     const std::function<void()>& on_passed_over, InFlight* in_flight) {
  for (size_t first = 0; first < changes.size(); first += kChangesTogether) {
    const size_t count = std::min(kChangesTogether, changes.size() - first);
    auto batch = std::make_shared<Batch>();
    for (const MemberChanges& of_member : changes.subspan(first, count)) {
      const tiers::LadderPlan& ladder = plan.ladders[of_member.ladder];
      Batch::LevelChanges& asked = batch->levels.emplace_back();
      asked = {of_member.member, ladder.coded->code, of_member.sequence, {}};
      for (const tiers::Change& change : of_member.changes) {
        asked.changes.push_back(
            {change.effective_us,
             journal::EncodeLevelChange(ladder.Coded(change), change.effective_us)});
      }
    }
    batch->on_passed_over = on_passed_over;
    LOYALTY_RETURN_IF_ERROR(in_flight->Submit(std::move(batch)));
  }
  return {};
}

Result<size_t> FindLadder(const ledger::Rules& rules, const std::string& name) {
  const auto& all = rules.ladders();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& coded) { return coded.ladder->name == name; });
  if (found != all.end()) return size_t(found - all.begin());
  return Status(StatusCode::kNotFound, "the programme has no ladder '" + name + "'");
}

Result<tiers::Plan> PlanTiers(const Core& core, const std::vector<std::string>& ladders,
                              int64_t at_us) {
  const auto rules = core.state->rules();
  std::vector<size_t> which;
  for (const std::string& name : ladders) {
    LOYALTY_ASSIGN_OR_RETURN(const size_t number, FindLadder(*rules, name));
    if (std::find(which.begin(), which.end(), number) == which.end()) which.push_back(number);
  }
  if (ladders.empty()) {
    which.resize(rules->ladders().size());
    std::iota(which.begin(), which.end(), 0);
  }
  if (which.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "the programme has no ladders: add one, [ladders.NAME], and apply it");
  }
  return PlanOf(core, rules, which, at_us);
}

tiers::Plan PlanOf(const Core& core, std::shared_ptr<const ledger::Rules> rules,
                   const std::vector<size_t>& ladders, int64_t at_us) {
  const auto active_at = [&core](uint32_t member, uint16_t currency, int64_t when_us,
                                 int64_t latest_us, uint64_t through) {
    return ActiveAt(core, member, currency, when_us, latest_us, through);
  };
  const auto entries_of = [&core](std::span<const uint32_t> members, uint64_t through,
                                  std::vector<history::Item>* entries) {
    return ReadItems(core, members, through, entries);
  };
  tiers::Plan plan;
  plan.sources = {core.state.get(), entries_of, core.store.get(), active_at};
  plan.ladders = tiers::PlanLadders(*rules, ladders, core.state->codes);
  plan.rules = std::move(rules);
  plan.at_us = at_us;
  return plan;
}

LadderNames NamesOf(const program::Ladder& ladder) {
  LadderNames names;
  names.name = ladder.name;
  for (const program::Level& level : ladder.levels) names.levels.push_back(level.name);
  for (const program::Metric& metric : ladder.metrics) names.metrics.push_back(metric.name);
  return names;
}

Result<TierRun> RunTiers(Core* core, Behind* behind, Pipeline* pipeline, const TierQuery& query,
                         const Progress& progress) {
  return Run(core, behind, pipeline, query, progress).Go();
}

}  // namespace loyalty::engine

#include "tiers/range_assessor.h"

#include <algorithm>

#include "tiers/alone.h"

namespace loyalty::tiers {
namespace {

using history::kRangeMembers;
using ledger::kPageMembers;
using ledger::MemberLevel;
using program::Ladder;
using program::Window;
using Of = program::Metric::Of;

constexpr uint32_t kRangePages = kRangeMembers / kPageMembers;
constexpr Span_us kNothing = {1, 0};

bool IsSummed(const Measure& measure) {
  return measure.of != Of::kBalance && measure.of != Of::kTenureMonths;
}

// Whether it begins at another instant for each member.
bool IsAnchored(const Window& window) {
  return window.model == Window::Model::kAnniversary || window.model == Window::Model::kSinceChange;
}

int64_t SinceOf(const MemberLevel* level) { return level ? level->standing.since_us : kMinTime_us; }

}  // namespace

RangeAssessor::RangeAssessor(const Plan& plan)
    : plan_(plan),
      scan_(*plan.sources.store, plan.calendar(), plan.through),
      found_(kRangeMembers),
      meets_(kRangeMembers) {}

Status RangeAssessor::Assess(uint32_t first_range, uint32_t end_range, uint32_t member_count,
                             std::vector<MemberChanges>* out, Tally* tally) {
  pages_.resize(size_t(end_range - first_range) * kRangePages);
  std::vector<Range> ranges(end_range - first_range);
  for (size_t r = 0; r < ranges.size(); ++r) {
    ranges[r].number = first_range + uint32_t(r);
    for (uint32_t p = 0; p < kRangePages; ++p) {
      const uint32_t page = ranges[r].number * kRangePages + p;
      if (page * kPageMembers < member_count) {
        plan_.sources.state->ReadLevels(page, &pages_[r * kRangePages + p]);
      }
    }
    Prepare(first_range, member_count, &ranges[r]);
  }
  LOYALTY_RETURN_IF_ERROR(scan_.Begin(first_range, end_range, MonthsOf(ranges)));
  for (Range& range : ranges) {
    LOYALTY_RETURN_IF_ERROR(scan_.Run(range.number, range.sums));
    LOYALTY_RETURN_IF_ERROR(AssessRange(range, out));
    Count(range, tally);
    range = {};
  }
  return {};
}

void RangeAssessor::Count(const Range& range, Tally* tally) const {
  for (uint32_t m = 0; m < kRangeMembers; ++m) {
    if (range.ways[m] == Way::kNot) continue;
    ++tally->members;
    for (size_t l = 0; l < plan_.ladders.size(); ++l) {
      const MemberLevel* const level = range.ladders[l].levels[m];
      const int place = level ? plan_.ladders[l].coded->PlaceOf(level->standing.level) : 0;
      ++tally->on_level[l][size_t(place)];
    }
  }
}

void RangeAssessor::Prepare(uint32_t first_range, uint32_t member_count, Range* range) {
  const ledger::State& state = *plan_.sources.state;
  const bool has_merges = !state.merges.empty();
  const uint32_t first = range->number * kRangeMembers;
  const uint32_t count = std::min(kRangeMembers, member_count - first);
  const ledger::State::PageLevels* const pages =
      &pages_[size_t(range->number - first_range) * kRangePages];
  range->ways.assign(kRangeMembers, Way::kNot);
  range->opened.assign(kRangeMembers, 0);
  range->ladders.resize(plan_.ladders.size());
  for (OnLadder& on : range->ladders) on.levels.assign(kRangeMembers, nullptr);
  for (uint32_t m = 0; m < count; ++m) {
    const ledger::State::PageLevels& page = pages[m / kPageMembers];
    const uint32_t member = first + m;
    range->opened[m] = page.opening_minutes[m % kPageMembers];
    const bool wanted = plan_.members.empty() || plan_.members[member];
    if (!wanted || ledger::OpeningOf_us(range->opened[m]) > plan_.at_us) continue;
    if (!page.closed.empty() &&
        std::binary_search(page.closed.begin(), page.closed.end(), member)) {
      continue;
    }
    range->ways[m] = Way::kByScan;
    if (!has_merges) continue;
    if (state.merges.SurvivorOf(member) != member) {
      range->ways[m] = Way::kNot;
    } else if (state.merges.FamilyOf(member).size() > 1) {
      range->ways[m] = Way::kAlone;
    }
  }
  for (uint32_t p = 0; p * kPageMembers < count; ++p) {
    range->latest_us = std::max(range->latest_us, pages[p].latest_us);
    for (const MemberLevel& level : pages[p].levels) {
      for (size_t l = 0; l < plan_.ladders.size(); ++l) {
        if (plan_.ladders[l].coded->code == level.ladder) {
          range->ladders[l].levels[level.member - first] = &level;
        }
      }
    }
  }
  for (size_t l = 0; l < plan_.ladders.size(); ++l) {
    PrepareLadder(plan_.ladders[l], &range->ladders[l], range);
  }
}

void RangeAssessor::PrepareLadder(const LadderPlan& plan, OnLadder* on, Range* range) {
  const Assessor assessor(plan.ladder(), plan_.calendar());
  for (uint32_t m = 0; m < kRangeMembers; ++m) {
    if (!on->levels[m] || range->ways[m] != Way::kByScan) continue;
    const Standing standing = plan.StandingOf(on->levels[m]->standing);
    const int64_t end_us = assessor.NextEnd_us(standing, ledger::OpeningOf_us(range->opened[m]));
    if (end_us != kNever_us && end_us <= plan_.at_us) on->ended.push_back({m, end_us - 1});
  }
  for (size_t k = 0; k < plan.measures.size(); ++k) {
    const bool summed = IsSummed(plan.measures[k]);
    on->now.push_back(summed ? AddSum(plan, k, *on, range) : -1);
    on->at_end.push_back(summed && !on->ended.empty() ? AddSumAtEnd(plan, k, *on, range) : -1);
  }
}

int RangeAssessor::AddSum(const LadderPlan& plan, size_t metric, const OnLadder& on, Range* range) {
  const Window& window = plan.ladder().metrics[metric].window;
  Sum& sum = range->sums.emplace_back();
  sum.measure = &plan.measures[metric];
  if (!IsAnchored(window)) {
    sum.common = SpanOf(window, plan_.calendar(), plan_.at_us, {});
  } else {
    sum.of_each.assign(kRangeMembers, kNothing);
    for (uint32_t m = 0; m < kRangeMembers; ++m) {
      if (range->ways[m] != Way::kByScan) continue;
      sum.of_each[m] = SpanOfMember(window, ledger::OpeningOf_us(range->opened[m]), on.levels[m]);
    }
  }
  return int(range->sums.size()) - 1;
}

Span_us RangeAssessor::SpanOfMember(const Window& window, int64_t opened_us,
                                    const MemberLevel* level) {
  const Anchors anchors = AnchorsOf(opened_us, SinceOf(level));
  if (window.model != Window::Model::kAnniversary) {
    return SpanOf(window, plan_.calendar(), plan_.at_us, anchors);
  }
  const std::pair key(&window, ledger::OpeningMinute(opened_us));
  if (anniversary_of_ != key) {
    anniversary_of_ = key;
    anniversary_ = SpanOf(window, plan_.calendar(), plan_.at_us, anchors);
  }
  return anniversary_;
}

int RangeAssessor::AddSumAtEnd(const LadderPlan& plan, size_t metric, const OnLadder& on,
                               Range* range) {
  Sum& sum = range->sums.emplace_back();
  sum.measure = &plan.measures[metric];
  sum.of_each.assign(kRangeMembers, kNothing);
  for (const Ended& ended : on.ended) {
    const Anchors anchors = AnchorsOf(ledger::OpeningOf_us(range->opened[ended.member]),
                                      SinceOf(on.levels[ended.member]));
    sum.of_each[ended.member] =
        SpanOf(plan.ladder().metrics[metric].window, plan_.calendar(), ended.last_us, anchors);
  }
  return int(range->sums.size()) - 1;
}

Months RangeAssessor::MonthsOf(const std::vector<Range>& ranges) const {
  Span_us all = kNothing;
  const auto include = [&](const Span_us& span) {
    if (span.from_us > span.to_us) return;
    if (all.from_us > all.to_us) all = span;
    all.from_us = std::min(all.from_us, span.from_us);
    all.to_us = std::max(all.to_us, span.to_us);
  };
  for (const Range& range : ranges) {
    for (const Sum& sum : range.sums) {
      if (sum.of_each.empty()) include(sum.common);
      for (const Span_us& span : sum.of_each) include(span);
    }
  }
  return Months::Of(all);
}

Status RangeAssessor::AssessRange(const Range& range, std::vector<MemberChanges>* out) {
  const size_t before = out->size();
  std::vector<bool> alone(kRangeMembers);
  for (uint32_t m = 0; m < kRangeMembers; ++m) alone[m] = range.ways[m] == Way::kAlone;
  for (size_t l = 0; l < plan_.ladders.size(); ++l) {
    const LadderPlan& plan = plan_.ladders[l];
    LOYALTY_RETURN_IF_ERROR(LoadValues(range, l));
    FindLevels(plan.ladder());
    for (uint32_t m = 0; m < kRangeMembers; ++m) {
      if (range.ways[m] != Way::kByScan || alone[m]) continue;
      if (!MayChange(plan, range.ladders[l].levels[m], found_[m])) continue;
      MemberChanges changes;
      if (!AssessByScan(range, l, m, &changes)) {
        alone[m] = true;
      } else if (!changes.changes.empty()) {
        out->push_back(std::move(changes));
      }
    }
  }
  const uint32_t first = range.number * kRangeMembers;
  // What was found of one before another of his ladders turned out to need more.
  out->erase(std::remove_if(out->begin() + ptrdiff_t(before), out->end(),
                            [&](const MemberChanges& c) { return alone[c.member - first]; }),
             out->end());
  for (uint32_t m = 0; m < kRangeMembers; ++m) {
    if (alone[m]) LOYALTY_RETURN_IF_ERROR(AssessAlone(range, m, out));
  }
  std::sort(out->begin() + ptrdiff_t(before), out->end(),
            [](const MemberChanges& a, const MemberChanges& b) {
              return std::pair(a.member, a.ladder) < std::pair(b.member, b.ladder);
            });
  return {};
}

Status RangeAssessor::LoadValues(const Range& range, size_t ladder) {
  const LadderPlan& plan = plan_.ladders[ladder];
  values_.clear();
  columns_.resize(plan.measures.size());
  for (size_t k = 0; k < plan.measures.size(); ++k) {
    const Measure& measure = plan.measures[k];
    std::vector<int64_t>& column = columns_[k];
    if (IsSummed(measure)) {
      values_.push_back(scan_.result(size_t(range.ladders[ladder].now[k])).data());
      continue;
    }
    column.assign(kRangeMembers, 0);
    values_.push_back(column.data());
    if (measure.of == Of::kBalance) {
      LOYALTY_RETURN_IF_ERROR(LoadBalances(range, measure, &column));
      continue;
    }
    for (uint32_t m = 0; m < kRangeMembers; ++m) {
      if (range.ways[m] == Way::kByScan) column[m] = TenureOf(range.opened[m]);
    }
  }
  return {};
}

Status RangeAssessor::LoadBalances(const Range& range, const Measure& measure,
                                   std::vector<int64_t>* values) {
  const uint32_t first = range.number * kRangeMembers;
  const uint16_t currency = *measure.filter.currency;
  for (uint32_t m = 0; m < kRangeMembers; ++m) {
    if (range.ways[m] != Way::kByScan) continue;
    const ledger::Account account = plan_.sources.state->ReadAccount(first + m, currency);
    // All of it counts, and all is active.
    if (account.sequence <= plan_.through && range.latest_us <= plan_.at_us &&
        account.IsPlainAt(plan_.at_us)) {
      (*values)[m] = account.total;
      continue;
    }
    LOYALTY_ASSIGN_OR_RETURN(
        (*values)[m], plan_.sources.active_at(first + m, currency, plan_.at_us, plan_.through));
  }
  return {};
}

int64_t RangeAssessor::TenureOf(uint32_t opened_minute) {
  const auto known = tenures_.find(opened_minute);
  if (known != tenures_.end()) return known->second;
  const int64_t months =
      MonthsSince(plan_.calendar(), ledger::OpeningOf_us(opened_minute), plan_.at_us);
  tenures_.emplace(opened_minute, months);
  return months;
}

// As LevelOf, of all members, column by column.
void RangeAssessor::FindLevels(const Ladder& ladder) {
  std::fill(found_.begin(), found_.end(), uint8_t(0));
  for (size_t level = 1; level < ladder.levels.size(); ++level) {
    for (const std::vector<program::Least>& all : ladder.levels[level].when) {
      std::fill(meets_.begin(), meets_.end(), uint8_t(1));
      for (const program::Least& least : all) {
        const int64_t* const values = values_[least.metric];
        for (uint32_t m = 0; m < kRangeMembers; ++m) meets_[m] &= values[m] >= least.value;
      }
      for (uint32_t m = 0; m < kRangeMembers; ++m) {
        found_[m] = meets_[m] ? uint8_t(level) : found_[m];
      }
    }
  }
}

bool RangeAssessor::MayChange(const LadderPlan& plan, const MemberLevel* level, int found) const {
  if (!level) return found > 0;
  const LevelStanding& now = level->standing;
  if (now.since_us > plan_.at_us) return false;  // it has changed since
  const Ladder& ladder = plan.ladder();
  const int place = plan.coded->PlaceOf(now.level);
  const bool is_valid_for_long =
      ladder.downgrade == Ladder::Downgrade::kNever || ladder.levels[size_t(place)].validity;
  if (found > place || (found < place && !is_valid_for_long)) return true;
  if (place > 0 && ladder.downgrade != Ladder::Downgrade::kNever && is_valid_for_long &&
      (now.until_us <= plan_.at_us || now.until_us == kNever_us)) {
    return true;
  }
  return ladder.lifetime_level >= 0 && now.lifetime_from_us != kNever_us;
}

bool RangeAssessor::AssessByScan(const Range& range, size_t ladder, uint32_t member,
                                 MemberChanges* changes) {
  const LadderPlan& plan = plan_.ladders[ladder];
  const OnLadder& on = range.ladders[ladder];
  const MemberLevel* const level = on.levels[member];
  const int64_t since_us = SinceOf(level);
  const int64_t opened_us = ledger::OpeningOf_us(range.opened[member]);
  const auto ended =
      std::lower_bound(on.ended.begin(), on.ended.end(), member,
                       [](const Ended& one, uint32_t wanted) { return one.member < wanted; });
  const bool has_ended = ended != on.ended.end() && ended->member == member;
  bool has_all = true;
  const Evaluate evaluate = [&](int64_t at_us, int64_t changed_us) {
    Found found;
    found.values.resize(plan.measures.size());
    const bool now = at_us == plan_.at_us;
    if (!now && !(has_ended && at_us == ended->last_us)) has_all = false;
    for (size_t k = 0; k < plan.measures.size() && has_all; ++k) {
      const bool by_change = plan.ladder().metrics[k].window.model == Window::Model::kSinceChange;
      if (changed_us != since_us && by_change && IsSummed(plan.measures[k])) has_all = false;
      if (!now && plan.measures[k].of == Of::kBalance) has_all = false;
      if (!has_all) break;
      if (now) {
        found.values[k] = values_[k][member];
      } else if (plan.measures[k].of == Of::kTenureMonths) {
        found.values[k] = MonthsSince(plan_.calendar(), opened_us, at_us);
      } else {
        found.values[k] = scan_.result(size_t(on.at_end[k]))[member];
      }
    }
    if (has_all) found.level = LevelOf(plan.ladder(), found.values);
    return found;
  };
  changes->member = range.number * kRangeMembers + member;
  changes->ladder = uint32_t(ladder);
  changes->sequence = level ? level->sequence : 0;
  changes->changes = Assessor(plan.ladder(), plan_.calendar())
                         .Assess(level ? plan.StandingOf(level->standing) : Standing(), opened_us,
                                 plan_.at_us, evaluate);
  return has_all;
}

Status RangeAssessor::AssessAlone(const Range& range, uint32_t member,
                                  std::vector<MemberChanges>* out) {
  const uint32_t slot = range.number * kRangeMembers + member;
  LOYALTY_ASSIGN_OR_RETURN(Alone alone, Alone::Load(plan_, slot));
  for (size_t l = 0; l < plan_.ladders.size(); ++l) {
    const LadderPlan& plan = plan_.ladders[l];
    const MemberLevel* const level = range.ladders[l].levels[member];
    if (SinceOf(level) > plan_.at_us) continue;
    const auto evaluate = [&](int64_t at_us, int64_t changed_us) {
      return alone.Evaluate(plan, at_us, changed_us);
    };
    auto changes = Assessor(plan.ladder(), plan_.calendar())
                       .Assess(level ? plan.StandingOf(level->standing) : Standing(),
                               alone.opened_us(), plan_.at_us, evaluate);
    if (changes.empty()) continue;
    out->push_back({slot, uint32_t(l), level ? level->sequence : 0, std::move(changes)});
  }
  return alone.status();
}

}  // namespace loyalty::tiers

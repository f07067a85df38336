#include "tiers/range_assessor.h"

#include <algorithm>
#include <optional>

#include "tiers/alone.h"

namespace loyalty::tiers {
namespace {

using history::kRangeMembers;
using ledger::kPageMembers;
using ledger::MemberLevel;
using program::Ladder;
using program::Window;
using Of = program::Metric::Of;

constexpr Span_us kNothing = {1, 0};
// Their entries are in memory at once.
constexpr size_t kAloneTogether = 512;

bool IsSummed(const Measure& measure) {
  return measure.of != Of::kBalance && measure.of != Of::kTenureMonths;
}

bool CountsFromChanges(const Ladder& ladder) {
  return std::any_of(ladder.metrics.begin(), ladder.metrics.end(), [](const auto& metric) {
    return metric.window.model == Window::Model::kSinceChange;
  });
}

}  // namespace

const RangeAssessor::Ended* RangeAssessor::OnLadder::FindEnded(uint32_t slot) const {
  const auto found =
      std::lower_bound(ended.begin(), ended.end(), slot,
                       [](const Ended& one, uint32_t wanted) { return one.level.member < wanted; });
  return found != ended.end() && found->level.member == slot ? &*found : nullptr;
}

RangeAssessor::RangeAssessor(const Plan& plan, OnRange on_range)
    : plan_(plan),
      on_range_(std::move(on_range)),
      scan_(*plan.sources.store, plan.calendar(), plan.through),
      found_(kRangeMembers),
      meets_(kRangeMembers) {}

Status RangeAssessor::Assess(uint32_t first_range, uint32_t end_range, uint32_t member_count,
                             std::vector<MemberChanges>* out, Tally* tally) {
  std::vector<Range> ranges(end_range - first_range);
  for (size_t r = 0; r < ranges.size(); ++r) {
    ranges[r].number = first_range + uint32_t(r);
    Prepare(member_count, &ranges[r]);
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
      ++tally->on_level[l][range.ladders[l].places[m]];
    }
  }
}

void RangeAssessor::Prepare(uint32_t member_count, Range* range) {
  const uint32_t count = std::min(kRangeMembers, member_count - range->first());
  range->ways.assign(kRangeMembers, Way::kNot);
  range->opened.assign(kRangeMembers, 0);
  for (const LadderPlan& plan : plan_.ladders) {
    OnLadder& on = range->ladders.emplace_back();
    on.places.assign(kRangeMembers, 0);
    on.special.assign(kRangeMembers, 0);
    if (CountsFromChanges(plan.ladder())) on.since_us.assign(kRangeMembers, kMinTime_us);
  }
  closed_.clear();
  for (uint32_t first = 0; first < count; first += kPageMembers) {
    plan_.sources.state->ReadMembership(
        (range->first() + first) / kPageMembers, [&](const ledger::Page& page) {
          ReadPage(page, first, range);
          closed_.insert(closed_.end(), page.closed.begin(), page.closed.end());
        });
  }
  ChooseWays(count, range);
  for (size_t l = 0; l < plan_.ladders.size(); ++l) {
    PrepareSums(plan_.ladders[l], &range->ladders[l], range);
  }
}

void RangeAssessor::ReadPage(const ledger::Page& page, uint32_t first, Range* range) const {
  std::copy(page.opening_minutes.begin(), page.opening_minutes.end(),
            range->opened.begin() + first);
  range->latest_us = std::max(range->latest_us, LoadBesideWriter(page.latest_us));
  for (const MemberLevel& level : page.levels) {
    for (size_t l = 0; l < plan_.ladders.size(); ++l) {
      if (plan_.ladders[l].coded->code != level.ladder) continue;
      NoteLevel(plan_.ladders[l], level, level.member - range->first(), &range->ladders[l]);
    }
  }
}

void RangeAssessor::NoteLevel(const LadderPlan& plan, const MemberLevel& level, uint32_t member,
                              OnLadder* on) const {
  const LevelStanding& now = level.standing;
  const Ladder& ladder = plan.ladder();
  const int place = plan.coded->PlaceOf(now.level);
  on->places[member] = uint8_t(place);
  if (!on->since_us.empty()) on->since_us[member] = now.since_us;
  if (ladder.lifetime_level >= 0 && now.lifetime_from_us != kNever_us &&
      plan.coded->PlaceOf(now.for_life) < ladder.lifetime_level) {
    on->special[member] = UINT8_MAX;
  }
  if (place == 0 || ladder.downgrade == Ladder::Downgrade::kNever) return;
  const bool says_end = now.until_us != kNever_us;
  const bool has_end = says_end || ladder.levels[size_t(place)].validity;
  // When it is, is worked out once the page is free again.
  if (has_end && (!says_end || now.until_us <= plan_.at_us)) on->ended.push_back({level, 0});
}

void RangeAssessor::ChooseWays(uint32_t count, Range* range) const {
  const ledger::State& state = *plan_.sources.state;
  const uint32_t last_minute = ledger::OpeningMinute(plan_.at_us);
  for (uint32_t m = 0; m < count; ++m) {
    if (range->opened[m] <= last_minute) range->ways[m] = Way::kByScan;
  }
  for (uint32_t m = 0; m < count && !state.merges.empty(); ++m) {
    const uint32_t slot = range->first() + m;
    if (state.merges.SurvivorOf(slot) != slot) {
      range->ways[m] = Way::kNot;
    } else if (state.merges.FamilyOf(slot).size() > 1) {
      range->ways[m] = Way::kAlone;
    }
  }
  for (const uint32_t slot : closed_) range->ways[slot - range->first()] = Way::kNot;
  for (uint32_t m = 0; m < count && !plan_.members.empty(); ++m) {
    if (!plan_.members[range->first() + m]) range->ways[m] = Way::kNot;
  }
}

void RangeAssessor::PrepareSums(const LadderPlan& plan, OnLadder* on, Range* range) {
  const Assessor assessor(plan.ladder(), plan_.calendar());
  std::erase_if(on->ended, [&](Ended& ended) {
    const uint32_t member = ended.level.member - range->first();
    const int64_t end_us = assessor.NextEnd_us(plan.StandingOf(ended.level.standing),
                                               ledger::OpeningOf_us(range->opened[member]));
    ended.last_us = end_us - 1;
    const bool has_ended = end_us <= plan_.at_us && range->ways[member] == Way::kByScan;
    if (has_ended) on->special[member] = UINT8_MAX;
    return !has_ended;
  });
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
    return int(range->sums.size()) - 1;
  }
  sum.of_each.assign(kRangeMembers, kNothing);
  for (uint32_t m = 0; m < kRangeMembers; ++m) {
    if (range->ways[m] != Way::kByScan) continue;
    sum.of_each[m] = SpanOfMember(window, ledger::OpeningOf_us(range->opened[m]),
                                  on.since_us.empty() ? kMinTime_us : on.since_us[m]);
  }
  return int(range->sums.size()) - 1;
}

Span_us RangeAssessor::SpanOfMember(const Window& window, int64_t opened_us, int64_t since_us) {
  const Anchors anchors = AnchorsOf(opened_us, since_us);
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
    const uint32_t member = ended.level.member - range->first();
    const Anchors anchors =
        AnchorsOf(ledger::OpeningOf_us(range->opened[member]), ended.level.standing.since_us);
    sum.of_each[member] =
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
  std::vector<uint32_t> alone;  // slots
  for (uint32_t m = 0; m < kRangeMembers; ++m) {
    if (range.ways[m] == Way::kAlone) alone.push_back(range.first() + m);
  }
  for (size_t l = 0; l < plan_.ladders.size(); ++l) {
    LOYALTY_RETURN_IF_ERROR(LoadValues(range, l));
    if (on_range_) Tell(range, l);
    FindLevels(plan_.ladders[l].ladder());
    const OnLadder& on = range.ladders[l];
    for (uint32_t m = 0; m < kRangeMembers; ++m) {
      if (((found_[m] ^ on.places[m]) | on.special[m]) == 0) continue;
      if (range.ways[m] != Way::kByScan) continue;
      MemberChanges changes;
      if (!AssessByScan(range, l, m, &changes)) {
        alone.push_back(range.first() + m);
      } else if (!changes.changes.empty()) {
        out->push_back(std::move(changes));
      }
    }
  }
  std::sort(alone.begin(), alone.end());
  alone.erase(std::unique(alone.begin(), alone.end()), alone.end());
  // What was found of one before another of his ladders turned out to need more.
  const auto is_alone = [&](const MemberChanges& c) {
    return std::binary_search(alone.begin(), alone.end(), c.member);
  };
  out->erase(std::remove_if(out->begin() + ptrdiff_t(before), out->end(), is_alone), out->end());
  for (size_t from = 0; from < alone.size(); from += kAloneTogether) {
    const size_t count = std::min(kAloneTogether, alone.size() - from);
    LOYALTY_RETURN_IF_ERROR(AssessAlone(std::span(alone).subspan(from, count), out));
  }
  std::sort(out->begin() + ptrdiff_t(before), out->end(),
            [](const MemberChanges& a, const MemberChanges& b) {
              return std::pair(a.member, a.ladder) < std::pair(b.member, b.ladder);
            });
  return {};
}

void RangeAssessor::Tell(const Range& range, size_t ladder) const {
  std::vector<uint8_t> known(kRangeMembers);
  for (uint32_t m = 0; m < kRangeMembers; ++m) known[m] = range.ways[m] == Way::kByScan;
  on_range_({ladder, range.first(), range.ladders[ladder].places, known, values_});
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
    LOYALTY_ASSIGN_OR_RETURN((*values)[m], plan_.sources.active_at(first + m, currency, plan_.at_us,
                                                                   plan_.at_us, plan_.through));
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
  std::fill(found_.begin(), found_.end(), 0);
  for (size_t level = 1; level < ladder.levels.size(); ++level) {
    for (const std::vector<program::Least>& all : ladder.levels[level].when) {
      std::fill(meets_.begin(), meets_.end(), -1);
      for (const program::Least& least : all) {
        const int64_t* const values = values_[least.metric];
        for (uint32_t m = 0; m < kRangeMembers; ++m) {
          meets_[m] &= -int64_t(values[m] >= least.value);
        }
      }
      // Whoever meets it meets all below: levels only rise.
      for (uint32_t m = 0; m < kRangeMembers; ++m)
        found_[m] = std::max(found_[m], meets_[m] & int64_t(level));
    }
  }
}

bool RangeAssessor::Stays(const LadderPlan& plan, const LevelStanding& now, int found) const {
  const Ladder& ladder = plan.ladder();
  const int place = plan.coded->PlaceOf(now.level);
  const bool lasts =
      ladder.downgrade == Ladder::Downgrade::kNever || ladder.levels[size_t(place)].validity;
  return found < place && lasts && now.until_us > plan_.at_us;
}

bool RangeAssessor::AssessByScan(const Range& range, size_t ladder, uint32_t member,
                                 MemberChanges* changes) {
  const LadderPlan& plan = plan_.ladders[ladder];
  const OnLadder& on = range.ladders[ladder];
  const uint32_t slot = range.first() + member;
  const Ended* const ended = on.FindEnded(slot);
  const std::optional<MemberLevel> level =
      ended ? ended->level : plan_.sources.state->LevelOn(slot, plan.coded->code);
  const int64_t since_us = SinceOf(level);
  const int place = level ? plan.coded->PlaceOf(level->standing.level) : 0;
  // It has changed since the range was prepared.
  if (place != on.places[member]) return false;
  if (!on.since_us.empty() && on.since_us[member] != since_us) return false;
  if (since_us > plan_.at_us) return true;
  if (level && !on.special[member] && Stays(plan, level->standing, int(found_[member]))) {
    return true;
  }
  const int64_t opened_us = ledger::OpeningOf_us(range.opened[member]);
  bool has_all = true;
  const Evaluate evaluate = [&](int64_t at_us, int64_t changed_us) {
    Found found;
    found.values.resize(plan.measures.size());
    const bool now = at_us == plan_.at_us;
    if (!now && !(ended && at_us == ended->last_us)) has_all = false;
    if (changed_us != since_us && !on.since_us.empty()) has_all = false;
    for (size_t k = 0; k < plan.measures.size() && has_all; ++k) {
      if (now) {
        found.values[k] = values_[k][member];
      } else if (plan.measures[k].of == Of::kTenureMonths) {
        found.values[k] = MonthsSince(plan_.calendar(), opened_us, at_us);
      } else if (plan.measures[k].of == Of::kBalance) {
        has_all = false;
      } else {
        found.values[k] = scan_.result(size_t(on.at_end[k]))[member];
      }
    }
    if (has_all) found.level = LevelOf(plan.ladder(), found.values);
    return found;
  };
  *changes = AssessMember(plan_, ladder, slot, level, opened_us, evaluate);
  return has_all;
}

Status RangeAssessor::AssessAlone(std::span<const uint32_t> slots,
                                  std::vector<MemberChanges>* out) {
  LOYALTY_ASSIGN_OR_RETURN(std::vector<Alone> all, Alone::Load(plan_, slots));
  for (Alone& alone : all) {
    if (alone.opened_us() > plan_.at_us) continue;
    for (size_t l = 0; l < plan_.ladders.size(); ++l) {
      MemberChanges changes = alone.AssessOn(l);
      if (!changes.changes.empty()) out->push_back(std::move(changes));
    }
    LOYALTY_RETURN_IF_ERROR(alone.status());
  }
  return {};
}

}  // namespace loyalty::tiers

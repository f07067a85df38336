#include "engine/at_once.h"

#include <algorithm>

#include "base/clock.h"
#include "base/thread_name.h"
#include "engine/tier_run.h"
#include "tiers/assess_all.h"

namespace loyalty::engine {
namespace {

using tiers::MemberChanges;

// What is posted meanwhile is looked at together.
constexpr auto kPause = std::chrono::milliseconds(50);
// Whose entries are in memory at once: many, since the newest ones are looked through for all of them together.
constexpr size_t kAloneTogether = 4 * history::kRangeMembers;
// Memory is asked for so many entries ahead.
constexpr size_t kAhead = 16;

std::vector<size_t> LaddersAtOnce(const ledger::Rules& rules) {
  std::vector<size_t> numbers;
  for (size_t l = 0; l < rules.ladders().size(); ++l) {
    if (rules.ladders()[l].ladder->at_once) numbers.push_back(l);
  }
  return numbers;
}

}  // namespace

void AtOnce::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void AtOnce::Run() {
  NameThisThread("loyalty-at-once");
  Status status;
  do {
    status = Step();
  } while (status.ok() && Pause());
  // Whoever opens the ledger next finds all levels given.
  if (status.ok() && HasPosted()) status = Step();
  if (status.ok()) status = in_flight_.Finish();
  if (!status.ok() && status.code() != StatusCode::kInterrupted) core_->FailBehind(status);
}

bool AtOnce::Pause() {
  MutexLock lock(mutex_);
  const auto next = std::chrono::steady_clock::now() + kPause;
  while (!stopping_ && changed_.WaitUntil(mutex_, next)) {
  }
  return !stopping_;
}

bool AtOnce::MayGoOn() {
  if (HasPosted()) return true;
  MutexLock lock(mutex_);
  return !stopping_;
}

Status AtOnce::Step() {
  LOYALTY_RETURN_IF_ERROR(core_->durable.failure());
  const uint64_t through = core_->durable.sequence();
  const auto rules = core_->state->rules();
  const std::vector<size_t> ladders = LaddersAtOnce(*rules);
  std::vector<uint32_t> due;
  if (ladders.empty()) {
    bounds_.clear();
    followed_ = through;
  } else {
    // Codes that are new are in entries from here on only.
    plan_ = PlanOf(*core_, rules, ladders, Now_us());
    if (rules != rules_ || plan_.at_us >= until_us_) {
      LOYALTY_RETURN_IF_ERROR(Begin(through, &due));
    } else {
      for (size_t l = 0; l < bounds_.size(); ++l) bounds_[l].Use(plan_, l);
      LOYALTY_RETURN_IF_ERROR(Follow(through, &due));
      TakeArrived(&due);
    }
  }
  rules_ = rules;
  // Of the step before: the writer has had the time of this one's reading for it.
  LOYALTY_RETURN_IF_ERROR(in_flight_.Finish());
  sequence_.store(settled_, std::memory_order_release);
  LOYALTY_RETURN_IF_ERROR(Settle(std::move(due)));
  settled_ = followed_;
  if (in_flight_.empty()) sequence_.store(settled_, std::memory_order_release);
  return {};
}

Status AtOnce::Begin(uint64_t through, std::vector<uint32_t>* due) {
  const uint32_t members = core_->state->keys.size();
  LOYALTY_RETURN_IF_ERROR(behind_->ConsumeHistory(through));
  plan_.through = core_->history->sequence();
  until_us_ = plan_.calendar().EndOf(plan_.at_us + 1, program::Unit::kDay);
  bounds_.clear();
  to_come_ = {};
  for (size_t l = 0; l < plan_.ladders.size(); ++l) {
    bounds_.emplace_back(plan_.ladders[l].ladder(), members, until_us_).Use(plan_, l);
  }
  InFlight in_flight(pipeline_);
  const auto take = [&](std::vector<MemberChanges> changes, const tiers::Tally&) {
    return Submit(std::move(changes), &in_flight);
  };
  const auto note = [this](const tiers::RangeView& found) { bounds_[found.ladder].Note(found); };
  LOYALTY_RETURN_IF_ERROR(tiers::AssessAll(
      plan_, {members, 0, [this](uint64_t, uint64_t) { return MayGoOn(); }, take, note}));
  LOYALTY_RETURN_IF_ERROR(in_flight.Finish());
  followed_ = plan_.through;
  return tiers::MarkInexact(plan_, members, &bounds_, due);
}

Status AtOnce::Follow(uint64_t through, std::vector<uint32_t>* due) {
  while (followed_ < through) {
    LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core_->FindBlock(followed_ + 1));
    Heed(block.view, due);
    followed_ = block.view.last_sequence();
  }
  plan_.through = followed_;
  return {};
}

void AtOnce::Heed(const journal::BlockView& block, std::vector<uint32_t>* due) {
  static const Details kNone;
  entries_.resize(block.count());
  block.Entries(entries_);
  block.AllDetails(&details_);
  auto next = details_.begin();
  const auto first = size_t(followed_ + 1 - block.first_sequence());
  for (size_t row = 0; row < entries_.size(); ++row) {
    if (row + kAhead < entries_.size()) {
      const uint32_t member = entries_[row + kAhead].member;
      for (const tiers::Bounds& bounds : bounds_) bounds.Prefetch(member);
    }
    const bool has_details = next != details_.end() && next->row == row;
    const Details& details = has_details ? next->details : kNone;
    if (row >= first) HeedEntry(entries_[row], details, due);
    next += has_details;
  }
}

void AtOnce::HeedEntry(const Entry& entry, const Details& details, std::vector<uint32_t>* due) {
  if (!IsPosted(entry.status) || entry.member == Entry::kNoMember) return;
  const uint32_t member = entry.member;
  bool may_be_due = true;
  switch (entry.kind) {
    case Kind::kOpenMember:
      for (tiers::Bounds& bounds : bounds_) bounds.Open(member);
      break;
    case Kind::kMergeMembers:
    case Kind::kUnmergeMembers:
      for (tiers::Bounds& bounds : bounds_) {
        bounds.Forget(member);
        if (details.other >= 0) bounds.Forget(uint32_t(details.other));
      }
      if (details.other >= 0) due->push_back(uint32_t(details.other));
      break;
    case Kind::kReopenMember:
      for (tiers::Bounds& bounds : bounds_) bounds.Forget(member);
      break;
    case Kind::kSetLevel:
    case Kind::kChangeLevel:
      for (size_t l = 0; l < bounds_.size(); ++l) {
        const ledger::CodedLadder& coded = *plan_.ladders[l].coded;
        const auto level = core_->state->LevelOn(member, coded.code);
        bounds_[l].SetPlace(member, level ? coded.PlaceOf(level->standing.level) : 0);
      }
      break;
    default: {
      const auto remark = history::RemarkOf(entry, details).value_or(history::Remark());
      may_be_due = false;
      for (tiers::Bounds& bounds : bounds_) {
        if (bounds.Add(entry, remark)) may_be_due |= bounds.IsDue(member);
      }
    }
  }
  if (may_be_due) due->push_back(member);
}

void AtOnce::TakeArrived(std::vector<uint32_t>* due) {
  for (; !to_come_.empty() && to_come_.top().first <= plan_.at_us; to_come_.pop()) {
    due->push_back(to_come_.top().second);
  }
}

bool AtOnce::IsDue(uint32_t member) {
  return std::any_of(bounds_.begin(), bounds_.end(),
                     [&](tiers::Bounds& bounds) { return bounds.IsDue(member); });
}

Status AtOnce::Settle(std::vector<uint32_t> due) {
  std::sort(due.begin(), due.end());
  due.erase(std::unique(due.begin(), due.end()), due.end());
  const ledger::Merges& merges = core_->state->merges;
  std::vector<MemberChanges> changes;
  std::vector<uint32_t> alone;
  for (const uint32_t member : due) {
    if (merges.SurvivorOf(member) != member || !IsDue(member)) continue;
    const bool has_family = !merges.empty() && merges.FamilyOf(member).size() > 1;
    if (has_family || !AssessByBounds(member, &changes)) alone.push_back(member);
  }
  for (size_t from = 0; from < alone.size(); from += kAloneTogether) {
    const size_t count = std::min(kAloneTogether, alone.size() - from);
    LOYALTY_RETURN_IF_ERROR(AssessAlone(std::span(alone).subspan(from, count), &changes));
  }
  return Submit(std::move(changes), &in_flight_);
}

bool AtOnce::AssessByBounds(uint32_t member, std::vector<MemberChanges>* changes) {
  const size_t before = changes->size();
  bool has_all = true;
  for (size_t l = 0; l < bounds_.size() && has_all; ++l) {
    const tiers::LadderPlan& plan = plan_.ladders[l];
    tiers::Found now;
    has_all = bounds_[l].Read(member, &now.values);
    if (!has_all) break;
    now.level = tiers::LevelOf(plan.ladder(), now.values);
    const auto evaluate = [&](int64_t at_us, int64_t) {
      has_all &= at_us == plan_.at_us;
      return now;
    };
    changes->push_back(tiers::AssessMember(plan_, l, member,
                                           core_->state->LevelOn(member, plan.coded->code),
                                           core_->state->OpeningOf_us(member), evaluate));
  }
  if (!has_all) changes->resize(before);
  return has_all;
}

Status AtOnce::AssessAlone(std::span<const uint32_t> members, std::vector<MemberChanges>* changes) {
  LOYALTY_ASSIGN_OR_RETURN(std::vector<tiers::Alone> all, tiers::Alone::Load(plan_, members));
  for (tiers::Alone& alone : all) {
    for (tiers::Bounds& bounds : bounds_) bounds.Set(&alone);
    for (size_t l = 0; l < bounds_.size(); ++l) changes->push_back(alone.AssessOn(l));
    const int64_t next_us = alone.NextToCome_us(plan_.at_us);
    if (next_us < until_us_) to_come_.emplace(next_us, alone.member());
    LOYALTY_RETURN_IF_ERROR(alone.status());
  }
  return {};
}

Status AtOnce::Submit(std::vector<MemberChanges> changes, InFlight* in_flight) {
  std::erase_if(changes, [](const MemberChanges& c) {
    return c.changes.empty() || c.changes.back().to.level <= c.changes.front().from;
  });
  return SubmitChanges(
      plan_, changes, [] {}, in_flight);
}

}  // namespace loyalty::engine

// Postings of all kinds by one thread, mostly about what it posted before.
#pragma once

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::engine {

class Workload {
 public:
  // `who` is the code of actors and reasons; ids are of the thread's own.
  Workload(uint64_t thread, int64_t members, int64_t start_us, uint32_t who)
      : thread_(thread), members_(members), start_us_(start_us), who_(who), random_(thread) {}

  // The postings point into the workload, until the next call.
  std::vector<Posting> Batch(size_t size) {
    terms_.clear();
    keys_.clear();
    std::vector<Posting> batch;
    while (batch.size() < size) batch.push_back(Next());
    return batch;
  }

 private:
  static constexpr int64_t kDay_us = 86'400'000'000;
  enum Pool { kCredits, kDebits, kHolds, kPools };

  int64_t Below(int64_t limit) { return int64_t(random_() % uint64_t(limit)); }

  Posting Next() {
    Posting p;
    p.id = {thread_ + 1, ++last_};
    p.member = MemberKey(Below(members_));
    p.effective_us = start_us_ + Below(20) * kDay_us;
    p.codes.actor = p.codes.reason = who_;
    switch (Below(16)) {
      case 0: return Timed(Kind::kSetLimits, p);
      case 1: return About(Kind::kReverse, kCredits, p);
      case 2: return About(Kind::kReverse, kDebits, p);
      case 3: return About(Kind::kCapture, kHolds, p);
      case 4: return About(Kind::kRelease, kHolds, p);
      case 5: return About(Kind::kConfirm, kCredits, p);
      case 6: return About(Kind::kCancel, kCredits, p);
      case 7: return Transfer(p);
      case 8: return Timed(Kind::kHold, p);
      case 9: p.kind = Below(4) ? Kind::kReopenMember : Kind::kCloseMember; return p;
      case 10:
        p.expires_us = p.effective_us + 30 * kDay_us;
        return About(Kind::kExtend, kCredits, p);
      case 11:
      case 12: return Debit(p);
      default: return Timed(Kind::kEarn, p);
    }
  }
  Posting Timed(Kind kind, Posting p) {
    p.kind = kind;
    Terms& terms = terms_.emplace_back();
    p.terms = &terms;
    if (kind == Kind::kSetLimits) {
      terms.floor = -Below(20);
      if (Below(2)) terms.ceiling = 50 + Below(50);
      return p;
    }
    p.points = 1 + Below(40);
    const int64_t later_us = p.effective_us + (1 + Below(9)) * kDay_us;
    if (kind == Kind::kHold || Below(5) == 0) terms.deadline_us = later_us;
    if (kind == Kind::kEarn) {
      if (terms.deadline_us != kNever_us)
        terms.activates_us = kNever_us;
      else if (Below(4) == 0)
        terms.activates_us = later_us;
      if (Below(2)) p.expires_us = later_us + (1 + Below(9)) * kDay_us;
    }
    return Remember(kind == Kind::kHold ? kHolds : kCredits, p);
  }
  Posting Debit(Posting p) {
    p.kind = Below(3) ? Kind::kRedeem : Kind::kAdjust;
    p.points = 1 + Below(25);
    if (p.kind == Kind::kAdjust) p.points = -p.points;
    return Remember(kDebits, p);
  }
  Posting Transfer(Posting p) {
    p.kind = Kind::kTransfer;
    p.points = 1 + Below(25);
    p.other = &keys_.emplace_back((p.member.number + 1 + Below(members_ - 1)) % members_);
    return p;
  }
  Posting About(Kind kind, Pool pool, Posting p) {
    if (made_[pool].empty()) return Timed(Kind::kEarn, p);
    const Posting& of = made_[pool][size_t(Below(int64_t(made_[pool].size())))];
    p.kind = kind;
    p.related = of.id;
    p.member = of.member;
    if (Below(2) && (kind == Kind::kReverse || kind == Kind::kCapture)) p.points = 1 + Below(9);
    return kind == Kind::kCapture ? Remember(kDebits, p) : p;
  }
  Posting Remember(Pool pool, const Posting& p) {
    made_[pool].push_back(p);
    if (made_[pool].size() > 30) made_[pool].pop_front();
    return p;
  }

  const uint64_t thread_;
  const int64_t members_;
  const int64_t start_us_;
  const uint32_t who_;
  std::mt19937_64 random_;
  uint64_t last_ = 0;
  std::deque<Posting> made_[kPools];
  std::deque<Terms> terms_;
  std::deque<MemberKey> keys_;
};

}  // namespace loyalty::engine

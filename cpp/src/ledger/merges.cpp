#include "ledger/merges.h"

#include <sched.h>

#include <algorithm>

namespace loyalty::ledger {
namespace {

void SortUnique(std::vector<uint32_t>* members) {
  std::sort(members->begin(), members->end());
  members->erase(std::unique(members->begin(), members->end()), members->end());
}

}  // namespace

uint32_t Merges::Follow(uint32_t member, uint64_t through) const {
  for (;;) {
    const auto found = of_member_.find(member);
    if (found == of_member_.end()) return member;
    const std::vector<Merge>& merges = found->second;
    auto at = std::upper_bound(merges.begin(), merges.end(), through,
                               [](uint64_t s, const Merge& merge) { return s < merge.sequence; });
    if (at == merges.begin() || (--at)->into == member) return member;
    member = at->into;
  }
}

uint32_t Merges::FollowAll(uint32_t member, uint64_t through) const {
  ReaderLock lock(mutex_);
  return Follow(member, through);
}

std::vector<uint32_t> Merges::FamilyOf(uint32_t survivor, uint64_t through) const {
  std::vector<uint32_t> family{survivor};
  if (empty()) return family;
  ReaderLock lock(mutex_);
  for (size_t i = 0; i < family.size(); ++i) {
    const auto found = merged_into_.find(family[i]);
    if (found == merged_into_.end()) continue;
    for (const uint32_t member : found->second) {
      const bool known = std::find(family.begin(), family.end(), member) != family.end();
      if (!known && Follow(member, through) == survivor) family.push_back(member);
    }
  }
  SortUnique(&family);
  return family;
}

std::vector<uint32_t> Merges::EverWith(uint32_t member) const {
  std::vector<uint32_t> with{member};
  if (empty()) return with;
  ReaderLock lock(mutex_);
  for (size_t i = 0; i < with.size(); ++i) {
    const auto found = of_member_.find(with[i]);
    if (found == of_member_.end()) continue;
    for (const Merge& merge : found->second) {
      if (std::find(with.begin(), with.end(), merge.into) == with.end()) {
        with.push_back(merge.into);
      }
    }
  }
  SortUnique(&with);
  return with;
}

bool Merges::IsInForce(uint32_t member, uint64_t sequence) const {
  ReaderLock lock(mutex_);
  const auto found = of_member_.find(member);
  return found != of_member_.end() && found->second.back().sequence == sequence;
}

std::vector<Merge> Merges::All() const {
  ReaderLock lock(mutex_);
  return all_;
}

uint64_t Merges::StableVersion() const {
  for (;;) {
    const uint64_t now = version();
    if (now % 2 == 0) return now;
    sched_yield();
  }
}

void Merges::Add(const Merge& merge) {
  WriterLock lock(mutex_);
  all_.push_back(merge);
  of_member_[merge.member].push_back(merge);
  if (merge.into != merge.member) merged_into_[merge.into].push_back(merge.member);
  last_sequence_.store(merge.sequence, std::memory_order_release);
  size_.store(all_.size(), std::memory_order_release);
}

}  // namespace loyalty::ledger

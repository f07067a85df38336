// The postings of the kill test: each batch follows from its number, so that writer and checker agree.
#pragma once

#include <random>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::engine {

constexpr int64_t kCrashMembers = 50;
constexpr uint64_t kCrashIds = 1000;  // a batch's number times this is its first id

inline LedgerOptions CrashOptions() {
  LedgerOptions options;
  options.segment_entries = 300;  // so that kills also hit what is built behind the journal
  options.checkpoint_entries = 900;
  return options;
}

// Batch 0 opens the members; the others earn only, so that a balance is the sum of what was posted.
inline std::vector<Posting> CrashBatch(uint64_t number) {
  std::mt19937_64 random(number);
  std::vector<Posting> batch;
  const size_t count = number == 0 ? kCrashMembers : 1 + random() % 40;
  for (size_t i = 0; i < count; ++i) {
    Posting& posting = batch.emplace_back();
    posting.id = {number % 2 ? random() : 1, number * kCrashIds + i + 1};
    posting.kind = number == 0 ? Kind::kOpenMember : Kind::kEarn;
    posting.member = MemberKey(number == 0 ? int64_t(i) : int64_t(random() % kCrashMembers));
    posting.points = number == 0 ? 0 : int64_t(random() % 100);
    posting.effective_us = 1'700'000'000'000'000 + int64_t(random() % 1000) * 86'400'000'000;
  }
  return batch;
}

}  // namespace loyalty::engine

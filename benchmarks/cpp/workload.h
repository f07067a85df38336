// The postings of a programme: a year of shopping, 85 % earns and 15 % redemptions. The same as
// harness/workload.py draws for the other systems.
//
// Drafts are drawn before the clock starts; Fill makes a posting of one in a few nanoseconds, as a
// caller would. post_bench reports what that costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "loyalty/posting.h"

namespace loyalty::bench {

constexpr int64_t kDay_us = 86'400'000'000;
constexpr int64_t kStart_us = 1'704'067'200'000'000;  // 2024-01-01
constexpr int64_t kYear_us = 365 * kDay_us;
constexpr double kZipfExponent = 0.99;
constexpr uint64_t kRedeemPercent = 15;

// Tills send late: ids are ordered by time but for this many neighbours.
constexpr int64_t kDisorder = 8;

struct WorkloadOptions {
  uint64_t members = 1'000'000;
  uint64_t postings = 20'000'000;
  bool random_ids = false;
  bool zipf = false;
  uint64_t seed = 1;
  int64_t start_us = kStart_us;  // of the year
};

struct Draft {
  Id id;
  uint32_t member = 0;
  uint32_t points = 0;
  uint32_t money = 0;
  bool redeem = false;
};

// SplitMix64's finaliser: a bijection.
inline uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

class Random {  // SplitMix64
 public:
  explicit Random(uint64_t seed) : state_(Mix(seed)) {}
  uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15); }
  uint64_t Below(uint64_t n) { return uint64_t((__uint128_t(Next()) * n) >> 64); }
  double Unit() { return double(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

// A member's own key: a card number, so neither dense nor in order.
inline MemberKey KeyOfMember(uint64_t member) { return MemberKey(int64_t(Mix(member) >> 2)); }

inline int64_t EffectiveOf(const WorkloadOptions& options, uint64_t index) {
  return options.start_us + int64_t(double(index) / double(options.postings) * double(kYear_us));
}

// UUIDv7: 48 bits of milliseconds, version, the rest random.
inline Id OrderedId(int64_t time_us, Random* random) {
  const uint64_t ms = uint64_t(time_us / 1000);
  return {.hi = ms << 16 | 0x7000 | (random->Next() & 0xFFF),
          .lo = 0x8000'0000'0000'0000 | random->Next() >> 2};
}

// Inverts the continuous approximation of the Zipf distribution. The popular members lie scattered.
inline uint32_t ZipfMember(uint64_t members, Random* random) {
  const double power = 1.0 - kZipfExponent;
  const double top = std::pow(double(members), power) - 1.0;
  const uint64_t rank = uint64_t(std::pow(1.0 + random->Unit() * top, 1.0 / power) - 1.0);
  return uint32_t(std::min(rank, members - 1) * 0x9E3779B1 % members);
}

inline std::vector<Draft> MakeDrafts(const WorkloadOptions& options) {
  Random random(options.seed);
  std::vector<Draft> drafts(options.postings);
  const int64_t step_us = kYear_us / int64_t(options.postings);
  for (uint64_t i = 0; i < options.postings; ++i) {
    Draft& draft = drafts[i];
    const int64_t late_us = step_us * int64_t(random.Below(kDisorder));
    draft.id = options.random_ids ? Id{.hi = random.Next(), .lo = random.Next()}
                                  : OrderedId(EffectiveOf(options, i) + late_us, &random);
    draft.member = options.zipf ? ZipfMember(options.members, &random)
                                : uint32_t(random.Below(options.members));
    draft.redeem = random.Below(100) < kRedeemPercent;
    draft.points = uint32_t(draft.redeem ? 10 + random.Below(90) : 100 + random.Below(900));
    draft.money = uint32_t(100 + random.Below(19'900));
  }
  return drafts;
}

// An earn's points last two years, to the end of that day.
inline int64_t ExpiryOf(int64_t effective_us) {
  return (effective_us / kDay_us + 1 + 730) * kDay_us;
}

inline void Fill(const WorkloadOptions& options, const Draft& draft, uint64_t index,
                 Posting* posting) {
  posting->id = draft.id;
  posting->kind = draft.redeem ? Kind::kRedeem : Kind::kEarn;
  posting->member = KeyOfMember(draft.member);
  posting->points = draft.points;
  posting->money = draft.money;
  posting->effective_us = EffectiveOf(options, index);
  posting->expires_us = draft.redeem ? kByProgram : ExpiryOf(posting->effective_us);
}

// Opens members [first, first + postings.size()), in the year before. Their ids are of the same
// sort as the postings': random ones among ordered ones would lie in every later range.
inline void FillMembers(const WorkloadOptions& options, uint64_t first,
                        std::span<Posting> postings) {
  Random random(
      ~(options.seed + first));  // not the draws of MakeDrafts, whose ids would be the same
  for (size_t i = 0; i < postings.size(); ++i) {
    const double share = double(first + i) / double(options.members);
    const int64_t time_us = kStart_us - kYear_us + int64_t(share * double(kYear_us));
    postings[i] = {};
    postings[i].id = options.random_ids ? Id{.hi = random.Next(), .lo = random.Next()}
                                        : OrderedId(time_us, &random);
    postings[i].kind = Kind::kOpenMember;
    postings[i].member = KeyOfMember(first + i);
    postings[i].effective_us = time_us;
  }
}

}  // namespace loyalty::bench

// Ids of the kinds that callers use, as functions of their sequence: no id comes twice.
#pragma once

#include <cstdint>
#include <string>

#include "loyalty/posting.h"

namespace loyalty::ids {

inline uint64_t Mix(uint64_t z) {  // a bijection
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

struct IdKind {
  std::string name;
  Id (*make)(uint64_t sequence);
};

inline const IdKind kIdKinds[] = {
    {"random",
     [](uint64_t s) {
       return Id{Mix(s), Mix(~s)};
     }},
    {"time_ordered",
     [](uint64_t s) {
       return Id{0x0190'0000'0000'7000 + (s / 50 << 16), Mix(s)};
     }},
    {"counter",
     [](uint64_t s) {
       return Id{0, s};
     }},
    {"falling",
     [](uint64_t s) {
       return Id{UINT64_MAX - s, UINT64_MAX};
     }},
    {"equal_hi",
     [](uint64_t s) {
       return Id{7, Mix(s)};
     }},
    {"equal_lo",
     [](uint64_t s) {
       return Id{Mix(s), 0};
     }},
    {"equal_halves",
     [](uint64_t s) {
       return Id{s, s};
     }},
    {"extremes",
     [](uint64_t s) {
       return s % 2 ? Id{UINT64_MAX, UINT64_MAX - s} : Id{s % 4 / 2, s};
     }},
    {"one_outlier",
     [](uint64_t s) {
       return s == 3 ? Id{UINT64_MAX, 1} : Id{s % 100, Mix(s)};
     }},
};

}  // namespace loyalty::ids

#include "journal/level_change.h"

#include <array>

#include "base/varint.h"

namespace loyalty::journal {
namespace {

// The times of a change, in the order in which they are stored. Of const or mutable ones.
template <typename Change>
auto Times(Change& change) {
  return std::array{&change.to.since_us, &change.to.until_us, &change.to.kept_until_us,
                    &change.to.lifetime_from_us, &change.assessed_us};
}

}  // namespace

std::string EncodeLevelChange(const LevelChange& change, int64_t effective_us) {
  std::string text;
  for (const uint32_t code : {change.ladder, change.from, change.to.level}) {
    AppendVarint(code, &text);
  }
  for (const int64_t* at_us : Times(change)) {
    const bool is_bound = *at_us == kNever_us || *at_us == kMinTime_us;
    AppendVarint(is_bound ? *at_us == kMinTime_us : 2 + ZigZag(*at_us - effective_us), &text);
  }
  AppendVarint(change.to.kept, &text);
  AppendVarint(change.to.for_life, &text);
  AppendVarint(change.values.size(), &text);
  for (const int64_t value : change.values) AppendVarint(ZigZag(value), &text);
  return text;
}

std::optional<LevelChange> DecodeLevelChange(std::string_view text, int64_t effective_us) {
  LevelChange change;
  bool fits = true;
  const auto take = [&] {
    uint64_t value = 0;
    fits = fits && TakeVarint(&text, &value);
    return value;
  };
  for (uint32_t* code : {&change.ladder, &change.from, &change.to.level}) *code = uint32_t(take());
  for (int64_t* at_us : Times(change)) {
    const uint64_t stored = take();
    *at_us = stored == 0 ? kNever_us : kMinTime_us;
    if (stored >= 2) *at_us = int64_t(uint64_t(effective_us) + uint64_t(UnZigZag(stored - 2)));
  }
  change.to.kept = uint32_t(take());
  change.to.for_life = uint32_t(take());
  for (uint64_t left = take(); left > 0 && fits; --left) change.values.push_back(UnZigZag(take()));
  if (!fits || !text.empty()) return std::nullopt;
  return change;
}

}  // namespace loyalty::journal

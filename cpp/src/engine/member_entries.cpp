#include "engine/member_entries.h"

#include <algorithm>

namespace loyalty::engine {

Status VisitEntries(const Core& core, std::span<const uint32_t> members, uint64_t through,
                    const EntryVisitor& visitor) {
  // The tail first: what leaves it meanwhile is in history by then, and what is in both counts once.
  std::vector<history::Item> items;
  for (const SharedBlock& block : core.tail.From(0)) {
    for (size_t row = 0; row < block.view.count(); ++row) {
      if (std::binary_search(members.begin(), members.end(), block.view.MemberAt(row))) {
        items.push_back({block.view.first_sequence() + row, block.view.EntryAt(row), {}});
      }
    }
  }
  for (const uint32_t member : members) {
    LOYALTY_RETURN_IF_ERROR(core.history->Read(member, kMinTime_us, kMaxTime_us, &items));
  }
  std::sort(items.begin(), items.end(),
            [](const history::Item& a, const history::Item& b) { return a.sequence < b.sequence; });
  uint64_t last = 0;
  for (const history::Item& item : items) {
    if (item.sequence == last || item.sequence > through) continue;
    last = item.sequence;
    LOYALTY_RETURN_IF_ERROR(visitor(item.sequence, item.entry));
  }
  return {};
}

}  // namespace loyalty::engine

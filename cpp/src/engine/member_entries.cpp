#include "engine/member_entries.h"

#include <algorithm>

namespace loyalty::engine {

Status ReadItems(const Core& core, std::span<const uint32_t> members, uint64_t through,
                 std::vector<history::Item>* items) {
  // The tail first: what leaves it meanwhile is in history by then, and what is in both counts once. It may hold
  // much that history has: ids go by their own pace.
  for (const SharedBlock& block : core.tail.From(core.history->sequence() + 1)) {
    for (size_t row = 0; row < block.view.count(); ++row) {
      if (!std::binary_search(members.begin(), members.end(), block.view.MemberAt(row))) continue;
      const Entry entry = block.view.EntryAt(row);
      const auto remark = history::RemarkOf(entry, block.view.DetailsAt(row));
      items->push_back(
          {block.view.first_sequence() + row, entry, remark.value_or(history::Remark())});
    }
  }
  LOYALTY_RETURN_IF_ERROR(core.history->Read(members, kMinTime_us, kMaxTime_us, items));
  std::erase_if(*items, [&](const history::Item& item) { return item.sequence > through; });
  std::sort(items->begin(), items->end(),
            [](const history::Item& a, const history::Item& b) { return a.sequence < b.sequence; });
  const auto same = [](const history::Item& a, const history::Item& b) {
    return a.sequence == b.sequence;
  };
  items->erase(std::unique(items->begin(), items->end(), same), items->end());
  return {};
}

Status VisitEntries(const Core& core, std::span<const uint32_t> members, uint64_t through,
                    const EntryVisitor& visitor) {
  std::vector<history::Item> items;
  LOYALTY_RETURN_IF_ERROR(ReadItems(core, members, through, &items));
  for (const history::Item& item : items) {
    LOYALTY_RETURN_IF_ERROR(visitor(item.sequence, item.entry));
  }
  return {};
}

}  // namespace loyalty::engine

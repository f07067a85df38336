#include "ids/recent_ids.h"

namespace loyalty::ids {
namespace {

constexpr int kLeastIndexBits = 12;

// The slot comes from the low half of the hash, the tag from the high half.
uint32_t Tag(uint64_t hash, int index_bits) {
  return uint32_t(hash >> 32) >> index_bits << index_bits;
}

}  // namespace

RecentIds::RecentIds(uint64_t first_sequence, size_t expected_ids)
    : first_sequence_(first_sequence), index_bits_(kLeastIndexBits) {
  while (expected_ids > size_t{1} << index_bits_ >> 1) ++index_bits_;
  ids_.reserve(expected_ids);
  table_.resize(size_t{1} << index_bits_);
}

uint64_t RecentIds::Find(const Id& id) const {
  const uint64_t hash = HashId(id);
  const size_t slot_mask = table_.size() - 1;
  const uint32_t index_mask = uint32_t(slot_mask);
  const uint32_t tag = Tag(hash, index_bits_);
  for (size_t slot = hash & slot_mask; table_[slot] != 0; slot = (slot + 1) & slot_mask) {
    const uint32_t entry = table_[slot];
    if ((entry & ~index_mask) != tag) continue;
    const uint32_t index = (entry & index_mask) - 1;
    if (ids_[index] == id) return first_sequence_ + index;
  }
  return 0;
}

void RecentIds::Append(const Id& id) {
  if (ids_.size() == table_.size() / 2) Grow();
  ids_.push_back(id);
  if (!id.is_zero()) Insert(HashId(id), uint32_t(ids_.size() - 1));
}

void RecentIds::RemoveLast() {
  const Id id = ids_.back();
  if (!id.is_zero()) {
    // Nothing was put behind it, so nothing is looked for beyond its slot.
    const size_t slot_mask = table_.size() - 1;
    size_t slot = HashId(id) & slot_mask;
    while ((table_[slot] & slot_mask) != ids_.size()) slot = (slot + 1) & slot_mask;
    table_[slot] = 0;
  }
  ids_.pop_back();
}

void RecentIds::Insert(uint64_t hash, uint32_t index) {
  const size_t slot_mask = table_.size() - 1;
  size_t slot = hash & slot_mask;
  while (table_[slot] != 0) slot = (slot + 1) & slot_mask;
  table_[slot] = Tag(hash, index_bits_) | (index + 1);
}

void RecentIds::Grow() {
  constexpr size_t kAhead = 16;
  ++index_bits_;
  table_ = HugePageVector<uint32_t>(size_t{1} << index_bits_);
  for (size_t i = 0; i < ids_.size(); ++i) {
    if (i + kAhead < ids_.size()) Prefetch(ids_[i + kAhead]);
    if (!ids_[i].is_zero()) Insert(HashId(ids_[i]), uint32_t(i));
  }
}

}  // namespace loyalty::ids

// The ids of the newest entries, in RAM: those that no run has taken in. One thread (the writer).
#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "base/prefetch.h"
#include "base/slab.h"
#include "ids/id_hash.h"
#include "loyalty/posting.h"

namespace loyalty::ids {

// The ids of a contiguous stretch of fewer than 2^30 sequences. 24 to 32 bytes an id.
class RecentIds {
 public:
  // `expected_ids`: grows only beyond as many. Growing doubles, which takes 10 ms at 1 M ids.
  explicit RecentIds(uint64_t first_sequence, size_t expected_ids = 0);

  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t next_sequence() const { return first_sequence_ + ids_.size(); }
  // The sequence of `id`, or 0.
  uint64_t Find(const Id& id) const;
  void Prefetch(const Id& id) const {
    loyalty::Prefetch(&table_[HashId(id) & (table_.size() - 1)]);
  }
  // Records the id of sequence next_sequence(); a zero id (an entry of the ledger's own) is counted
  // but never found. Requires that the id is not there.
  void Append(const Id& id);
  // Takes the last one back. Requires that there is one.
  void RemoveLast();
  std::span<const Id> ids() const { return ids_; }

 private:
  void Grow();
  void Insert(uint64_t hash, uint32_t index);

  uint64_t first_sequence_;
  HugePageVector<Id> ids_;
  // Open addressing, at most half full. A slot is 0 when free, else index + 1 in the low
  // index_bits_ and above them bits of the hash, so that other ids are told apart without a look at
  // ids_.
  HugePageVector<uint32_t> table_;
  int index_bits_;  // table_.size() == 1 << index_bits_
};

// The ids of all entries beyond the sealed ones, in segments that are forgotten one by one.
class UnsealedIds {
 public:
  UnsealedIds(uint64_t first_sequence, size_t segment_ids) : segment_ids_(segment_ids) {
    segments_.emplace_back(first_sequence, segment_ids);
  }

  uint64_t first_sequence() const { return segments_.front().first_sequence(); }
  uint64_t next_sequence() const { return segments_.back().next_sequence(); }
  // The sequence of `id`, or 0.
  uint64_t Find(const Id& id) const {
    for (const RecentIds& segment : segments_) {
      if (const uint64_t sequence = segment.Find(id)) return sequence;
    }
    return 0;
  }
  void Prefetch(const Id& id) const {
    for (const RecentIds& segment : segments_) segment.Prefetch(id);
  }
  // As RecentIds::Append.
  void Append(const Id& id) {
    if (segments_.back().ids().size() >= segment_ids_) {
      segments_.emplace_back(next_sequence(), segment_ids_);
    }
    segments_.back().Append(id);
  }
  // Takes back those from `sequence` on. Requires that they were appended one by one, lately.
  void RemoveFrom(uint64_t sequence) {
    while (next_sequence() > sequence) {
      if (segments_.back().ids().empty()) segments_.pop_back();
      segments_.back().RemoveLast();
    }
  }
  // Many, one after the other.
  void Append(std::span<const Id> ids) {
    constexpr size_t kAhead = 16;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i + kAhead < ids.size()) segments_.back().Prefetch(ids[i + kAhead]);
      Append(ids[i]);
    }
  }
  // Forgets the segments that end at or before `sequence`, but never the last.
  void ForgetThrough(uint64_t sequence) {
    while (segments_.size() > 1 && segments_.front().next_sequence() <= sequence + 1) {
      segments_.pop_front();
    }
  }

 private:
  size_t segment_ids_;
  std::deque<RecentIds> segments_;
};

}  // namespace loyalty::ids

// Which members were merged into which: whose account a key leads to, now and as of any sequence.
//
// Thread safety: any thread may read beside Add, which is the writer's.
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"

namespace loyalty::ledger {

// From a sequence on, one member leads to another; or, when that was undone, to himself.
struct Merge {
  uint64_t sequence = 0;
  uint32_t member = 0;
  uint32_t into = 0;
  bool operator==(const Merge&) const = default;
};

class Merges {
 public:
  static constexpr uint64_t kNow = UINT64_MAX;

  // How many there ever were, undone ones and undoings among them.
  size_t size() const { return size_.load(std::memory_order_acquire); }
  bool empty() const { return size() == 0; }
  uint64_t last_sequence() const { return last_sequence_.load(std::memory_order_acquire); }
  // Whom the member leads to as of a sequence: himself, or the last of a row of survivors.
  uint32_t SurvivorOf(uint32_t member, uint64_t through = kNow) const {
    return empty() ? member : FollowAll(member, through);
  }
  // A survivor and all who lead to him as of a sequence, by slot.
  std::vector<uint32_t> FamilyOf(uint32_t survivor, uint64_t through = kNow) const;
  // The member and all whom he has ever led to, by slot.
  std::vector<uint32_t> EverWith(uint32_t member) const;
  // Whether the merging of that member at a sequence has not been undone.
  bool IsInForce(uint32_t member, uint64_t sequence) const;
  // By sequence.
  std::vector<Merge> All() const;

  void Add(const Merge& merge);

  // Around all that makes one member of two, or two of one. Who reads accounts by keys beside the writer takes
  // the version before, and reads again when it is another one after.
  void BeginChange() { version_.fetch_add(1, std::memory_order_acq_rel); }
  void EndChange() { version_.fetch_add(1, std::memory_order_release); }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // Once no change is under way.
  uint64_t StableVersion() const;

 private:
  uint32_t FollowAll(uint32_t member, uint64_t through) const;
  uint32_t Follow(uint32_t member, uint64_t through) const REQUIRES_SHARED(mutex_);

  std::atomic<size_t> size_ = 0;
  std::atomic<uint64_t> last_sequence_ = 0;
  std::atomic<uint64_t> version_ = 0;  // odd while a change is under way
  mutable SharedMutex mutex_;
  std::vector<Merge> all_ GUARDED_BY(mutex_);
  std::unordered_map<uint32_t, std::vector<Merge>> of_member_ GUARDED_BY(mutex_);
  std::unordered_map<uint32_t, std::vector<uint32_t>> merged_into_ GUARDED_BY(mutex_);
};

}  // namespace loyalty::ledger

// Members' own keys, interned: key -> slot and back. Slots count from 0 in the order of opening.
//
// Thread safety: what is const from any thread; the rest from one thread (the writer). A key is findable
// as soon as Add returns, and gone as soon as Erase does: its text is overwritten, so no view of it is
// given away.
//
// The index is open addressing over 64-bit cells (slot and 32 bits of hash), replaced as a whole when it
// fills: about 11 bytes a member, beside 9 for an integer key.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/prefetch.h"
#include "base/slab.h"
#include "loyalty/posting.h"

namespace loyalty::ledger {

class MemberKeys {
 public:
  static constexpr uint32_t kNone = Entry::kNoMember;

  MemberKeys();
  ~MemberKeys();

  uint32_t size() const { return size_.load(std::memory_order_acquire); }
  uint32_t Find(const MemberKey& key) const;
  // slots[i] = the slot of keys[i], or kNone. Many keys a call hide the memory's latency. The keys are
  // given by `key(i)` for i < slots.size().
  template <typename Key>
  void FindAll(Key key, std::span<uint32_t> slots) const {
    ReaderLock lock(table_mutex_);
    constexpr size_t kAhead = 16;
    std::array<uint64_t, kAhead> hashes;
    const size_t n = slots.size();
    for (size_t i = 0; i < n + kAhead; ++i) {
      if (i >= kAhead) {
        slots[i - kAhead] = FindIn(*table_, key(i - kAhead), hashes[i % kAhead]);
      }
      if (i < n) {
        hashes[i % kAhead] = Hash(key(i));
        Prefetch(&table_->cells[Home(*table_, hashes[i % kAhead])]);
      }
    }
  }
  // Requires slot < size().
  OwnedKey At(uint32_t slot) const;
  // Calls visit(key) for the slots first to end - 1; null: it is erased. Requires end <= size(). The key
  // lives during that call only.
  template <typename Visit>
  void ForEach(uint32_t first, uint32_t end, Visit visit) const {
    ReaderLock lock(table_mutex_);
    for (uint32_t slot = first; slot < end; ++slot) {
      const MemberKey key = IsErased(slot) ? MemberKey() : ViewOf(slot);
      visit(IsErased(slot) ? nullptr : &key);
    }
  }
  // The sequence of the last entry that erased a member; 0 when none did.
  uint64_t erased_sequence() const { return erased_sequence_.load(std::memory_order_acquire); }

  // Requires that the key is not there. Returns its slot.
  uint32_t Add(const MemberKey& key);
  // A slot whose key is erased already.
  void AddErased();
  // For loading many, when nobody reads yet: adds a key that is not findable before Index().
  void AddUnindexed(const MemberKey& key);
  void Index();
  // The slot stays, without its key. Erasing it again does nothing.
  void Erase(uint32_t slot, uint64_t sequence);
  uint64_t ram_bytes() const;

 private:
  static constexpr uint32_t kChunkSlots = 1u << 16;
  static constexpr size_t kArenaBytes = 1u << 20;
  static constexpr uint8_t kIsNumber = 0xff;
  static constexpr uint8_t kIsErased = 0xfe;

  // Of a slot that is there, changed under the table's lock only.
  struct Chunk {
    std::array<uint64_t, kChunkSlots> words;   // the number, or the address of the text
    std::array<uint8_t, kChunkSlots> lengths;  // of the text, or kIsNumber, or kIsErased
  };
  // Cell 0 is empty; else 32 bits of the hash (zeros when it was erased), then slot + 1.
  struct Table {
    explicit Table(size_t capacity) : cells(capacity) {}
    HugePageVector<std::atomic<uint64_t>> cells;
  };

  static uint64_t Hash(const MemberKey& key);
  static size_t Home(const Table& table, uint64_t hash) {
    return size_t((static_cast<unsigned __int128>(hash) * table.cells.size()) >> 64);
  }
  uint32_t FindIn(const Table& table, const MemberKey& key, uint64_t hash) const;
  static void Insert(Table* table, uint64_t hash, uint32_t slot);
  // Puts a new index of all keys in place.
  void Reindex(size_t capacity);
  const Chunk& ChunkOf(uint32_t slot) const {
    return *(*chunks_)[slot / kChunkSlots].load(std::memory_order_acquire);
  }
  bool IsErased(uint32_t slot) const {
    return ChunkOf(slot).lengths[slot % kChunkSlots] == kIsErased;
  }
  // Requires that it is not erased. Under the table's lock, or the writer's.
  MemberKey ViewOf(uint32_t slot) const;
  void Store(uint32_t slot, uint64_t word, uint8_t length);
  void Store(uint32_t slot, const MemberKey& key);
  const char* Keep(std::string_view text);

  std::atomic<uint32_t> size_ = 0;
  std::atomic<uint64_t> erased_sequence_ = 0;
  std::unique_ptr<std::array<std::atomic<Chunk*>, (1u << 16)>> chunks_;
  // Shared by readers; taken by the writer only to put a larger table in place, or to erase.
  mutable SharedMutex table_mutex_;
  std::unique_ptr<Table> table_;
  std::vector<std::unique_ptr<char[]>> arenas_;  // writer only
  size_t arena_used_ = kArenaBytes;
};

}  // namespace loyalty::ledger

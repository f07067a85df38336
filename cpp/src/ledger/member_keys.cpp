#include "ledger/member_keys.h"

#include <cstring>

#include "base/hash.h"

namespace loyalty::ledger {
namespace {

constexpr size_t kFirstCapacity = 64;

uint64_t MixBits(uint64_t x) {  // the finaliser of splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// 85 % full at most: longer probes stay within a cache line or two.
bool HasRoom(uint64_t keys, uint64_t cells) { return keys * 20 <= cells * 17; }

}  // namespace

MemberKeys::MemberKeys()
    : chunks_(std::make_unique<std::array<std::atomic<Chunk*>, (1u << 16)>>()),
      table_(std::make_unique<Table>(kFirstCapacity)) {}

MemberKeys::~MemberKeys() {
  for (std::atomic<Chunk*>& chunk : *chunks_) delete chunk.load(std::memory_order_relaxed);
}

uint64_t MemberKeys::Hash(const MemberKey& key) {
  return key.is_text ? Checksum(key.text) : MixBits(uint64_t(key.number));
}

uint32_t MemberKeys::Find(const MemberKey& key) const {
  ReaderLock lock(table_mutex_);
  return FindIn(*table_, key, Hash(key));
}

uint32_t MemberKeys::FindIn(const Table& table, const MemberKey& key, uint64_t hash) const {
  for (size_t i = Home(table, hash);; i = i + 1 == table.cells.size() ? 0 : i + 1) {
    const uint64_t cell = table.cells[i].load(std::memory_order_acquire);
    if (cell == 0) return kNone;
    const uint32_t slot = uint32_t(cell) - 1;
    // The lower half of the hash: the upper decides the home, so it tells neighbours apart less.
    const bool may_be = uint32_t(cell >> 32) == uint32_t(hash) && !IsErased(slot);
    if (may_be && ViewOf(slot) == key) return slot;
  }
}

OwnedKey MemberKeys::At(uint32_t slot) const {
  ReaderLock lock(table_mutex_);
  return IsErased(slot) ? OwnedKey() : OwnedKey(ViewOf(slot));
}

MemberKey MemberKeys::ViewOf(uint32_t slot) const {
  const Chunk& chunk = ChunkOf(slot);
  const uint64_t word = chunk.words[slot % kChunkSlots];
  const uint8_t length = chunk.lengths[slot % kChunkSlots];
  if (length == kIsNumber) return MemberKey(int64_t(word));
  return MemberKey(std::string_view(reinterpret_cast<const char*>(word), length));
}

uint32_t MemberKeys::Add(const MemberKey& key) {
  const uint32_t slot = size_.load(std::memory_order_relaxed);
  Store(slot, key);
  if (!HasRoom(slot + 1, table_->cells.size())) Reindex(table_->cells.size() * 3 / 2);
  Insert(table_.get(), Hash(key), slot);
  size_.store(slot + 1, std::memory_order_release);
  return slot;
}

void MemberKeys::AddErased() {
  const uint32_t slot = size_.load(std::memory_order_relaxed);
  Store(slot, 0, kIsErased);
  size_.store(slot + 1, std::memory_order_release);
}

void MemberKeys::AddUnindexed(const MemberKey& key) {
  const uint32_t slot = size_.load(std::memory_order_relaxed);
  Store(slot, key);
  size_.store(slot + 1, std::memory_order_release);
}

void MemberKeys::Erase(uint32_t slot, uint64_t sequence) {
  WriterLock lock(table_mutex_);
  erased_sequence_.store(sequence, std::memory_order_release);
  if (IsErased(slot)) return;
  const MemberKey key = ViewOf(slot);
  // The cell stays: those after it are found by way of it.
  size_t i = Home(*table_, Hash(key));
  while (uint32_t(table_->cells[i].load(std::memory_order_relaxed)) != slot + 1) {
    i = i + 1 == table_->cells.size() ? 0 : i + 1;
  }
  table_->cells[i].store(slot + 1, std::memory_order_relaxed);
  if (key.is_text) explicit_bzero(const_cast<char*>(key.text.data()), key.text.size());
  Store(slot, 0, kIsErased);
}

void MemberKeys::Index() {
  size_t capacity = kFirstCapacity;
  while (!HasRoom(size(), capacity)) capacity = capacity * 3 / 2;
  Reindex(capacity);
}

void MemberKeys::Store(uint32_t slot, uint64_t word, uint8_t length) {
  std::atomic<Chunk*>& chunk = (*chunks_)[slot / kChunkSlots];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    chunk.store(new Chunk, std::memory_order_release);
  }
  Chunk& to = *chunk.load(std::memory_order_relaxed);
  to.words[slot % kChunkSlots] = word;
  to.lengths[slot % kChunkSlots] = length;
}

void MemberKeys::Store(uint32_t slot, const MemberKey& key) {
  if (key.is_text) {
    Store(slot, reinterpret_cast<uint64_t>(Keep(key.text)), uint8_t(key.text.size()));
  } else {
    Store(slot, uint64_t(key.number), kIsNumber);
  }
}

void MemberKeys::Insert(Table* table, uint64_t hash, uint32_t slot) {
  size_t i = Home(*table, hash);
  while (table->cells[i].load(std::memory_order_relaxed) != 0) {
    i = i + 1 == table->cells.size() ? 0 : i + 1;
  }
  table->cells[i].store(hash << 32 | (slot + 1), std::memory_order_release);
}

void MemberKeys::Reindex(size_t capacity) {
  auto table = std::make_unique<Table>(capacity);
  const uint32_t count = size_.load(std::memory_order_relaxed);
  constexpr uint32_t kAhead = 16;
  std::array<uint64_t, kAhead> hashes;
  for (uint32_t slot = 0; slot < count + kAhead; ++slot) {
    if (slot >= kAhead && !IsErased(slot - kAhead)) {
      Insert(table.get(), hashes[slot % kAhead], slot - kAhead);
    }
    if (slot < count && !IsErased(slot)) {
      hashes[slot % kAhead] = Hash(ViewOf(slot));
      Prefetch(&table->cells[Home(*table, hashes[slot % kAhead])]);
    }
  }
  WriterLock lock(table_mutex_);
  table_ = std::move(table);
}

const char* MemberKeys::Keep(std::string_view text) {
  if (arena_used_ + text.size() > kArenaBytes) {
    arenas_.push_back(std::make_unique<char[]>(kArenaBytes));
    arena_used_ = 0;
  }
  char* to = arenas_.back().get() + arena_used_;
  std::memcpy(to, text.data(), text.size());
  arena_used_ += text.size();
  return to;
}

uint64_t MemberKeys::ram_bytes() const {
  const uint64_t chunks = (size() + kChunkSlots - 1) / kChunkSlots;
  return chunks * sizeof(Chunk) + table_->cells.size() * 8 + arenas_.size() * kArenaBytes;
}

}  // namespace loyalty::ledger

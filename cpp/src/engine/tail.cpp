#include "engine/tail.h"

#include <algorithm>

namespace loyalty::engine {

void Tail::Append(SharedBlock block) {
  MutexLock lock(mutex_);
  blocks_.push_back(std::move(block));
}

void Tail::DropThrough(uint64_t sequence) {
  MutexLock lock(mutex_);
  while (!blocks_.empty() && blocks_.front().view.last_sequence() <= sequence) {
    blocks_.pop_front();
  }
}

size_t Tail::IndexOf(uint64_t sequence) const {
  const auto at = std::lower_bound(blocks_.begin(), blocks_.end(), sequence,
                                   [](const SharedBlock& block, uint64_t wanted) {
                                     return block.view.last_sequence() < wanted;
                                   });
  return size_t(at - blocks_.begin());
}

std::vector<SharedBlock> Tail::From(uint64_t sequence) const {
  MutexLock lock(mutex_);
  return {blocks_.begin() + ptrdiff_t(IndexOf(sequence)), blocks_.end()};
}

std::optional<SharedBlock> Tail::Find(uint64_t sequence) const {
  MutexLock lock(mutex_);
  const size_t at = IndexOf(sequence);
  if (at == blocks_.size() || blocks_[at].view.first_sequence() > sequence) return std::nullopt;
  return blocks_[at];
}

}  // namespace loyalty::engine

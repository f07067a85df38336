// Sorting and merging of ids with their sequences, by id.
#pragma once

#include <span>
#include <vector>

#include "ids/id_index.h"

namespace loyalty::ids {

inline bool Before(const Id& a, const Id& b) { return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo; }

// Quick for random ids (buckets by value) and for ids that are almost in order.
void SortById(std::vector<IdAt>* ids);

// Merges sorted spans, pair by pair. Keeps its buffers, so that many small merges cost no
// allocation.
class SpanMerger {
 public:
  // The result lives in a span given or in this object, until the next call.
  std::span<const IdAt> Merge(std::vector<std::span<const IdAt>>* spans);

 private:
  std::vector<IdAt> buffers_[2];
};

}  // namespace loyalty::ids

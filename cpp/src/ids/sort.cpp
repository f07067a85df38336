#include "ids/sort.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace loyalty::ids {
namespace {

constexpr size_t kSmall = 64;  // below this a comparison sort is quicker than making buckets
constexpr int kMaxBucketBits = 11;

bool AtBefore(const IdAt& a, const IdAt& b) { return Before(a.id, b.id); }

// Spreads ids[0, count) over buckets of equal width between the least and the greatest `hi`, then
// sorts each bucket alike. Each level narrows the range 2^bits-fold, so outliers cannot make it
// deep.
void SortBuckets(IdAt* ids, IdAt* scratch, size_t count) {
  if (count <= kSmall) return std::sort(ids, ids + count, AtBefore);
  uint64_t least = ids[0].id.hi, greatest = ids[0].id.hi;
  for (size_t i = 1; i < count; ++i) {
    least = std::min(least, ids[i].id.hi);
    greatest = std::max(greatest, ids[i].id.hi);
  }
  if (least == greatest) return std::sort(ids, ids + count, AtBefore);

  const int bits = std::min<int>(std::bit_width(count) - 4, kMaxBucketBits);
  const int shift = std::max<int>(std::bit_width(greatest - least) - bits, 0);
  const size_t buckets = size_t((greatest - least) >> shift) + 1;
  std::vector<uint32_t> ends(buckets + 1);
  for (size_t i = 0; i < count; ++i) ++ends[((ids[i].id.hi - least) >> shift) + 1];
  for (size_t bucket = 1; bucket <= buckets; ++bucket) ends[bucket] += ends[bucket - 1];
  for (size_t i = 0; i < count; ++i) scratch[ends[(ids[i].id.hi - least) >> shift]++] = ids[i];
  std::memcpy(static_cast<void*>(ids), scratch, count * sizeof(IdAt));
  size_t begin = 0;
  for (size_t bucket = 0; bucket < buckets; ++bucket) {
    SortBuckets(ids + begin, scratch + begin, ends[bucket] - begin);
    begin = ends[bucket];
  }
}

// Without branches on the outcome of a comparison, which random ids would mispredict every other
// time.
IdAt* MergeTwo(std::span<const IdAt> left, std::span<const IdAt> right, IdAt* to) {
  const IdAt *l = left.data(), *r = right.data();
  const IdAt *const l_end = l + left.size(), *const r_end = r + right.size();
  while (l != l_end && r != r_end) {
    const bool take_right = (static_cast<unsigned __int128>(r->id.hi) << 64 | r->id.lo) <
                            (static_cast<unsigned __int128>(l->id.hi) << 64 | l->id.lo);
    *to++ = *(take_right ? r : l);
    l += !take_right;
    r += take_right;
  }
  to = std::copy(l, l_end, to);
  return std::copy(r, r_end, to);
}

}  // namespace

void SortById(std::vector<IdAt>* ids) {
  if (std::is_sorted(ids->begin(), ids->end(), AtBefore)) return;
  std::vector<IdAt> scratch(ids->size());
  SortBuckets(ids->data(), scratch.data(), ids->size());
}

std::span<const IdAt> SpanMerger::Merge(std::vector<std::span<const IdAt>>* spans) {
  size_t total = 0;
  for (const auto& span : *spans) total += span.size();
  for (int side = 0; spans->size() > 1; side ^= 1) {
    std::vector<IdAt>& buffer = buffers_[side];
    if (buffer.size() < total) buffer.resize(total);
    IdAt* to = buffer.data();
    std::vector<std::span<const IdAt>> merged;
    for (size_t i = 0; i < spans->size(); i += 2) {
      const auto right = i + 1 < spans->size() ? (*spans)[i + 1] : std::span<const IdAt>();
      IdAt* const end = MergeTwo((*spans)[i], right, to);
      merged.emplace_back(to, end);
      to = end;
    }
    spans->swap(merged);
  }
  return spans->empty() ? std::span<const IdAt>() : spans->front();
}

}  // namespace loyalty::ids

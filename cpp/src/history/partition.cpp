#include "history/partition.h"

#include <algorithm>
#include <bit>
#include <string>

#include "history/history.h"

namespace loyalty::history {
namespace {

// 2,048 lines written at a time still fit the second-level cache and TLB.
constexpr unsigned kMaxDigitBits = 11;

// A stable counting sort by the digit of `bits` bits at `shift`.
void SortByDigit(std::span<const Partition::Row> from, unsigned shift, unsigned bits,
                 Partition::Row* to) {
  const uint64_t mask = (uint64_t(1) << bits) - 1;
  uint32_t next[size_t(1) << kMaxDigitBits] = {};
  for (const Partition::Row row : from) ++next[(row >> shift) & mask];
  uint32_t start = 0;
  for (uint64_t digit = 0; digit <= mask; ++digit) {
    const uint32_t count = next[digit];
    next[digit] = start;
    start += count;
  }
  for (const Partition::Row row : from) to[next[(row >> shift) & mask]++] = row;
}

}  // namespace

Result<Partition> Partition::Make(std::span<const Entry> entries) {
  static_assert(kRangeMembers == 1u << kMemberBits);
  Partition partition;
  LOYALTY_RETURN_IF_ERROR(partition.Collect(entries));
  LOYALTY_RETURN_IF_ERROR(partition.Pack());
  partition.Sort();
  return partition;
}

// Leaves month << 32 | member of every entry, for Pack() to place once the months in use are known.
Status Partition::Collect(std::span<const Entry> entries) {
  rows_.resize(entries.size());
  uint32_t first_month = UINT32_MAX;
  uint32_t last_month = 0;
  uint32_t members = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    rows_[i] = entry.member;
    if (entry.member == Entry::kNoMember) continue;
    if (entry.effective_us < kMinTime_us || entry.effective_us >= kMaxTime_us) {
      return Status(StatusCode::kInternal, "history: entry " + std::to_string(i) +
                                               " of the segment has the effective time " +
                                               std::to_string(entry.effective_us) +
                                               " us, out of range");
    }
    const uint32_t month = history::MonthOf(entry.effective_us);
    first_month = std::min(first_month, month);
    last_month = std::max(last_month, month);
    members |= entry.member;
    rows_[i] |= uint64_t(month) << 32;
  }
  first_month_ = first_month;
  last_month_ = last_month;
  members_ = members;
  return Status();
}

Status Partition::Pack() {
  if (first_month_ > last_month_) {  // nobody's entries only
    rows_.clear();
    return Status();
  }
  index_bits_ = unsigned(std::bit_width(rows_.size() - 1));
  month_bits_ = unsigned(std::bit_width(last_month_ - first_month_));
  place_bits_ = kMemberBits + month_bits_ + unsigned(std::bit_width(members_ / kRangeMembers));
  if (place_bits_ + index_bits_ > 64) {
    return Status(StatusCode::kInternal, "history: a segment of " + std::to_string(rows_.size()) +
                                             " entries is too large; at most 1048576 always fit");
  }
  size_t count = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const auto member = uint32_t(rows_[i]);
    if (member == Entry::kNoMember) continue;
    const uint64_t month = (rows_[i] >> 32) - first_month_;
    const uint64_t piece = uint64_t(member / kRangeMembers) << month_bits_ | month;
    rows_[count++] = (piece << kMemberBits | member % kRangeMembers) << index_bits_ | i;
  }
  rows_.resize(count);
  return Status();
}

void Partition::Sort() {
  if (rows_.empty()) return;
  const unsigned passes = (place_bits_ + kMaxDigitBits - 1) / kMaxDigitBits;
  const unsigned bits = (place_bits_ + passes - 1) / passes;
  std::vector<Row> other(rows_.size());
  for (unsigned pass = 0; pass < passes; ++pass) {
    SortByDigit(rows_, index_bits_ + pass * bits, bits, other.data());
    rows_.swap(other);
  }
}

}  // namespace loyalty::history

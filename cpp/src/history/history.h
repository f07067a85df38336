// What each member did, by column: chunks of (4,096 members x one calendar month of effective
// time).
//
// Built behind the journal from sealed segments; each segment adds at most one *piece* (a packed
// column chunk) to a member range and month. A piece is stored in parts: what tier rules read lies
// apart from what only statements do. What tier rules, statements and notebooks read; a reader adds
// what is newer than sequence() itself.
//
// Pieces hold every field of an entry but its id: ids take more room than all else together, and
// the journal has them by sequence. Item::entry.id is zero.
//
// Unlogged: it carries the sequence it has reached and catches up from the journal. Thread safety:
// reads from any thread at any time; Add from one thread at a time. A read beside an Add sees all
// of that segment or nothing of it, whatever sequence() said before: take sequence() first, then
// Read, and pass over the items beyond it, which the reader has from the journal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "loyalty/posting.h"
#include "loyalty/status.h"
#include "storage/store.h"

namespace loyalty::history {

// Of 1,024, 100 M entries of 10 M members took twice as long to scan, and a twentieth more room; but the
// entries of one member are read three times as fast.
constexpr uint32_t kRangeMembers = 4096;

// Calendar month in UTC of a time within [kMinTime_us, kMaxTime_us): months since January 1900.
uint32_t MonthOf(int64_t effective_us);

// What few entries have for ladders, beside their fields.
struct Remark {
  bool waits = false;  // for its confirmation: it counts for nothing by itself
  Correction correction;
  bool operator==(const Remark&) const = default;
};
// Nothing for what most entries are.
std::optional<Remark> RemarkOf(const Entry& entry, const Details& details);
// That of the entry with this index in a segment.
struct RemarkAt {
  uint32_t index = 0;
  Remark remark;
};

struct Item {
  uint64_t sequence = 0;
  Entry entry;
  Remark remark;
};

class History {
 public:
  // kCorruption or kUnsupportedFormat, saying what to do, when the record of the sequence reached
  // is damaged, missing beside pieces, or of a newer version. The store must outlive the history.
  static Result<std::unique_ptr<History>> Open(storage::Store* store);
  // Removes all history, durably, so that it can be built again from the journal. Requires that no
  // History is open on the store.
  static Status Discard(storage::Store* store);
  virtual ~History() = default;

  // Every entry up to this sequence is in the chunks.
  virtual uint64_t sequence() const = 0;
  // Adds entries[i] with sequence first_sequence + i, and remarks, in the order of entries, of those that have one.
  // Requires first_sequence == sequence() + 1.
  // Entries without a member are passed over. Pieces and the new sequence() are written as one
  // batch (for large segments as one batch still: a crash leaves the segment whole or absent).
  // kInternal, and nothing changes, for another first_sequence or an effective time out of range.
  virtual Status Add(std::span<const Entry> entries, std::span<const RemarkAt> remarks,
                     uint64_t first_sequence) = 0;
  // Returns once all that was added is on disk.
  virtual Status Flush() = 0;

  // Appends to `out` some members' entries with from_us <= effective_us < to_us, unordered. `members` are in order:
  // those of one range are read together. A piece
  // that is not what was written is kCorruption, naming its key; then nothing is appended.
  virtual Status Read(std::span<const uint32_t> members, int64_t from_us, int64_t to_us,
                      std::vector<Item>* out) const = 0;
  // Visits every entry, piece by piece, until the visitor returns false; for verification.
  virtual Status Visit(const std::function<bool(const Item&)>& visitor) const = 0;
};

}  // namespace loyalty::history

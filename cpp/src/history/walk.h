// Walks over the pieces of member ranges, in the order of range, month and segment.
//
// Pieces that are added meanwhile may be seen or not. For one thread.
#pragma once

#include <array>
#include <memory>

#include "history/piece.h"
#include "storage/store.h"

namespace loyalty::history {

// Pieces with first_range <= range < end_range and first_month <= month < end_month.
struct Extent {
  uint32_t first_range = 0;
  uint32_t end_range = UINT32_MAX / kRangeMembers + 1;
  uint32_t first_month = 0;
  uint32_t end_month = MonthOf(kMaxTime_us - 1) + 1;
};

class Walk {
 public:
  // The store must outlive it.
  Walk(const storage::Store& store, const Extent& extent);

  // Goes to the first piece, then to the next one; false at the end, and when there is a fault.
  bool Next();
  // Of the piece that it is at.
  const PieceView& measures() const { return views_[0]; }
  // A part of it; null, and a fault, when that is damaged or missing. Until Next().
  const PieceView* Get(Part part);
  Status status() const { return fault_; }

 private:
  Status Open(Part part, const PieceKey& from);
  // The measures' cursor to the first piece at or behind it that is within the extent.
  void SkipOutside();
  Status Find(Part part);

  const storage::Store& store_;
  const Extent extent_;
  // Of each part: opened when it is first asked for, the measures' first, so that what is added between is
  // not taken for missing.
  std::array<std::unique_ptr<storage::Cursor>, kParts.size()> cursors_;
  std::array<PieceView, kParts.size()> views_;
  std::array<bool, kParts.size()> found_ = {};  // whether the view is of this piece
  bool started_ = false;
  Status fault_;
};

}  // namespace loyalty::history

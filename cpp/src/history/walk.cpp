#include "history/walk.h"

namespace loyalty::history {

Walk::Walk(const storage::Store& store, const Extent& extent) : store_(store), extent_(extent) {
  fault_ = Open(Part::kMeasures, {.range = extent.first_range, .month = extent.first_month});
}

Status Walk::Open(Part part, const PieceKey& from) {
  const PieceKey to{.part = part, .range = extent_.end_range};
  LOYALTY_ASSIGN_OR_RETURN(cursors_[size_t(part)],
                           store_.NewCursor(storage::Family::kHistory, from.Encode(), to.Encode()));
  return {};
}

bool Walk::Next() {
  if (!fault_.ok()) return false;
  storage::Cursor& at = *cursors_[0];
  if (started_) at.Next();
  started_ = true;
  SkipOutside();
  if (!at.Valid()) {
    if (fault_.ok()) fault_ = at.status();
    return false;
  }
  const Result<PieceView> view = PieceView::Parse(at.key(), at.value());
  fault_ = view.status();
  if (!fault_.ok()) return false;
  views_[0] = *view;
  found_ = {true};
  return true;
}

void Walk::SkipOutside() {
  storage::Cursor& at = *cursors_[0];
  PieceKey key;
  while (at.Valid() && PieceKey::Decode(at.key(), &key)) {
    if (key.month < extent_.first_month) {
      at.Seek(PieceKey{.range = key.range, .month = extent_.first_month}.Encode());
    } else if (key.month >= extent_.end_month) {
      at.Seek(PieceKey{.range = key.range + 1, .month = extent_.first_month}.Encode());
    } else {
      return;
    }
  }
}

const PieceView* Walk::Get(Part part) {
  const auto index = size_t(part);
  if (found_[index]) return &views_[index];
  if (fault_.ok()) fault_ = Find(part);
  found_[index] = fault_.ok();
  return fault_.ok() ? &views_[index] : nullptr;
}

Status Walk::Find(Part part) {
  PieceKey key = measures().key();
  key.part = part;
  const std::string wanted = key.Encode();
  PieceView& view = views_[size_t(part)];
  if (!measures().Has(part)) {
    view = PieceView::WithoutRecord(wanted, measures());
    return {};
  }
  auto& cursor = cursors_[size_t(part)];
  if (!cursor) {
    LOYALTY_RETURN_IF_ERROR(Open(part, key));
  }
  // The next few are quicker passed over than looked for.
  constexpr int kNear = 8;
  for (int i = 0; i < kNear && cursor->Valid() && cursor->key() < wanted; ++i) cursor->Next();
  if (cursor->Valid() && cursor->key() < wanted) cursor->Seek(wanted);
  LOYALTY_RETURN_IF_ERROR(cursor->status());
  if (!cursor->Valid() || cursor->key() != wanted) return Damaged(wanted, "is missing");
  LOYALTY_ASSIGN_OR_RETURN(view, PieceView::Parse(cursor->key(), cursor->value()));
  if (view.count() != measures().count()) {
    return Damaged(wanted, "has other rows than its measures");
  }
  return {};
}

}  // namespace loyalty::history

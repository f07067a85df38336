#include "journal/journal.h"

#include "base/bytes.h"

namespace loyalty::journal {
namespace {

using storage::Family;

Status At(uint64_t sequence, const Status& fault) {
  return {fault.code(), fault.message() + " (at sequence " + std::to_string(sequence) + ")"};
}

}  // namespace

Status Journal::Append(uint64_t first_sequence, std::string_view block, storage::Batch batch) {
  batch.Put(Family::kJournal, BigKey(first_sequence), block);
  return store_->Write(std::move(batch), storage::Durability::kSynced);
}

Result<SharedBlock> Journal::Find(uint64_t sequence) const {
  LOYALTY_ASSIGN_OR_RETURN(auto found, store_->FindLast(Family::kJournal, BigKey(sequence)));
  if (!found) {
    return Status(StatusCode::kCorruption,
                  "the journal holds no block with sequence " + std::to_string(sequence));
  }
  auto bytes = std::make_shared<const std::string>(std::move(found->value));
  auto view = BlockView::Parse(*bytes);
  if (!view.ok()) return At(LoadBig<uint64_t>(found->key.data()), view.status());
  if (sequence < view->first_sequence() || sequence > view->last_sequence()) {
    return Status(StatusCode::kCorruption,
                  "the journal has a gap: no block holds sequence " + std::to_string(sequence));
  }
  return SharedBlock{std::move(bytes), *view};
}

Result<Head> Journal::Scan(uint64_t from, uint64_t through, const Digest* previous,
                           const Visitor& visitor) const {
  LOYALTY_ASSIGN_OR_RETURN(auto start, store_->FindLast(Family::kJournal, BigKey(from)));
  Head head;
  bool known = previous != nullptr;
  if (known) head.chain = *previous;
  Status fault;
  bool first = true;
  const auto visit = [&](std::string_view key, std::string_view bytes) {
    const auto at = key.size() == 8 ? LoadBig<uint64_t>(key.data()) : 0;
    if (at > through) return false;
    auto view = BlockView::Parse(bytes);
    if (!view.ok()) {
      fault = At(at, view.status());
    } else if (view->first_sequence() != at || (!first && at != head.sequence + 1)) {
      fault = At(at, {StatusCode::kCorruption, "the journal has a gap before this block"});
    } else if (known && view->previous() != head.chain) {
      fault = At(at, {StatusCode::kCorruption, "the journal's chain is broken before this block"});
    } else {
      head = {view->last_sequence(), ChainHash(bytes), view->recorded_us()};
      known = true;
      first = false;
      fault = visitor(*view, bytes);
    }
    return fault.ok();
  };
  LOYALTY_RETURN_IF_ERROR(
      store_->Scan(Family::kJournal, start ? start->key : BigKey(from), "", visit));
  if (!fault.ok()) return fault;
  return head;
}

Result<Head> Journal::ReadHead() const {
  LOYALTY_ASSIGN_OR_RETURN(auto last, store_->FindLast(Family::kJournal, BigKey(UINT64_MAX)));
  if (!last) return Head{};
  auto view = BlockView::Parse(last->value);
  if (!view.ok()) return At(LoadBig<uint64_t>(last->key.data()), view.status());
  return Head{view->last_sequence(), ChainHash(last->value), view->recorded_us()};
}

}  // namespace loyalty::journal

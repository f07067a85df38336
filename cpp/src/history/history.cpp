#include "history/history.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "history/partition.h"
#include "history/piece.h"

namespace loyalty::history {
namespace {

using storage::Batch;
using storage::Durability;
using storage::Family;
using storage::Store;

// The marker: its key sorts behind every piece's. Value: format byte, sequence reached (u64),
// XXH3-64 of the nine bytes before.
constexpr std::string_view kMarkerKey = "\xff\xff\xff\xff";
constexpr std::string_view kEndKey = "\xff\xff\xff\xff\xff";
constexpr uint8_t kMarkerFormat = 0xD1;
constexpr size_t kMarkerBytes = 17;

std::string EncodeMarker(uint64_t sequence) {
  std::string marker;
  AppendLittle(&marker, kMarkerFormat);
  AppendLittle(&marker, sequence);
  AppendLittle(&marker, Checksum(marker));
  return marker;
}

Status BadMarker(const std::string& what) {
  return Status(StatusCode::kCorruption,
                "history: the record of the sequence reached (key 0xffffffff) " + what +
                    "; history is derived: discard it and it is rebuilt from the journal");
}

Result<uint64_t> DecodeMarker(std::string_view marker) {
  if (marker.size() != kMarkerBytes) {
    return BadMarker("has " + std::to_string(marker.size()) + " bytes instead of " +
                     std::to_string(kMarkerBytes));
  }
  const size_t body = kMarkerBytes - sizeof(uint64_t);
  if (LoadLittle<uint64_t>(marker.data() + body) != Checksum(marker.substr(0, body))) {
    return BadMarker("does not have its checksum");
  }
  if (uint8_t(marker[0]) != kMarkerFormat) {
    return Status(StatusCode::kUnsupportedFormat,
                  "history: format " + std::to_string(uint8_t(marker[0])) +
                      " was written by a newer version; open the ledger with that version");
  }
  return LoadLittle<uint64_t>(marker.data() + 1);
}

// The sequence that the stored history has reached; 0 when there is none.
Result<uint64_t> ReadMarker(const Store& store) {
  LOYALTY_ASSIGN_OR_RETURN(const std::optional<Store::Found> last,
                           store.FindLast(Family::kHistory, kMarkerKey));
  if (!last) return uint64_t(0);
  if (last->key != kMarkerKey) return BadMarker("is missing");
  return DecodeMarker(last->value);
}

class HistoryImpl : public History {
 public:
  HistoryImpl(Store* store, uint64_t sequence) : store_(store), sequence_(sequence) {}

  uint64_t sequence() const override { return sequence_.load(std::memory_order_acquire); }
  Status Add(std::span<const Entry> entries, uint64_t first_sequence) override;
  Status Flush() override { return store_->Flush(Family::kHistory); }
  Status Read(uint32_t member, int64_t from_us, int64_t to_us,
              std::vector<Item>* out) const override;
  Status Visit(const std::function<bool(const Item&)>& visitor) const override;

 private:
  // Rows of one range's pieces that are wanted, and their items.
  struct Rows {
    struct Of {
      PieceView measures;  // its bytes are gone
      PieceView::Rows rows;
      size_t at;  // their items
    };
    std::vector<Of> pieces;
    std::vector<Item>* items;
  };
  // Hands the measures with from <= key < to in order to `take`, until it returns false.
  template <typename Take>
  Status ScanMeasures(const PieceKey& from, const PieceKey& to, Take take) const;
  static void Append(const PieceView& measures, PieceView::Rows rows, Rows* to);
  // Fills in what the other parts have of the rows.
  Status Complete(const Rows& rows) const;
  Status Complete(Part part, std::span<const Rows::Of> pieces, Item* items) const;

  Store* const store_;
  std::atomic<uint64_t> sequence_;
};

Status HistoryImpl::Add(std::span<const Entry> entries, uint64_t first_sequence) {
  if (first_sequence != sequence() + 1) {
    return Status(StatusCode::kInternal,
                  "history: a segment from sequence " + std::to_string(first_sequence) +
                      " was added after sequence " + std::to_string(sequence()));
  }
  if (entries.empty()) return Status();
  LOYALTY_ASSIGN_OR_RETURN(const Partition partition, Partition::Make(entries));
  Batch batch;
  PieceEncoder encoder(entries, partition);
  std::span<const Partition::Row> rows = partition.rows();
  while (!rows.empty()) {
    size_t count = 1;
    const uint64_t piece = partition.PieceOf(rows[0]);
    while (count < rows.size() && partition.PieceOf(rows[count]) == piece) ++count;
    PieceKey key{.range = partition.RangeOf(rows[0]),
                 .month = partition.MonthOf(rows[0]),
                 .first_sequence = first_sequence};
    encoder.Take(key.month, rows.first(count));
    for (const Part part : kParts) {
      key.part = part;
      if (encoder.Has(part)) batch.Put(Family::kHistory, key.Encode(), encoder.Encode(key));
    }
    rows = rows.subspan(count);
  }
  const uint64_t reached = first_sequence + entries.size() - 1;
  batch.Put(Family::kHistory, kMarkerKey, EncodeMarker(reached));
  LOYALTY_RETURN_IF_ERROR(store_->Write(std::move(batch), Durability::kUnlogged));
  sequence_.store(reached, std::memory_order_release);
  return Status();
}

template <typename Take>
Status HistoryImpl::ScanMeasures(const PieceKey& from, const PieceKey& to, Take take) const {
  Status stopped;
  const auto visit = [&](std::string_view key, std::string_view record) {
    const Result<PieceView> measures = PieceView::Parse(key, record);
    stopped = measures.ok() ? take(*measures) : measures.status();
    return stopped.ok();
  };
  LOYALTY_RETURN_IF_ERROR(store_->Scan(Family::kHistory, from.Encode(), to.Encode(), visit));
  return stopped;
}

void HistoryImpl::Append(const PieceView& measures, PieceView::Rows rows, Rows* to) {
  if (rows.from == rows.to) return;
  const size_t at = to->items->size();
  to->pieces.push_back({measures, rows, at});
  to->items->resize(at + rows.to - rows.from);
  measures.Read(rows, to->items->data() + at);
}

Status HistoryImpl::Complete(const Rows& rows) const {
  if (rows.pieces.empty()) return {};
  for (const Part part : kParts) {
    if (part == Part::kMeasures) continue;
    LOYALTY_RETURN_IF_ERROR(Complete(part, rows.pieces, rows.items->data()));
  }
  return {};
}

Status HistoryImpl::Complete(Part part, std::span<const Rows::Of> pieces, Item* items) const {
  const auto key_of = [part](const Rows::Of& piece) {
    PieceKey key = piece.measures.key();
    key.part = part;
    return key.Encode();
  };
  const std::string from = key_of(pieces.front());
  const std::string to = key_of(pieces.back()) + '\0';
  Status damage;
  // The next piece has no record in this part; nor should it.
  const auto pass_over = [&] {
    const Rows::Of& piece = pieces.front();
    const std::string key = key_of(piece);
    if (piece.measures.Has(part)) damage = Damaged(key, "is missing");
    PieceView::WithoutRecord(key, piece.measures).Read(piece.rows, items + piece.at);
    pieces = pieces.subspan(1);
    return damage.ok();
  };
  const auto take = [&](std::string_view key, std::string_view record) {
    while (key_of(pieces.front()) < key) {
      if (!pass_over()) return false;
    }
    const Rows::Of& piece = pieces.front();
    if (key_of(piece) != key) return true;  // nothing of it is wanted, or it is newer than the measures
    const Result<PieceView> view = PieceView::Parse(key, record);
    damage = view.status();
    if (damage.ok() && view->count() != piece.measures.count()) {
      damage = Damaged(key, "has other rows than its measures");
    }
    if (!damage.ok()) return false;
    view->Read(piece.rows, items + piece.at);
    pieces = pieces.subspan(1);
    return !pieces.empty();
  };
  LOYALTY_RETURN_IF_ERROR(store_->Scan(Family::kHistory, from, to, take));
  while (damage.ok() && !pieces.empty()) pass_over();
  return damage;
}

Status HistoryImpl::Read(uint32_t member, int64_t from_us, int64_t to_us,
                         std::vector<Item>* out) const {
  from_us = std::max(from_us, kMinTime_us);
  to_us = std::min(to_us, kMaxTime_us);
  if (from_us >= to_us) return Status();
  const size_t before = out->size();
  const uint32_t range = member / kRangeMembers;
  Rows rows{{}, out};
  Status status = ScanMeasures({.range = range, .month = MonthOf(from_us)},
                               {.range = range, .month = MonthOf(to_us - 1) + 1},
                               [&](const PieceView& piece) {
                                 Append(piece, piece.RowsOf(member % kRangeMembers), &rows);
                                 return Status();
                               });
  if (status.ok()) status = Complete(rows);
  if (!status.ok()) {
    out->resize(before);
    return status;
  }
  const auto outside = [=](const Item& item) {
    return item.entry.effective_us < from_us || item.entry.effective_us >= to_us;
  };
  out->erase(std::remove_if(out->begin() + ptrdiff_t(before), out->end(), outside), out->end());
  return status;
}

Status HistoryImpl::Visit(const std::function<bool(const Item&)>& visitor) const {
  std::vector<Item> items;
  Rows rows{{}, &items};
  bool stopped = false;
  const auto hand_over = [&]() -> Status {
    LOYALTY_RETURN_IF_ERROR(Complete(rows));
    stopped = !std::all_of(items.begin(), items.end(), std::cref(visitor));
    items.clear();
    rows.pieces.clear();
    return {};
  };
  const auto take = [&](const PieceView& piece) -> Status {
    const bool next = !rows.pieces.empty() &&
                      rows.pieces.front().measures.key().range != piece.key().range;
    if (next) LOYALTY_RETURN_IF_ERROR(hand_over());
    if (stopped) return {StatusCode::kInterrupted, ""};
    Append(piece, {0, piece.count()}, &rows);
    return {};
  };
  const Status status = ScanMeasures({}, {.part = Part::kTimes}, take);
  if (stopped) return {};
  return status.ok() ? hand_over() : status;
}

}  // namespace

Result<std::unique_ptr<History>> History::Open(Store* store) {
  LOYALTY_ASSIGN_OR_RETURN(const uint64_t sequence, ReadMarker(*store));
  return std::unique_ptr<History>(std::make_unique<HistoryImpl>(store, sequence));
}

Status History::Discard(Store* store) {
  Batch batch;
  batch.DeleteRange(Family::kHistory, {}, kEndKey);
  LOYALTY_RETURN_IF_ERROR(store->Write(std::move(batch), Durability::kUnlogged));
  return store->Flush(Family::kHistory);
}

}  // namespace loyalty::history

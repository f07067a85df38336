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
#include "history/walk.h"

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

// Appends rows of the piece that a walk is at; none when a part of it is damaged.
void Append(Walk* walk, PieceView::Rows rows, std::vector<Item>* out) {
  if (rows.from == rows.to) return;
  const size_t at = out->size();
  out->resize(at + rows.to - rows.from);
  for (const Part part : kParts) {
    const PieceView* const view = walk->Get(part);
    if (!view) return out->resize(at);
    view->Read(rows, out->data() + at);
  }
}

class HistoryImpl : public History {
 public:
  HistoryImpl(Store* store, uint64_t sequence) : store_(store), sequence_(sequence) {}

  uint64_t sequence() const override { return sequence_.load(std::memory_order_acquire); }
  Status Add(std::span<const Entry> entries, std::span<const RemarkAt> remarks,
             uint64_t first_sequence) override;
  Status Flush() override { return store_->Flush(Family::kHistory); }
  Status Read(std::span<const uint32_t> members, int64_t from_us, int64_t to_us,
              std::vector<Item>* out) const override;
  Status Visit(const std::function<bool(const Item&)>& visitor) const override;

 private:
  Store* const store_;
  std::atomic<uint64_t> sequence_;
};

Status HistoryImpl::Add(std::span<const Entry> entries, std::span<const RemarkAt> remarks,
                        uint64_t first_sequence) {
  if (first_sequence != sequence() + 1) {
    return Status(StatusCode::kInternal,
                  "history: a segment from sequence " + std::to_string(first_sequence) +
                      " was added after sequence " + std::to_string(sequence()));
  }
  if (entries.empty()) return Status();
  LOYALTY_ASSIGN_OR_RETURN(const Partition partition, Partition::Make(entries));
  Batch batch;
  PieceEncoder encoder(entries, remarks, partition);
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

Status HistoryImpl::Read(std::span<const uint32_t> members, int64_t from_us, int64_t to_us,
                         std::vector<Item>* out) const {
  from_us = std::max(from_us, kMinTime_us);
  to_us = std::min(to_us, kMaxTime_us);
  if (from_us >= to_us) return Status();
  const size_t before = out->size();
  while (!members.empty()) {
    const uint32_t range = members.front() / kRangeMembers;
    const auto end = std::find_if(members.begin(), members.end(),
                                  [&](uint32_t member) { return member / kRangeMembers != range; });
    const auto together = members.first(size_t(end - members.begin()));
    Walk walk(*store_, {range, range + 1, MonthOf(from_us), MonthOf(to_us - 1) + 1});
    while (walk.Next()) {
      for (const uint32_t member : together) {
        Append(&walk, walk.measures().RowsOf(member % kRangeMembers), out);
      }
    }
    if (!walk.status().ok()) {
      out->resize(before);
      return walk.status();
    }
    members = members.subspan(together.size());
  }
  const auto outside = [=](const Item& item) {
    return item.entry.effective_us < from_us || item.entry.effective_us >= to_us;
  };
  out->erase(std::remove_if(out->begin() + ptrdiff_t(before), out->end(), outside), out->end());
  return {};
}

Status HistoryImpl::Visit(const std::function<bool(const Item&)>& visitor) const {
  std::vector<Item> items;
  Walk walk(*store_, {});
  while (walk.Next()) {
    items.clear();
    Append(&walk, {0, walk.measures().count()}, &items);
    if (!std::all_of(items.begin(), items.end(), std::cref(visitor))) break;
  }
  return walk.status();
}

}  // namespace

std::optional<Remark> RemarkOf(const Entry& entry, const Details& details) {
  const bool credit = entry.kind == Kind::kEarn || entry.kind == Kind::kAdjust;
  const bool waits = credit && IsPosted(entry.status) && entry.points > 0 &&
                     details.terms.activates_us == kNever_us;
  if (!waits && details.correction == Correction()) return std::nullopt;
  return Remark{waits, details.correction};
}

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

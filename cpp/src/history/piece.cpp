#include "history/piece.h"

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/prefetch.h"
#include "history/month.h"

namespace loyalty::history {
namespace {

constexpr uint8_t kFormat = 0xC1;
constexpr size_t kHeadBytes = 9;
constexpr size_t kChecksumBytes = 8;

int64_t DefaultOf(unsigned column) {
  switch (column) {
    case kKind: return int64_t(Kind::kEarn);
    case kStatus: return int64_t(PostingStatus::kPosted);
    default: return 0;
  }
}

// Columns of scans stay readable by position.
Layout LayoutOf(unsigned column) {
  return column <= kSequence ? Layout::kByPosition : Layout::kSparseWhenSmaller;
}

uint64_t PieceChecksum(std::string_view key, std::string_view body) {
  return Checksum(body) ^ Checksum(key);
}

// A small number for an expiry: 0 is never. An expiry at the origin itself takes the number that
// never would have had, so that every value has one and the mapping is its own reverse.
uint64_t SwapWithZero(uint64_t value, uint64_t other) {
  return value == other ? 0 : value == 0 ? other : value;
}
int64_t ExpiryCode(int64_t expires_us, int64_t origin_us) {
  return int64_t(SwapWithZero(uint64_t(expires_us) - uint64_t(origin_us),
                              uint64_t(kNever_us) - uint64_t(origin_us)));
}
int64_t ExpiryOf(int64_t code, int64_t origin_us) {
  return int64_t(SwapWithZero(uint64_t(code), uint64_t(kNever_us) - uint64_t(origin_us)) +
                 uint64_t(origin_us));
}

// Each entry of a large segment misses the caches, and lies on two or three lines of 64 bytes.
constexpr size_t kGatherAhead = 16;
void PrefetchEntry(const Entry& entry) {
  const char* const used = reinterpret_cast<const char*>(&entry.effective_us);  // the id is not
  Prefetch(used);
  Prefetch(used + 64);
  Prefetch(reinterpret_cast<const char*>(&entry + 1) - 1);
}

Status Damaged(std::string_view key, const char* what) {
  return Status(StatusCode::kCorruption,
                "history: " + KeyText(key) + " " + what +
                    "; history is derived: discard it and it is rebuilt from the journal");
}

}  // namespace

std::string PieceKey::Encode() const {
  std::string key;
  AppendBig(&key, range);
  AppendBig(&key, month);
  AppendBig(&key, first_sequence);
  return key;
}

bool PieceKey::Decode(std::string_view bytes, PieceKey* key) {
  if (bytes.size() != kBytes) return false;
  key->range = LoadBig<uint32_t>(bytes.data());
  key->month = LoadBig<uint32_t>(bytes.data() + 4);
  key->first_sequence = LoadBig<uint64_t>(bytes.data() + 8);
  return key->range <= UINT32_MAX / kRangeMembers && key->month <= MonthOf(kMaxTime_us - 1);
}

std::string KeyText(std::string_view bytes) {
  PieceKey key;
  if (PieceKey::Decode(bytes, &key)) {
    return "the piece of range " + std::to_string(key.range) + ", month " + MonthText(key.month) +
           ", segment from sequence " + std::to_string(key.first_sequence);
  }
  std::string text = "the record with key 0x";
  for (const char byte : bytes) {
    text += "0123456789abcdef"[uint8_t(byte) >> 4];
    text += "0123456789abcdef"[uint8_t(byte) & 15];
  }
  return text;
}

std::string_view PieceEncoder::Encode(const PieceKey& key, std::span<const Partition::Row> rows) {
  Gather(key, rows);
  piece_.clear();
  AppendLittle(&piece_, kFormat);
  AppendLittle(&piece_, uint32_t(count_));
  AppendColumns();
  AppendLittle(&piece_, PieceChecksum(key.Encode(), piece_));
  return piece_;
}

void PieceEncoder::Gather(const PieceKey& key, std::span<const Partition::Row> rows) {
  count_ = rows.size();
  // An odd number of cache lines a column: powers of two would compete for the same cache sets.
  stride_ = (count_ + 15) / 16 * 16 + 8;
  values_.resize(std::max(values_.size(), stride_ * kColumns));
  const size_t stride = stride_;
  const std::span<const Partition::Row> all = partition_.rows();  // to look ahead of this piece
  const size_t first = size_t(rows.data() - all.data());
  const int64_t month_us = MonthStart_us(key.month);
  for (size_t i = 0; i < count_; ++i) {
    const size_t ahead = std::min(first + i + kGatherAhead, all.size() - 1);
    PrefetchEntry(segment_[partition_.IndexOf(all[ahead])]);
    const uint32_t index = partition_.IndexOf(rows[i]);
    const Entry& entry = segment_[index];
    int64_t* const to = values_.data() + i;
    const auto put = [=](unsigned column, int64_t value) { to[column * stride] = value; };
    put(kKind, int64_t(entry.kind));
    put(kStatus, int64_t(entry.status));
    put(kMember, entry.member % kRangeMembers);
    put(kEffective, entry.effective_us - month_us);
    put(kPoints, entry.points);
    put(kMoney, entry.money);
    put(kSequence, index);
    put(kBalance, entry.balance);
    put(kExpires, ExpiryCode(entry.expires_us, month_us));
    put(kExpiresAfter, ExpiryCode(entry.expires_us, entry.effective_us));
    put(kRelated, int64_t(entry.related));
    put(kRelatedKind, int64_t(entry.related_kind));
    put(kTag, int64_t(entry.tag));
    put(kCurrency, entry.currency);
    put(kRule, entry.codes.rule);
    put(kChannel, entry.codes.channel);
    put(kLocation, entry.codes.location);
    put(kCategory, entry.codes.category);
    put(kActor, entry.codes.actor);
    put(kReason, entry.codes.reason);
  }
}

void PieceEncoder::AppendColumns() {
  uint32_t present = 0;
  const size_t present_at = piece_.size();
  AppendLittle(&piece_, present);
  for (unsigned column = 0; column < kColumns; ++column) {
    if (column == kExpiresAfter || AllEqual(Values(column), DefaultOf(column))) continue;
    if (column == kExpires) {
      AppendExpiry(&present);
      continue;
    }
    present |= 1u << column;
    AppendColumn(Values(column), DefaultOf(column), LayoutOf(column), &piece_);
  }
  std::memcpy(piece_.data() + present_at, &present, sizeof present);
}

// Points expire after a common time or on a common day: whichever makes the smaller column.
void PieceEncoder::AppendExpiry(uint32_t* present) {
  const size_t start = piece_.size();
  AppendColumn(Values(kExpiresAfter), 0, Layout::kSparseWhenSmaller, &piece_);
  const size_t middle = piece_.size();
  const size_t bit_a_row = count_ / 8 + 24;
  if (middle - start > bit_a_row) {
    AppendColumn(Values(kExpires), 0, Layout::kSparseWhenSmaller, &piece_);
    if (piece_.size() - middle < middle - start) {
      piece_.erase(start, middle - start);
      *present |= 1u << kExpires;
      return;
    }
    piece_.resize(middle);
  }
  *present |= 1u << kExpiresAfter;
}

Result<PieceView> PieceView::Parse(std::string_view key, std::string_view piece) {
  PieceView view;
  if (!PieceKey::Decode(key, &view.key_)) return Damaged(key, "is not a piece's");
  if (piece.size() < kHeadBytes + kChecksumBytes) return Damaged(key, "is cut short");
  const std::string_view body = piece.substr(0, piece.size() - kChecksumBytes);
  if (LoadLittle<uint64_t>(body.data() + body.size()) != PieceChecksum(key, body)) {
    return Damaged(key, "does not have its checksum");
  }
  if (uint8_t(body[0]) != kFormat) {
    return Status(StatusCode::kUnsupportedFormat,
                  "history: " + KeyText(key) + " has format " + std::to_string(uint8_t(body[0])) +
                      ", written by a newer version; open the ledger with that version");
  }
  view.count_ = LoadLittle<uint32_t>(body.data() + 1);
  view.present_ = LoadLittle<uint32_t>(body.data() + 5);
  if (!view.ParseColumns(body.substr(kHeadBytes))) return Damaged(key, "does not parse");
  return view;
}

bool PieceView::ParseColumns(std::string_view bytes) {
  if (count_ == 0 || present_ >> kColumns) return false;
  for (unsigned column = 0; column < kColumns; ++column) {
    if (!(present_ >> column & 1)) {
      columns_[column] = PackedColumn::Constant(DefaultOf(column));
    } else if (!columns_[column].Parse(count_, DefaultOf(column), LayoutOf(column), &bytes)) {
      return false;
    }
  }
  return bytes.empty();
}

PieceView::Rows PieceView::RowsOf(uint32_t offset_in_range) const {
  const PackedColumn& members = columns_[kMember];
  const auto first_not_below = [&](int64_t offset) {
    size_t from = 0;
    for (size_t length = count_; length > 0;) {
      const size_t half = length / 2;
      const bool below = members[from + half] < offset;
      from = below ? from + half + 1 : from;
      length = below ? length - half - 1 : half;
    }
    return from;
  };
  return {first_not_below(offset_in_range), first_not_below(int64_t(offset_in_range) + 1)};
}

void PieceView::Read(Rows rows, std::vector<Item>* out) const {
  const size_t start = out->size();
  out->resize(start + rows.to - rows.from);
  Item* items = out->data() + start;
  const auto read = [&](unsigned column, auto put) {
    columns_[column].ForEach(rows.from, rows.to,
                             [&](size_t i, int64_t value) { put(items[i], value); });
  };
  const int64_t month_us = MonthStart_us(key_.month);
  const uint32_t first_member = key_.range * kRangeMembers;
  read(kKind, [](Item& item, int64_t v) { item.entry.kind = Kind(v); });
  read(kStatus, [](Item& item, int64_t v) { item.entry.status = PostingStatus(v); });
  read(kMember, [=](Item& item, int64_t v) { item.entry.member = first_member + uint32_t(v); });
  read(kEffective, [=](Item& item, int64_t v) { item.entry.effective_us = month_us + v; });
  read(kPoints, [](Item& item, int64_t v) { item.entry.points = v; });
  read(kMoney, [](Item& item, int64_t v) { item.entry.money = v; });
  read(kSequence,
       [this](Item& item, int64_t v) { item.sequence = key_.first_sequence + uint64_t(v); });
  read(kBalance, [](Item& item, int64_t v) { item.entry.balance = v; });
  read(kRelated, [](Item& item, int64_t v) { item.entry.related = uint64_t(v); });
  read(kRelatedKind, [](Item& item, int64_t v) { item.entry.related_kind = Kind(v); });
  read(kTag, [](Item& item, int64_t v) { item.entry.tag = uint64_t(v); });
  read(kCurrency, [](Item& item, int64_t v) { item.entry.currency = uint16_t(v); });
  read(kRule, [](Item& item, int64_t v) { item.entry.codes.rule = uint32_t(v); });
  read(kChannel, [](Item& item, int64_t v) { item.entry.codes.channel = uint32_t(v); });
  read(kLocation, [](Item& item, int64_t v) { item.entry.codes.location = uint32_t(v); });
  read(kCategory, [](Item& item, int64_t v) { item.entry.codes.category = uint32_t(v); });
  read(kActor, [](Item& item, int64_t v) { item.entry.codes.actor = uint32_t(v); });
  read(kReason, [](Item& item, int64_t v) { item.entry.codes.reason = uint32_t(v); });
  ReadExpiry(rows, items);
}

void PieceView::ReadExpiry(Rows rows, Item* items) const {
  if (present_ >> kExpiresAfter & 1) {
    columns_[kExpiresAfter].ForEach(rows.from, rows.to, [&](size_t i, int64_t code) {
      items[i].entry.expires_us = ExpiryOf(code, items[i].entry.effective_us);
    });
  } else if (present_ >> kExpires & 1) {
    const int64_t month_us = MonthStart_us(key_.month);
    columns_[kExpires].ForEach(rows.from, rows.to, [&](size_t i, int64_t code) {
      items[i].entry.expires_us = ExpiryOf(code, month_us);
    });
  }
}

}  // namespace loyalty::history

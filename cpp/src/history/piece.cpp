#include "history/piece.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/prefetch.h"
#include "history/month.h"

namespace loyalty::history {
namespace {

constexpr uint8_t kFormat = 0xC2;
constexpr size_t kHeadBytes = 9;
constexpr size_t kChecksumBytes = 8;

int64_t DefaultOf(unsigned column) {
  switch (column) {
    case kKind: return int64_t(Kind::kEarn);
    case kStatus: return int64_t(PostingStatus::kPosted);
    default: return 0;
  }
}

// Members are searched, and what is in nearly every row is read quicker by position.
Layout LayoutOf(unsigned column) {
  constexpr uint32_t kDense =
      1u << kKind | 1u << kMember | 1u << kPoints | 1u << kMoney | 1u << kEffective;
  return kDense >> column & 1 ? Layout::kByPosition : Layout::kSparseWhenSmaller;
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

}  // namespace

std::string PieceKey::Encode() const {
  std::string key;
  key.push_back(char(part));
  AppendBig(&key, range);
  AppendBig(&key, month);
  AppendBig(&key, first_sequence);
  return key;
}

bool PieceKey::Decode(std::string_view bytes, PieceKey* key) {
  if (bytes.size() != kBytes) return false;
  key->part = Part(bytes[0]);
  key->range = LoadBig<uint32_t>(bytes.data() + 1);
  key->month = LoadBig<uint32_t>(bytes.data() + 5);
  key->first_sequence = LoadBig<uint64_t>(bytes.data() + 9);
  return key->part <= kParts.back() && key->range <= UINT32_MAX / kRangeMembers &&
         key->month <= MonthOf(kMaxTime_us - 1);
}

std::string KeyText(std::string_view bytes) {
  PieceKey key;
  if (PieceKey::Decode(bytes, &key)) {
    return "the piece of range " + std::to_string(key.range) + ", month " + MonthText(key.month) +
           ", segment from sequence " + std::to_string(key.first_sequence) + ", part " +
           std::to_string(int(key.part));
  }
  std::string text = "the record with key 0x";
  for (const char byte : bytes) {
    text += "0123456789abcdef"[uint8_t(byte) >> 4];
    text += "0123456789abcdef"[uint8_t(byte) & 15];
  }
  return text;
}

Status Damaged(std::string_view key, const char* what) {
  return Status(StatusCode::kCorruption,
                "history: " + KeyText(key) + " " + what +
                    "; history is derived: discard it and it is rebuilt from the journal");
}

PieceEncoder::PieceEncoder(std::span<const Entry> segment, std::span<const RemarkAt> remarks,
                           const Partition& partition)
    : segment_(segment), remarks_(remarks), partition_(partition) {
  if (!remarks.empty()) has_remark_.resize(segment.size());
  for (const RemarkAt& at : remarks) has_remark_[at.index] = true;
}

void PieceEncoder::Take(uint32_t month, std::span<const Partition::Row> rows) {
  Gather(month, rows);
  const unsigned columns = GatherRemarks(month, rows) ? kColumns : kFirstRemarkColumn;
  present_ = 0;
  for (unsigned column = 0; column < columns; ++column) {
    if (column == kExpiresAfter || AllEqual(Values(column), DefaultOf(column))) continue;
    if (column == kExpires) {
      EncodeExpiry();
    } else {
      present_ |= 1u << column;
    }
  }
}

std::string_view PieceEncoder::Encode(const PieceKey& key) {
  record_.clear();
  AppendLittle(&record_, kFormat);
  AppendLittle(&record_, uint32_t(count_));
  AppendLittle(&record_, present_);
  const uint32_t columns = present_ & ColumnsOf(key.part);
  for (unsigned column = 0; column < kColumns; ++column) {
    if (!(columns >> column & 1)) continue;
    if (column == kExpires || column == kExpiresAfter) {
      record_ += expiry_;
    } else {
      AppendColumn(Values(column), DefaultOf(column), LayoutOf(column), &record_);
    }
  }
  AppendLittle(&record_, PieceChecksum(key.Encode(), record_));
  return record_;
}

void PieceEncoder::Gather(uint32_t month, std::span<const Partition::Row> rows) {
  count_ = rows.size();
  // An odd number of cache lines a column: powers of two would compete for the same cache sets.
  stride_ = (count_ + 15) / 16 * 16 + 8;
  values_.resize(std::max(values_.size(), stride_ * kColumns));
  const size_t stride = stride_;
  const std::span<const Partition::Row> all = partition_.rows();  // to look ahead of this piece
  const size_t first = size_t(rows.data() - all.data());
  const int64_t month_us = MonthStart_us(month);
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

bool PieceEncoder::GatherRemarks(uint32_t month, std::span<const Partition::Row> rows) {
  if (has_remark_.empty()) return false;
  bool some = false;
  for (size_t i = 0; i < count_; ++i) {
    const uint32_t index = partition_.IndexOf(rows[i]);
    if (!has_remark_[index]) continue;
    if (!some) {
      std::fill(values_.data() + kFirstRemarkColumn * stride_, values_.data() + kColumns * stride_,
                0);
    }
    some = true;
    const auto at =
        std::lower_bound(remarks_.begin(), remarks_.end(), index,
                         [](const RemarkAt& one, uint32_t wanted) { return one.index < wanted; });
    const auto put = [&](unsigned column, int64_t value) { values_[column * stride_ + i] = value; };
    put(kRemark, at->remark.waits ? kWaits : kCorrects);
    if (at->remark.waits) continue;
    const Correction& c = at->remark.correction;
    put(kOfTime, c.of_us - MonthStart_us(month));
    put(kOfPoints, c.points);
    put(kOfMoney, c.money);
    put(kOfVisits, c.visits);
    put(kOfRule, c.rule);
    put(kOfChannel, c.channel);
    put(kOfLocation, c.location);
    put(kOfCategory, c.category);
  }
  return some;
}

// Points expire after a common time or on a common day: whichever makes the smaller column.
void PieceEncoder::EncodeExpiry() {
  expiry_.clear();
  AppendColumn(Values(kExpiresAfter), 0, LayoutOf(kExpiresAfter), &expiry_);
  const size_t after_bytes = expiry_.size();
  const size_t bit_a_row = count_ / 8 + 24;
  if (after_bytes > bit_a_row) {
    AppendColumn(Values(kExpires), 0, LayoutOf(kExpires), &expiry_);
    if (expiry_.size() - after_bytes < after_bytes) {
      expiry_.erase(0, after_bytes);
      present_ |= 1u << kExpires;
      return;
    }
    expiry_.resize(after_bytes);
  }
  present_ |= 1u << kExpiresAfter;
}

Result<PieceView> PieceView::Parse(std::string_view key, std::string_view record) {
  PieceView view;
  if (!PieceKey::Decode(key, &view.key_)) return Damaged(key, "is not a piece's");
  if (record.size() < kHeadBytes + kChecksumBytes) return Damaged(key, "is cut short");
  const std::string_view body = record.substr(0, record.size() - kChecksumBytes);
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

PieceView PieceView::WithoutRecord(std::string_view key, const PieceView& measures) {
  PieceView view;
  PieceKey::Decode(key, &view.key_);
  view.count_ = measures.count_;
  view.present_ = measures.present_;
  for (unsigned c = 0; c < kColumns; ++c) view.columns_[c] = PackedColumn::Constant(DefaultOf(c));
  return view;
}

bool PieceView::ParseColumns(std::string_view bytes) {
  if (count_ == 0 || present_ >> kColumns) return false;
  const uint32_t own = ColumnsOf(key_.part);
  for (unsigned column = 0; column < kColumns; ++column) {
    if (!(own >> column & 1)) continue;
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

void PieceView::Read(Rows rows, Item* items) const {
  switch (key_.part) {
    case Part::kMeasures: return ReadMeasures(rows, items);
    case Part::kTimes:
      return ReadColumn(kEffective, rows, items,
                        [month_us = MonthStart_us(key_.month)](Item& item, int64_t v) {
                          item.entry.effective_us = month_us + v;
                        });
    case Part::kCodes: return ReadCodes(rows, items);
    case Part::kRest: return ReadRest(rows, items);
  }
}

void PieceView::ReadMeasures(Rows rows, Item* items) const {
  const uint32_t first_member = key_.range * kRangeMembers;
  const auto read = [&](unsigned column, auto put) { ReadColumn(column, rows, items, put); };
  read(kKind, [](Item& item, int64_t v) { item.entry.kind = Kind(v); });
  read(kStatus, [](Item& item, int64_t v) { item.entry.status = PostingStatus(v); });
  read(kMember, [=](Item& item, int64_t v) { item.entry.member = first_member + uint32_t(v); });
  read(kPoints, [](Item& item, int64_t v) { item.entry.points = v; });
  read(kMoney, [](Item& item, int64_t v) { item.entry.money = v; });
  read(kCurrency, [](Item& item, int64_t v) { item.entry.currency = uint16_t(v); });
  read(kRelatedKind, [](Item& item, int64_t v) { item.entry.related_kind = Kind(v); });
  if (IsDefault(kRemark)) return;
  const int64_t month_us = MonthStart_us(key_.month);
  read(kRemark, [=](Item& item, int64_t v) {
    item.remark.waits = v == kWaits;
    item.remark.correction.of_us = v == kCorrects ? month_us : 0;
  });
  read(kOfTime, [](Item& item, int64_t v) { item.remark.correction.of_us += v; });
  read(kOfPoints, [](Item& item, int64_t v) { item.remark.correction.points = v; });
  read(kOfMoney, [](Item& item, int64_t v) { item.remark.correction.money = v; });
  read(kOfVisits, [](Item& item, int64_t v) { item.remark.correction.visits = v; });
}

void PieceView::ReadCodes(Rows rows, Item* items) const {
  const auto read = [&](unsigned column, uint32_t Codes::*code) {
    ReadColumn(column, rows, items,
               [=](Item& item, int64_t v) { item.entry.codes.*code = uint32_t(v); });
  };
  read(kRule, &Codes::rule);
  read(kChannel, &Codes::channel);
  read(kLocation, &Codes::location);
  read(kCategory, &Codes::category);
  const auto read_of = [&](unsigned column, int64_t Correction::*code) {
    if (IsDefault(Column(column))) return;
    ReadColumn(column, rows, items,
               [=](Item& item, int64_t v) { item.remark.correction.*code = v; });
  };
  read_of(kOfRule, &Correction::rule);
  read_of(kOfChannel, &Correction::channel);
  read_of(kOfLocation, &Correction::location);
  read_of(kOfCategory, &Correction::category);
}

void PieceView::ReadRest(Rows rows, Item* items) const {
  const auto read = [&](unsigned column, auto put) { ReadColumn(column, rows, items, put); };
  read(kSequence,
       [this](Item& item, int64_t v) { item.sequence = key_.first_sequence + uint64_t(v); });
  read(kBalance, [](Item& item, int64_t v) { item.entry.balance = v; });
  read(kRelated, [](Item& item, int64_t v) { item.entry.related = uint64_t(v); });
  read(kTag, [](Item& item, int64_t v) { item.entry.tag = uint64_t(v); });
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

#include "journal/block.h"

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"

namespace loyalty::journal {
namespace {

constexpr std::string_view kMagic = "LYJB";
constexpr size_t kChecksumAt = 80;

uint64_t BlockChecksum(std::string_view block) {
  // Two hashes rather than one over a copy: the checksum sits between what it covers.
  const uint64_t parts[2] = {Checksum(block.substr(0, kChecksumAt)),
                             Checksum(block.substr(kBlockHeaderBytes))};
  return Checksum({reinterpret_cast<const char*>(parts), sizeof parts});
}

Status Damaged(std::string_view what) {
  return {StatusCode::kCorruption, "journal block: " + std::string(what)};
}

// Rows are taken some at a time, so that they stay in the first-level cache while column after column
// of them is read or written.
constexpr size_t kTileRows = 128;

// Signed fields are ordered as signed, enumerations as numbers.
template <typename T>
auto ToStored(T value) {
  return std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>(value);
}

// Calls visit(column, field) for each column that holds a field of an entry; field(entry) is a reference
// to it.
template <typename Visit>
void ForEachField(Visit visit) {
  visit(
      kIdHi, [](auto& e) -> auto& { return e.id.hi; });
  visit(
      kIdLo, [](auto& e) -> auto& { return e.id.lo; });
  visit(
      kKind, [](auto& e) -> auto& { return e.kind; });
  visit(
      kStatus, [](auto& e) -> auto& { return e.status; });
  visit(
      kCurrency, [](auto& e) -> auto& { return e.currency; });
  visit(
      kMember, [](auto& e) -> auto& { return e.member; });
  visit(
      kEffective, [](auto& e) -> auto& { return e.effective_us; });
  visit(
      kPoints, [](auto& e) -> auto& { return e.points; });
  visit(
      kMoney, [](auto& e) -> auto& { return e.money; });
  visit(
      kExpires, [](auto& e) -> auto& { return e.expires_us; });
  visit(
      kBalance, [](auto& e) -> auto& { return e.balance; });
  visit(
      kRelated, [](auto& e) -> auto& { return e.related; });
  visit(
      kTag, [](auto& e) -> auto& { return e.tag; });
  visit(
      kRule, [](auto& e) -> auto& { return e.codes.rule; });
  visit(
      kChannel, [](auto& e) -> auto& { return e.codes.channel; });
  visit(
      kLocation, [](auto& e) -> auto& { return e.codes.location; });
  visit(
      kCategory, [](auto& e) -> auto& { return e.codes.category; });
  visit(
      kActor, [](auto& e) -> auto& { return e.codes.actor; });
  visit(
      kReason, [](auto& e) -> auto& { return e.codes.reason; });
  visit(
      kRelatedKind, [](auto& e) -> auto& { return e.related_kind; });
  visit(
      kByProgramColumn, [](auto& e) -> auto& { return e.by_program; });
}

void AppendEntryColumns(const std::vector<Entry>& entries, std::string* out) {
  struct Column {
    uint64_t low;
    uint64_t high;
    unsigned width;
    size_t offsets;  // where they begin in `out`
  };
  Column columns[kMovements];
  ForEachField([&](size_t c, auto field) {
    columns[c].low = columns[c].high = uint64_t(ToStored(field(entries[0])));
  });
  const auto for_each_tile = [&](auto visit) {
    for (size_t from = 0; from < entries.size(); from += kTileRows) {
      const size_t to = std::min(from + kTileRows, entries.size());
      ForEachField([&](size_t c, auto field) { visit(from, to, &columns[c], field); });
    }
  };
  for_each_tile([&](size_t from, size_t to, Column* column, auto field) {
    using T = decltype(ToStored(field(entries[0])));
    ColumnRange<T> range{T(column->low), T(column->high)};
    for (size_t i = from; i < to; ++i) range.Include(ToStored(field(entries[i])));
    column->low = uint64_t(range.low);
    column->high = uint64_t(range.high);
  });
  for (Column& column : columns) {
    column.width = OffsetWidth(column.low, column.high);
    column.offsets = AppendColumnHeader(column.width, column.low, entries.size(), out);
  }
  for_each_tile([&](size_t from, size_t to, const Column* column, auto field) {
    if (column->width == 0) return;
    PackOffsets(
        column->width, column->low, from, to, [&](size_t i) { return ToStored(field(entries[i])); },
        out->data() + column->offsets);
  });
}

}  // namespace

std::string StoredKey(const MemberKey& key) {
  std::string stored(1, key.is_text ? 't' : 'i');
  if (key.is_text) {
    stored += key.text;
  } else {
    AppendLittle(&stored, key.number);
  }
  return stored;
}

bool ParseStoredKey(std::string_view stored, MemberKey* key) {
  if (stored.size() == 9 && stored[0] == 'i') {
    *key = MemberKey(LoadLittle<int64_t>(stored.data() + 1));
    return true;
  }
  if (stored.size() < 2 || stored[0] != 't') return false;
  *key = MemberKey(stored.substr(1));
  return true;
}

std::string EncodeBlock(const Group& group, const Digest& previous) {
  const std::vector<Entry>& e = group.entries;
  const size_t n = e.size();
  assert(n > 0 && group.movement_counts.size() == n);
  size_t text_bytes = 0;
  for (const std::string& text : group.texts) text_bytes += text.size();

  std::string out;
  out.reserve(kBlockHeaderBytes + n * 64 + group.movements.size() * 24 + text_bytes + 256);
  out += kMagic;
  AppendLittle(&out, kBlockFormat);
  AppendLittle(&out, uint16_t(kBlockHeaderBytes));
  AppendLittle(&out, group.first_sequence);
  AppendLittle(&out, uint32_t(n));
  AppendLittle(&out, uint32_t(group.movements.size()));
  AppendLittle(&out, group.recorded_us);
  AppendLittle(&out, group.program_version);
  AppendLittle(&out, uint32_t(text_bytes));
  out.append(reinterpret_cast<const char*>(previous.data()), previous.size());
  AppendLittle(&out, uint32_t(group.details.size()));
  AppendLittle(&out, uint32_t(0));
  AppendLittle(&out, uint64_t(0));  // the checksum's place

  AppendEntryColumns(e, &out);
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return group.movement_counts[i]; });

  AppendMovements(group.movements, &out);
  AppendDetails(group.details, &out);

  EncodeColumn<uint64_t>(group.texts.size(), &out, [&](size_t i) { return group.texts[i].size(); });
  for (const std::string& text : group.texts) out += text;

  const uint64_t checksum = BlockChecksum(out);
  std::memcpy(out.data() + kChecksumAt, &checksum, sizeof checksum);
  return out;
}

Digest ChainHash(std::string_view block) { return Sha256({block}); }

Result<BlockView> BlockView::Parse(std::string_view block) {
  if (block.size() < kBlockHeaderBytes || block.substr(0, 4) != kMagic) {
    return Damaged("does not begin with its magic bytes");
  }
  const char* at = block.data();
  const auto format = LoadLittle<uint16_t>(at + 4);
  if (format > kBlockFormat) {
    return Status(StatusCode::kUnsupportedFormat,
                  "journal block: format " + std::to_string(format) +
                      " is newer than this version's " + std::to_string(kBlockFormat) +
                      "; open the ledger with a newer version");
  }
  if (LoadLittle<uint64_t>(at + kChecksumAt) != BlockChecksum(block)) {
    return Damaged("checksum does not match");
  }
  BlockView view;
  view.first_sequence_ = LoadLittle<uint64_t>(at + 8);
  view.count_ = LoadLittle<uint32_t>(at + 16);
  view.recorded_us_ = LoadLittle<int64_t>(at + 24);
  view.program_version_ = LoadLittle<uint32_t>(at + 32);
  std::memcpy(view.previous_.data(), at + 40, view.previous_.size());
  if (view.count_ == 0) return Damaged("has no entries");
  LOYALTY_RETURN_IF_ERROR(
      view.ParseColumns(block.substr(kBlockHeaderBytes), LoadLittle<uint32_t>(at + 20),
                        LoadLittle<uint32_t>(at + 72), LoadLittle<uint32_t>(at + 36)));
  return view;
}

Status BlockView::ParseColumns(std::string_view payload, uint32_t movements, uint32_t details,
                               uint32_t text_bytes) {
  for (ColumnView& column : columns_) {
    if (!column.Parse(count_, &payload)) return Damaged("an entry column is cut short");
  }
  if (!movements_.Parse(movements, &payload)) return Damaged("a movement column is cut short");
  if (!details_.Parse(details, &payload)) return Damaged("a details column is cut short");
  uint64_t counted = 0;
  columns_[kMovements].ForEach([&](size_t, uint64_t count) { counted += count; });
  if (counted != movements) return Damaged("movement counts do not add up");
  columns_[kKind].ForEach([&](size_t, uint64_t kind) { text_count_ += HasText(Kind(kind)); });
  if (!text_lengths_.Parse(text_count_, &payload)) return Damaged("text lengths are cut short");
  uint64_t bytes = 0;
  for (size_t i = 0; i < text_count_; ++i) bytes += text_lengths_[i];
  if (bytes != text_bytes || payload.size() != text_bytes) return Damaged("texts do not add up");
  texts_ = payload;
  return {};
}

Entry BlockView::EntryAt(size_t i) const {
  Entry entry;
  ForEachField([&](size_t c, auto field) {
    field(entry) = std::remove_cvref_t<decltype(field(entry))>(columns_[c][i]);
  });
  return entry;
}

void BlockView::Entries(std::span<Entry> entries) const {
  const Entry first = EntryAt(0);  // has the values of the columns that do not vary
  for (size_t from = 0; from < count_; from += kTileRows) {
    const size_t to = std::min(from + kTileRows, count_);
    std::fill(entries.begin() + ptrdiff_t(from), entries.begin() + ptrdiff_t(to), first);
    ForEachField([&](size_t c, auto field) {
      if (columns_[c].constant()) return;
      columns_[c].ForEach(from, to, [&](size_t i, uint64_t value) {
        field(entries[i]) = std::remove_cvref_t<decltype(field(entries[i]))>(value);
      });
    });
  }
}

void BlockView::Ids(size_t from, size_t to, std::vector<Id>* ids) const {
  ids->resize(to - from);
  Id* const out = ids->data();
  columns_[kIdHi].ForEach(from, to, [=](size_t i, uint64_t v) { out[i - from].hi = v; });
  columns_[kIdLo].ForEach(from, to, [=](size_t i, uint64_t v) { out[i - from].lo = v; });
}

void BlockView::Read(Group* group) const {
  group->first_sequence = first_sequence_;
  group->recorded_us = recorded_us_;
  group->program_version = program_version_;
  group->entries.resize(count_);
  Entries(group->entries);
  group->movement_counts.resize(count_);
  columns_[kMovements].ForEach(
      [&](size_t i, uint64_t v) { group->movement_counts[i] = uint32_t(v); });
  movements_.Read(&group->movements);
  details_.Read(&group->details);
  group->texts.clear();
  size_t offset = 0;
  for (size_t i = 0; i < text_count_; offset += text_lengths_[i++]) {
    group->texts.emplace_back(texts_.substr(offset, text_lengths_[i]));
  }
}

std::vector<LotMovement> BlockView::MovementsOf(size_t i) const {
  uint64_t first = 0;
  columns_[kMovements].ForEach(0, i, [&](size_t, uint64_t count) { first += count; });
  std::vector<LotMovement> movements;
  for (size_t k = 0; k < columns_[kMovements][i]; ++k) movements.push_back(movements_[first + k]);
  return movements;
}

std::string_view BlockView::TextOf(size_t i) const {
  size_t text = 0;
  size_t offset = 0;
  for (size_t before = 0; before < i; ++before) {
    if (HasText(Kind(columns_[kKind][before]))) offset += text_lengths_[text++];
  }
  return HasText(Kind(columns_[kKind][i])) ? texts_.substr(offset, text_lengths_[text])
                                           : std::string_view();
}

}  // namespace loyalty::journal

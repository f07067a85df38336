#include "journal/block.h"

#include <cassert>
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
  AppendLittle(&out, uint64_t(0));
  AppendLittle(&out, uint64_t(0));

  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].id.hi; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].id.lo; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return uint64_t(e[i].kind); });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return uint64_t(e[i].status); });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].currency; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].member; });
  EncodeColumn<int64_t>(n, &out, [&](size_t i) { return e[i].effective_us; });
  EncodeColumn<int64_t>(n, &out, [&](size_t i) { return e[i].points; });
  EncodeColumn<int64_t>(n, &out, [&](size_t i) { return e[i].money; });
  EncodeColumn<int64_t>(n, &out, [&](size_t i) { return e[i].expires_us; });
  EncodeColumn<int64_t>(n, &out, [&](size_t i) { return e[i].balance; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].related; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].tag; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].codes.rule; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].codes.channel; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].codes.location; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].codes.category; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].codes.actor; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return e[i].codes.reason; });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return uint64_t(e[i].related_kind); });
  EncodeColumn<uint64_t>(n, &out, [&](size_t i) { return group.movement_counts[i]; });

  const std::vector<LotMovement>& m = group.movements;
  EncodeColumn<int64_t>(m.size(), &out, [&](size_t i) { return m[i].points; });
  EncodeColumn<int64_t>(m.size(), &out, [&](size_t i) { return m[i].expires_us; });
  EncodeColumn<int64_t>(m.size(), &out, [&](size_t i) { return m[i].effective_us; });
  EncodeColumn<uint64_t>(m.size(), &out, [&](size_t i) { return m[i].source; });

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
  view.movement_count_ = LoadLittle<uint32_t>(at + 20);
  view.recorded_us_ = LoadLittle<int64_t>(at + 24);
  view.program_version_ = LoadLittle<uint32_t>(at + 32);
  std::memcpy(view.previous_.data(), at + 40, view.previous_.size());
  if (view.count_ == 0) return Damaged("has no entries");
  LOYALTY_RETURN_IF_ERROR(
      view.ParseColumns(block.substr(kBlockHeaderBytes), LoadLittle<uint32_t>(at + 36)));
  return view;
}

Status BlockView::ParseColumns(std::string_view payload, uint32_t text_bytes) {
  for (ColumnView& column : columns_) {
    if (!column.Parse(count_, &payload)) return Damaged("an entry column is cut short");
  }
  for (ColumnView& column : movement_columns_) {
    if (!column.Parse(movement_count_, &payload)) return Damaged("a movement column is cut short");
  }
  uint64_t movements = 0;
  for (size_t i = 0; i < count_; ++i) movements += columns_[kMovements][i];
  if (movements != movement_count_) return Damaged("movement counts do not add up");
  for (size_t i = 0; i < count_; ++i) text_count_ += HasText(Kind(columns_[kKind][i]));
  if (!text_lengths_.Parse(text_count_, &payload)) return Damaged("text lengths are cut short");
  uint64_t bytes = 0;
  for (size_t i = 0; i < text_count_; ++i) bytes += text_lengths_[i];
  if (bytes != text_bytes || payload.size() != text_bytes) return Damaged("texts do not add up");
  texts_ = payload;
  return {};
}

Entry BlockView::EntryAt(size_t i) const {
  Entry e;
  e.id = {columns_[kIdHi][i], columns_[kIdLo][i]};
  e.kind = Kind(columns_[kKind][i]);
  e.status = PostingStatus(columns_[kStatus][i]);
  e.currency = uint16_t(columns_[kCurrency][i]);
  e.member = uint32_t(columns_[kMember][i]);
  e.effective_us = int64_t(columns_[kEffective][i]);
  e.points = int64_t(columns_[kPoints][i]);
  e.money = int64_t(columns_[kMoney][i]);
  e.expires_us = int64_t(columns_[kExpires][i]);
  e.balance = int64_t(columns_[kBalance][i]);
  e.related = columns_[kRelated][i];
  e.related_kind = Kind(columns_[kRelatedKind][i]);
  e.tag = columns_[kTag][i];
  e.codes = {uint32_t(columns_[kRule][i]),     uint32_t(columns_[kChannel][i]),
             uint32_t(columns_[kLocation][i]), uint32_t(columns_[kCategory][i]),
             uint32_t(columns_[kActor][i]),    uint32_t(columns_[kReason][i])};
  return e;
}

void BlockView::Entries(std::span<Entry> e) const {
  columns_[kIdHi].ForEach([&](size_t i, uint64_t v) { e[i].id.hi = v; });
  columns_[kIdLo].ForEach([&](size_t i, uint64_t v) { e[i].id.lo = v; });
  columns_[kKind].ForEach([&](size_t i, uint64_t v) { e[i].kind = Kind(v); });
  columns_[kStatus].ForEach([&](size_t i, uint64_t v) { e[i].status = PostingStatus(v); });
  columns_[kCurrency].ForEach([&](size_t i, uint64_t v) { e[i].currency = uint16_t(v); });
  columns_[kMember].ForEach([&](size_t i, uint64_t v) { e[i].member = uint32_t(v); });
  columns_[kEffective].ForEach([&](size_t i, uint64_t v) { e[i].effective_us = int64_t(v); });
  columns_[kPoints].ForEach([&](size_t i, uint64_t v) { e[i].points = int64_t(v); });
  columns_[kMoney].ForEach([&](size_t i, uint64_t v) { e[i].money = int64_t(v); });
  columns_[kExpires].ForEach([&](size_t i, uint64_t v) { e[i].expires_us = int64_t(v); });
  columns_[kBalance].ForEach([&](size_t i, uint64_t v) { e[i].balance = int64_t(v); });
  columns_[kRelated].ForEach([&](size_t i, uint64_t v) { e[i].related = v; });
  columns_[kRelatedKind].ForEach([&](size_t i, uint64_t v) { e[i].related_kind = Kind(v); });
  columns_[kTag].ForEach([&](size_t i, uint64_t v) { e[i].tag = v; });
  columns_[kRule].ForEach([&](size_t i, uint64_t v) { e[i].codes.rule = uint32_t(v); });
  columns_[kChannel].ForEach([&](size_t i, uint64_t v) { e[i].codes.channel = uint32_t(v); });
  columns_[kLocation].ForEach([&](size_t i, uint64_t v) { e[i].codes.location = uint32_t(v); });
  columns_[kCategory].ForEach([&](size_t i, uint64_t v) { e[i].codes.category = uint32_t(v); });
  columns_[kActor].ForEach([&](size_t i, uint64_t v) { e[i].codes.actor = uint32_t(v); });
  columns_[kReason].ForEach([&](size_t i, uint64_t v) { e[i].codes.reason = uint32_t(v); });
}

LotMovement BlockView::MovementAt(size_t i) const {
  return {int64_t(movement_columns_[0][i]), int64_t(movement_columns_[1][i]),
          int64_t(movement_columns_[2][i]), movement_columns_[3][i]};
}

Group BlockView::ToGroup() const {
  Group group;
  group.first_sequence = first_sequence_;
  group.recorded_us = recorded_us_;
  group.program_version = program_version_;
  group.entries.resize(count_);
  Entries(group.entries);
  group.movement_counts.resize(count_);
  columns_[kMovements].ForEach(
      [&](size_t i, uint64_t v) { group.movement_counts[i] = uint32_t(v); });
  group.movements.reserve(movement_count_);
  for (size_t i = 0; i < movement_count_; ++i) group.movements.push_back(MovementAt(i));
  std::string_view rest = texts_;
  for (size_t i = 0; i < text_count_; ++i) {
    group.texts.emplace_back(rest.substr(0, text_lengths_[i]));
    rest.remove_prefix(text_lengths_[i]);
  }
  return group;
}

std::vector<LotMovement> BlockView::MovementsOf(size_t i) const {
  size_t first = 0;
  for (size_t before = 0; before < i; ++before) first += columns_[kMovements][before];
  std::vector<LotMovement> movements;
  for (size_t k = 0; k < columns_[kMovements][i]; ++k) movements.push_back(MovementAt(first + k));
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

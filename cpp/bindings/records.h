// Journal records, members and balances as columns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bindings.h"
#include "loyalty/ledger.h"

namespace loyalty::python {

// Texts end to end, with where each begins and ends: Arrow's layout.
struct TextColumn {
  std::vector<int64_t> offsets{0};
  std::vector<uint8_t> data;

  void Append(std::string_view text);
};

// Members' keys of both sorts. A row is one or the other, or neither (an entry without a member, or an erased
// one).
struct MemberColumn {
  enum Sort : uint8_t { kNone = 0, kNumber = 1, kText = 2 };

  std::vector<uint8_t> sorts;
  std::vector<int64_t> numbers;
  TextColumn texts;

  // None of an erased member.
  void Append(const OwnedKey& key);
  void AppendNone();
  // As columns "<name>_sorts", "<name>_numbers", "<name>_offsets", "<name>_data".
  void AddTo(ColumnDict& columns, const std::string& name) &&;
};

struct RecordColumns {
  std::vector<int64_t> sequence, recorded_us, effective_us, points, money, balance, expires_us,
      related;
  std::vector<int64_t> activates_us, deadline_us, floor, ceiling, asked, held, revived, repaid,
      limit, pending_after, held_after, arrears_after;
  std::vector<uint64_t> tag;
  std::vector<uint8_t> id;  // 16 bytes a row
  std::vector<uint8_t> kind;
  std::vector<uint16_t> currency, status;
  std::vector<std::vector<uint32_t>> codes;  // rule, channel, ...: indices into code_texts
  std::vector<std::string> code_texts;       // "" first
  MemberColumn member, other;
  TextColumn text;
  // Of changes of level, and what of them was asked for; 0 elsewhere, as codes are.
  std::vector<uint32_t> ladder, from_level, level;
  std::vector<int64_t> assessed_us;               // kNever_us elsewhere
  std::vector<int64_t> value_offsets{0}, values;  // of metrics
  std::vector<uint32_t> program_version;

  ColumnDict ToDict() &&;
};

// Needs no GIL. Looks up the keys and code texts of the records in `ledger`.
Result<RecordColumns> ToColumns(const Ledger& ledger, std::span<const Record> records);

}  // namespace loyalty::python

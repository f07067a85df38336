#include "records.h"

#include <pybind11/stl.h>

#include <array>
#include <string>
#include <unordered_map>

#include "ids.h"

namespace loyalty::python {
namespace {

constexpr std::array<const char*, 6> kCodeNames = {"rule",     "channel", "location",
                                                   "category", "actor",   "reason"};

// Codes of the ledger to indices into the texts that these records use.
class CodeTexts {
 public:
  explicit CodeTexts(const Ledger& ledger) : ledger_(ledger) {}

  Result<uint32_t> Index(uint32_t code) {
    const auto [at, is_new] = indices_.try_emplace(code, uint32_t(texts_.size()));
    if (is_new) {
      LOYALTY_ASSIGN_OR_RETURN(std::string text, ledger_.CodeText(code));
      texts_.push_back(std::move(text));
    }
    return at->second;
  }
  std::vector<std::string> TakeTexts() && { return std::move(texts_); }

 private:
  const Ledger& ledger_;
  std::unordered_map<uint32_t, uint32_t> indices_{{0, 0}};
  std::vector<std::string> texts_{""};
};

void AppendNumbers(const Record& record, RecordColumns& to) {
  const Entry& entry = record.entry;
  to.sequence.push_back(int64_t(record.sequence));
  to.recorded_us.push_back(record.recorded_us);
  to.effective_us.push_back(entry.effective_us);
  to.points.push_back(entry.points);
  to.money.push_back(entry.money);
  to.balance.push_back(entry.balance);
  to.expires_us.push_back(entry.expires_us);
  to.related.push_back(int64_t(entry.related));
  const Details& details = record.details;
  to.activates_us.push_back(details.terms.activates_us);
  to.deadline_us.push_back(details.terms.deadline_us);
  to.floor.push_back(details.terms.floor);
  to.ceiling.push_back(details.terms.ceiling);
  to.asked.push_back(details.asked);
  to.held.push_back(details.held);
  to.revived.push_back(details.revived);
  to.repaid.push_back(details.repaid);
  to.limit.push_back(details.limit);
  to.pending_after.push_back(details.pending_after);
  to.held_after.push_back(details.held_after);
  to.arrears_after.push_back(details.arrears_after);
  to.tag.push_back(entry.tag);
  to.kind.push_back(uint8_t(entry.kind));
  to.currency.push_back(entry.currency);
  to.status.push_back(uint16_t(entry.status));
  to.id.resize(to.id.size() + 16);
  StoreId(entry.id, to.id.data() + to.id.size() - 16);
}

Status AppendLevel(const Record& record, CodeTexts* texts, RecordColumns* to) {
  const Terms& asked = record.details.terms;
  const LevelChange change = record.level.value_or(
      LevelChange{uint32_t(asked.ladder), 0, {.level = uint32_t(asked.level)}, kNever_us, {}});
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t ladder, texts->Index(change.ladder));
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t from, texts->Index(change.from));
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t level, texts->Index(change.to.level));
  to->ladder.push_back(ladder);
  to->from_level.push_back(from);
  to->level.push_back(level);
  to->assessed_us.push_back(change.assessed_us);
  to->values.insert(to->values.end(), change.values.begin(), change.values.end());
  to->value_offsets.push_back(int64_t(to->values.size()));
  to->program_version.push_back(record.program_version);
  return {};
}

}  // namespace

void TextColumn::Append(std::string_view text) {
  data.insert(data.end(), text.begin(), text.end());
  offsets.push_back(int64_t(data.size()));
}

void MemberColumn::Append(const OwnedKey& key) {
  static_assert(uint8_t(kNone) == OwnedKey::kErased && uint8_t(kNumber) == OwnedKey::kNumber &&
                uint8_t(kText) == OwnedKey::kText);
  sorts.push_back(key.sort);
  numbers.push_back(key.number);
  texts.Append(key.text);
}

void MemberColumn::AppendNone() {
  sorts.push_back(kNone);
  numbers.push_back(0);
  texts.Append({});
}

void MemberColumn::AddTo(ColumnDict& columns, const std::string& name) && {
  const auto put = [&](const char* what, py::object values) {
    columns[py::str(name + what)] = std::move(values);
  };
  put("_sorts", ToNumpy(std::move(sorts)));
  put("_numbers", ToNumpy(std::move(numbers)));
  put("_offsets", ToNumpy(std::move(texts.offsets)));
  put("_data", ToNumpy(std::move(texts.data)));
}

ColumnDict RecordColumns::ToDict() && {
  ColumnDict columns;
  columns["sequence"] = ToNumpy(std::move(sequence));
  columns["recorded_us"] = ToNumpy(std::move(recorded_us));
  columns["effective_us"] = ToNumpy(std::move(effective_us));
  columns["points"] = ToNumpy(std::move(points));
  columns["money"] = ToNumpy(std::move(money));
  columns["balance"] = ToNumpy(std::move(balance));
  columns["expires_us"] = ToNumpy(std::move(expires_us));
  columns["related"] = ToNumpy(std::move(related));
  columns["activates_us"] = ToNumpy(std::move(activates_us));
  columns["deadline_us"] = ToNumpy(std::move(deadline_us));
  columns["floor"] = ToNumpy(std::move(floor));
  columns["ceiling"] = ToNumpy(std::move(ceiling));
  columns["asked"] = ToNumpy(std::move(asked));
  columns["held"] = ToNumpy(std::move(held));
  columns["revived"] = ToNumpy(std::move(revived));
  columns["repaid"] = ToNumpy(std::move(repaid));
  columns["limit"] = ToNumpy(std::move(limit));
  columns["pending_after"] = ToNumpy(std::move(pending_after));
  columns["held_after"] = ToNumpy(std::move(held_after));
  columns["arrears_after"] = ToNumpy(std::move(arrears_after));
  columns["tag"] = ToNumpy(std::move(tag));
  columns["kind"] = ToNumpy(std::move(kind));
  columns["currency"] = ToNumpy(std::move(currency));
  columns["status"] = ToNumpy(std::move(status));
  columns["id"] = ToNumpy(std::move(id));
  for (size_t i = 0; i < kCodeNames.size(); ++i)
    columns[kCodeNames[i]] = ToNumpy(std::move(codes[i]));
  columns["code_texts"] = py::cast(code_texts);
  std::move(member).AddTo(columns, "member");
  std::move(other).AddTo(columns, "other");
  columns["text_offsets"] = ToNumpy(std::move(text.offsets));
  columns["text_data"] = ToNumpy(std::move(text.data));
  columns["ladder"] = ToNumpy(std::move(ladder));
  columns["from_level"] = ToNumpy(std::move(from_level));
  columns["level"] = ToNumpy(std::move(level));
  columns["assessed_us"] = ToNumpy(std::move(assessed_us));
  columns["value_offsets"] = ToNumpy(std::move(value_offsets));
  columns["values"] = ToNumpy(std::move(values));
  columns["program_version"] = ToNumpy(std::move(program_version));
  return columns;
}

Result<RecordColumns> ToColumns(const Ledger& ledger, std::span<const Record> records) {
  RecordColumns columns;
  columns.codes.resize(kCodeNames.size());
  CodeTexts texts(ledger);
  for (const Record& record : records) {
    AppendNumbers(record, columns);
    columns.text.Append(record.text);
    if (record.entry.member == Entry::kNoMember) {
      columns.member.AppendNone();
    } else {
      LOYALTY_ASSIGN_OR_RETURN(const OwnedKey key, ledger.KeyOf(record.entry.member));
      columns.member.Append(key);
    }
    if (record.details.other == Details::kNoOther) {
      columns.other.AppendNone();
    } else {
      LOYALTY_ASSIGN_OR_RETURN(const OwnedKey key, ledger.KeyOf(uint32_t(record.details.other)));
      columns.other.Append(key);
    }
    const Codes& codes = record.entry.codes;
    const std::array<uint32_t, 6> numbers = {codes.rule,     codes.channel, codes.location,
                                             codes.category, codes.actor,   codes.reason};
    for (size_t i = 0; i < numbers.size(); ++i) {
      LOYALTY_ASSIGN_OR_RETURN(const uint32_t index, texts.Index(numbers[i]));
      columns.codes[i].push_back(index);
    }
    LOYALTY_RETURN_IF_ERROR(AppendLevel(record, &texts, &columns));
  }
  columns.code_texts = std::move(texts).TakeTexts();
  return columns;
}

}  // namespace loyalty::python

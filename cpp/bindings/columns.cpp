#include "columns.h"

#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "ids.h"

namespace loyalty::python {
namespace {

template <typename T>
using OptionalArray = std::optional<Array<T>>;

// Points at the array's values and keeps it; `width` values a row.
template <typename T>
const T* Take(PostingColumns& columns, const char* name, const Array<T>& array, size_t values) {
  if (size_t(array.size()) != values) {
    throw py::value_error(std::string(name) + " must hold " + std::to_string(values) + " values");
  }
  columns.owners.push_back(array);
  return array.data();
}

template <typename T>
const T* Take(PostingColumns& columns, const char* name, const OptionalArray<T>& array,
              size_t values) {
  return array ? Take(columns, name, *array, values) : nullptr;
}

[[noreturn]] void RefuseMember(size_t row, const std::string& why) {
  throw Fault(Status(StatusCode::kInvalidArgument,
                     "column 'member', row " + std::to_string(row) + ": " + why));
}

void CheckOffsets(const int64_t* at, size_t rows, uint64_t data_bytes) {
  for (size_t row = 0; row < rows; ++row) {
    if (at[row] < 0 || at[row] > at[row + 1] || uint64_t(at[row + 1]) > data_bytes) {
      throw py::value_error("offsets must rise within the data");
    }
  }
}

void CheckMemberTexts(const PostingColumns& columns, uint64_t data_bytes) {
  const int64_t* at = columns.member_offsets;
  CheckOffsets(at, columns.rows, data_bytes);
  for (size_t row = 0; row < columns.rows; ++row) {
    const auto bytes = uint64_t(at[row + 1] - at[row]);
    if (bytes == 0) RefuseMember(row, "an empty member key");
    if (bytes > MemberKey::kMaxTextBytes) {
      RefuseMember(row, "a member key of " + std::to_string(bytes) + " bytes; at most " +
                            std::to_string(MemberKey::kMaxTextBytes) + " are allowed");
    }
  }
}

void TakeMembers(PostingColumns& columns, const OptionalArray<int64_t>& numbers,
                 const OptionalArray<int64_t>& offsets, const OptionalArray<uint8_t>& data) {
  if (numbers.has_value() == offsets.has_value() || offsets.has_value() != data.has_value()) {
    throw py::value_error("give either member_numbers, or member_offsets and member_data");
  }
  columns.member_numbers = Take(columns, "member_numbers", numbers, columns.rows);
  if (!offsets) return;
  columns.member_offsets = Take(columns, "member_offsets", *offsets, columns.rows + 1);
  columns.member_data =
      reinterpret_cast<const char*>(Take(columns, "member_data", *data, size_t(data->size())));
  CheckMemberTexts(columns, uint64_t(data->size()));
}

void TakeOthers(PostingColumns& columns, const OptionalArray<int64_t>& numbers,
                const OptionalArray<uint8_t>& has, const OptionalArray<int64_t>& offsets,
                const OptionalArray<uint8_t>& data) {
  if (numbers.has_value() != has.has_value() || offsets.has_value() != data.has_value() ||
      (numbers && offsets)) {
    throw py::value_error("give other_numbers and has_other, or other_offsets and other_data");
  }
  columns.other_numbers = Take(columns, "other_numbers", numbers, columns.rows);
  columns.has_other = Take(columns, "has_other", has, columns.rows);
  if (!offsets) return;
  columns.other_offsets = Take(columns, "other_offsets", *offsets, columns.rows + 1);
  columns.other_data =
      reinterpret_cast<const char*>(Take(columns, "other_data", *data, size_t(data->size())));
  CheckOffsets(columns.other_offsets, columns.rows, uint64_t(data->size()));
}

PostingColumns MakeColumns(
    const Array<uint8_t>& ids, const Array<uint8_t>& kinds, const Array<uint16_t>& currencies,
    const Array<int64_t>& points, const Array<int64_t>& effective_us,
    const OptionalArray<int64_t>& member_numbers, const OptionalArray<int64_t>& member_offsets,
    const OptionalArray<uint8_t>& member_data, const OptionalArray<int64_t>& money,
    const OptionalArray<int64_t>& expires_us, const OptionalArray<uint8_t>& related,
    const OptionalArray<uint64_t>& tags, const OptionalArray<int64_t>& activates_us,
    const OptionalArray<int64_t>& deadline_us, const OptionalArray<int64_t>& floors,
    const OptionalArray<int64_t>& ceilings, const OptionalArray<int64_t>& other_numbers,
    const OptionalArray<uint8_t>& has_other, const OptionalArray<int64_t>& other_offsets,
    const OptionalArray<uint8_t>& other_data, const OptionalArray<uint8_t>& linked) {
  PostingColumns columns;
  const auto rows = size_t(kinds.size());
  columns.rows = rows;
  columns.ids = Take(columns, "ids", ids, rows * 16);
  columns.kinds = Take(columns, "kinds", kinds, rows);
  columns.currencies = Take(columns, "currencies", currencies, rows);
  columns.points = Take(columns, "points", points, rows);
  columns.effective_us = Take(columns, "effective_us", effective_us, rows);
  TakeMembers(columns, member_numbers, member_offsets, member_data);
  columns.money = Take(columns, "money", money, rows);
  columns.expires_us = Take(columns, "expires_us", expires_us, rows);
  columns.related = Take(columns, "related", related, rows * 16);
  columns.tags = Take(columns, "tags", tags, rows);
  columns.activates_us = Take(columns, "activates_us", activates_us, rows);
  columns.deadline_us = Take(columns, "deadline_us", deadline_us, rows);
  columns.floors = Take(columns, "floors", floors, rows);
  columns.ceilings = Take(columns, "ceilings", ceilings, rows);
  TakeOthers(columns, other_numbers, has_other, other_offsets, other_data);
  columns.linked = Take(columns, "linked", linked, rows);
  return columns;
}

using CodeArrays = std::array<OptionalArray<uint32_t>, PostingColumns::kCodes>;

void SetCodes(PostingColumns& columns, const CodeArrays& codes) {
  for (size_t i = 0; i < codes.size(); ++i) {
    columns.codes[i] = Take(columns, "codes", codes[i], columns.rows);
  }
}

MemberKey MemberAt(const PostingColumns& columns, size_t row) {
  if (columns.member_numbers) return MemberKey(columns.member_numbers[row]);
  const int64_t* at = columns.member_offsets + row;
  return MemberKey(std::string_view(columns.member_data + at[0], size_t(at[1] - at[0])));
}

// False when the row names no other member.
bool OtherAt(const PostingColumns& columns, size_t row, MemberKey* other) {
  if (columns.has_other) {
    *other = MemberKey(columns.other_numbers[row]);
    return columns.has_other[row] != 0;
  }
  const int64_t* at = columns.other_offsets + row;
  *other = MemberKey(std::string_view(columns.other_data + at[0], size_t(at[1] - at[0])));
  return at[0] != at[1];
}

template <typename T>
T ValueAt(const T* values, size_t row, T absent) {
  return values ? values[row] : absent;
}

}  // namespace

void FillPostings(const PostingColumns& columns, size_t begin, std::span<Posting> out,
                  PostingParts* parts) {
  const auto& codes = columns.codes;
  const bool has_terms = columns.activates_us || columns.deadline_us || columns.floors ||
                         columns.ceilings || codes[6] || codes[7];
  const bool has_others = columns.has_other || columns.other_offsets;
  parts->terms.resize(has_terms ? out.size() : 0);
  parts->others.resize(has_others ? out.size() : 0);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t row = begin + i;
    Posting& posting = out[i];
    posting.id = LoadId(columns.ids + 16 * row);
    posting.kind = Kind(columns.kinds[row]);
    posting.currency = columns.currencies[row];
    posting.member = MemberAt(columns, row);
    posting.points = columns.points[row];
    posting.money = ValueAt<int64_t>(columns.money, row, 0);
    posting.effective_us = columns.effective_us[row];
    posting.expires_us = ValueAt(columns.expires_us, row, kByProgram);
    posting.codes = {ValueAt(codes[0], row, 0u), ValueAt(codes[1], row, 0u),
                     ValueAt(codes[2], row, 0u), ValueAt(codes[3], row, 0u),
                     ValueAt(codes[4], row, 0u), ValueAt(codes[5], row, 0u)};
    posting.related = columns.related ? LoadId(columns.related + 16 * row) : Id{};
    posting.tag = ValueAt<uint64_t>(columns.tags, row, 0);
    posting.terms = nullptr;
    posting.other = nullptr;
    posting.linked = columns.linked && columns.linked[row];
    if (has_others && OtherAt(columns, row, &parts->others[i])) posting.other = &parts->others[i];
    if (!has_terms) continue;
    parts->terms[i] = {ValueAt(columns.activates_us, row, kByProgram),
                       ValueAt(columns.deadline_us, row, kNever_us),
                       ValueAt(columns.floors, row, kByProgram),
                       ValueAt(columns.ceilings, row, kByProgram),
                       ValueAt(codes[6], row, 0u),
                       ValueAt(codes[7], row, 0u)};
    posting.terms = &parts->terms[i];
  }
}

void register_columns(py::module_& m) {
  py::classh<PostingColumns>(m, "PostingColumns", "A batch of postings as checked arrays.")
      .def(py::init(&MakeColumns), py::kw_only(), py::arg("ids").noconvert(),
           py::arg("kinds").noconvert(), py::arg("currencies").noconvert(),
           py::arg("points").noconvert(), py::arg("effective_us").noconvert(),
           py::arg("member_numbers").noconvert() = py::none(),
           py::arg("member_offsets").noconvert() = py::none(),
           py::arg("member_data").noconvert() = py::none(),
           py::arg("money").noconvert() = py::none(),
           py::arg("expires_us").noconvert() = py::none(),
           py::arg("related").noconvert() = py::none(), py::arg("tags").noconvert() = py::none(),
           py::arg("activates_us").noconvert() = py::none(),
           py::arg("deadline_us").noconvert() = py::none(),
           py::arg("floors").noconvert() = py::none(), py::arg("ceilings").noconvert() = py::none(),
           py::arg("other_numbers").noconvert() = py::none(),
           py::arg("has_other").noconvert() = py::none(),
           py::arg("other_offsets").noconvert() = py::none(),
           py::arg("other_data").noconvert() = py::none(),
           py::arg("linked").noconvert() = py::none())
      .def("set_codes", &SetCodes, py::arg("codes").noconvert(),
           "The numbers of rule, channel, location, category, actor, reason, ladder and level; "
           "None: "
           "no such column.")
      .def("__len__", [](const PostingColumns& columns) { return columns.rows; });
}

}  // namespace loyalty::python

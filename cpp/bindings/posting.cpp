// Kinds, statuses and ids.
#include "loyalty/posting.h"

#include <pybind11/native_enum.h>

#include <cstring>
#include <optional>
#include <span>

#include "bindings.h"
#include "ids.h"
#include "names.h"

namespace loyalty::python {
namespace {

// 0 to 15, or nothing.
std::optional<uint8_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// The id that 32 hex digits, or a UUID's 36 characters, spell out.
std::optional<Id> ParseId(std::string_view text) {
  const bool dashed = text.size() == 36;
  if (!dashed && text.size() != 32) return std::nullopt;
  uint64_t halves[2] = {0, 0};
  int digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const std::optional<uint8_t> digit = HexDigit(text[i]);
    if (!digit) return std::nullopt;
    uint64_t& half = halves[digits++ / 16];
    half = half << 4 | *digit;
  }
  return Id{halves[0], halves[1]};
}

// A null text (offsets equal) gives the zero id, which means "none".
py::array_t<uint8_t> IdsFromTexts(const py::array_t<int64_t, py::array::c_style>& offsets,
                                  const py::array_t<uint8_t, py::array::c_style>& data) {
  if (offsets.size() < 1) throw py::value_error("offsets must not be empty");
  const std::span<const int64_t> at(offsets.data(), size_t(offsets.size()));
  const std::string_view bytes(reinterpret_cast<const char*>(data.data()), size_t(data.size()));
  const size_t rows = at.size() - 1;
  py::array_t<uint8_t> ids({py::ssize_t(rows), py::ssize_t(16)});
  uint8_t* out = ids.mutable_data();
  const bool fits = WithoutGil([&] {
    for (size_t i = 0; i < rows; ++i) {
      if (at[i] < 0 || at[i] > at[i + 1] || uint64_t(at[i + 1]) > bytes.size()) return false;
      const std::string_view text = bytes.substr(size_t(at[i]), size_t(at[i + 1] - at[i]));
      StoreId(text.empty() ? Id{} : IdFromText(text), out + 16 * i);
    }
    return true;
  });
  if (!fits) throw py::value_error("offsets must rise within the data");
  return ids;
}

}  // namespace

Id IdFromText(std::string_view text) {
  const std::optional<Id> id = ParseId(text);
  return id ? *id : IdFromReference(text);
}

void register_posting(py::module_& m) {
  py::native_enum<Kind> kinds(m, "Kind", "enum.IntEnum", "What a posting or an entry does.");
  AddNames(kinds, 256);
  kinds.finalize();

  py::native_enum<PostingStatus> statuses(m, "PostingStatus", "enum.IntEnum",
                                          "How one posting ended. Numbers never change.");
  AddNames(statuses, 1024);
  statuses.finalize();

  m.attr("MAX_MEMBER_BYTES") = MemberKey::kMaxTextBytes;
  m.attr("NEVER_US") = kNever_us;
  m.attr("AT_ONCE_US") = kAtOnce_us;
  m.attr("BY_PROGRAM") = kByProgram;
  m.attr("NO_CEILING") = kNoCeiling;
  m.attr("MAX_CODE_BYTES") = kMaxCodeBytes;
  m.attr("MIN_TIME_US") = kMinTime_us;
  m.attr("MAX_TIME_US") = kMaxTime_us;

  m.def(
      "id_from_text",
      [](std::string_view text) {
        char bytes[16];
        StoreId(IdFromText(text), reinterpret_cast<uint8_t*>(bytes));
        return py::bytes(bytes, sizeof bytes);
      },
      py::arg("text"), "The 16 bytes of a UUID's text, else of the hash of a reference.");
  m.def("ids_from_texts", &IdsFromTexts, py::arg("offsets").noconvert(),
        py::arg("data").noconvert(),
        "The same for a column; an empty text gives 16 zero bytes. Shape (n, 16).");
}

}  // namespace loyalty::python

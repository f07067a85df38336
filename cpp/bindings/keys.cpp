#include "keys.h"

#include <pybind11/stl.h>

#include <utility>

namespace loyalty::python {

std::optional<std::vector<MemberKey>> MemberArrays::Keys() const {
  if (!numbers && !offsets) return std::nullopt;
  std::vector<MemberKey> keys;
  if (numbers) {
    for (py::ssize_t i = 0; i < numbers->size(); ++i) keys.emplace_back(numbers->data()[i]);
    return keys;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data->data()), size_t(data->size()));
  for (py::ssize_t i = 0; i + 1 < offsets->size(); ++i) {
    const int64_t* at = offsets->data() + i;
    if (at[0] < 0 || at[0] > at[1] || uint64_t(at[1]) > bytes.size()) {
      throw py::value_error("offsets must rise within the data");
    }
    keys.emplace_back(bytes.substr(size_t(at[0]), size_t(at[1] - at[0])));
  }
  return keys;
}

void register_keys(py::module_& m) {
  py::classh<MemberArrays>(m, "MemberArrays", "Keys of members as arrays; none: all members.")
      .def(py::init([](std::optional<Array<int64_t>> numbers, std::optional<Array<int64_t>> offsets,
                       std::optional<Array<uint8_t>> data) {
             if (offsets.has_value() != data.has_value() || (numbers && offsets)) {
               throw py::value_error("give member_numbers, or member_offsets and member_data");
             }
             return MemberArrays{std::move(numbers), std::move(offsets), std::move(data)};
           }),
           py::kw_only(), py::arg("member_numbers").noconvert() = py::none(),
           py::arg("member_offsets").noconvert() = py::none(),
           py::arg("member_data").noconvert() = py::none());
}

}  // namespace loyalty::python

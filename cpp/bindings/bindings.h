// What the binding files share: faults on their way to Python, and arrays.
//
// Every bound call has the same shape: convert under the GIL, release it, call the engine, convert.
// Releasing is safe because between the two conversions nothing touches a Python object: arguments are
// C++ values, or raw memory that an argument keeps alive for the length of the call. Releasing is also
// necessary, even for short reads: a thread may hold a lock of the engine while it waits for the GIL.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <exception>
#include <utility>
#include <vector>

#include "loyalty/status.h"

namespace loyalty::python {

namespace py = pybind11;

// C-contiguous and of exactly this type: a bound argument of another type is refused, never copied.
template <typename T>
using Array = py::array_t<T, py::array::c_style>;

using ColumnDict = py::typing::Dict<py::str, py::object>;  // mostly arrays

void register_status(py::module_& m);
void register_keys(py::module_& m);
void register_posting(py::module_& m);
void register_columns(py::module_& m);
void register_ledger(py::module_& m);

// A fault as an exception. One translator (status.cpp) makes Python's of it.
class Fault : public std::exception {
 public:
  explicit Fault(Status status) : status_(std::move(status)) {}
  const Status& status() const { return status_; }
  const char* what() const noexcept override { return status_.message().c_str(); }

 private:
  Status status_;
};

// The Python exception object of a fault, not raised. Requires the GIL.
py::object ToException(const Status& status);

inline void Check(const Status& status) {
  if (!status.ok()) throw Fault(status);
}

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) throw Fault(result.status());
  return std::move(result).value();
}

// Calls the engine without the GIL, which is held again when a fault is thrown on.
template <typename Call>
auto WithoutGil(Call call) {
  py::gil_scoped_release release;
  return call();
}

// Hands a vector's memory to NumPy without a copy.
template <typename T>
py::array_t<T> ToNumpy(std::vector<T> values) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const auto size = py::ssize_t(owner->size());
  py::capsule capsule(owner.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  owner.release();
  return py::array_t<T>(size, data, capsule);
}

}  // namespace loyalty::python

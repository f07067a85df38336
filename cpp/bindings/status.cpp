// Faults become the exceptions of loyalty.errors, here and nowhere else.
#include <pybind11/native_enum.h>

#include <string>

#include "bindings.h"
#include "names.h"

namespace loyalty::python {

py::object ToException(const Status& status) {
  // Looked up at each fault: faults are rare, and the module cannot be imported before this one is.
  return py::module_::import("loyalty.errors")
      .attr("from_status")(int(status.code()), status.message());
}

void register_status(py::module_& m) {
  py::native_enum<StatusCode> codes(m, "StatusCode", "enum.IntEnum",
                                    "What kind of fault stopped a call. Numbers never change.");
  AddNames(codes, 256);
  codes.finalize();

  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Fault& fault) {
      const py::object error = ToException(fault.status());
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    }
  });
}

}  // namespace loyalty::python

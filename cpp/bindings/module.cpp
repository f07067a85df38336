#include "bindings.h"

PYBIND11_MODULE(_core, m) {
  using namespace loyalty::python;
  m.doc() = "The loyalty ledger's engine. Use the package `loyalty`, which wraps it.";
  register_status(m);
  register_keys(m);
  register_posting(m);
  register_columns(m);
  register_ledger(m);
}

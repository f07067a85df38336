// Ladders: runs, where members stand, what they lack.
#pragma once

#include "bindings.h"
#include "loyalty/ledger.h"

namespace loyalty::python {

void AddTierMethods(py::classh<Ledger>& ledger, py::module_& m);

}  // namespace loyalty::python

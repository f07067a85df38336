// Posting from Python: batches as columns, and single ones.
#pragma once

#include "bindings.h"
#include "loyalty/ledger.h"

namespace loyalty::python {

void AddPostingMethods(py::classh<Ledger>& ledger, py::module_& m);

}  // namespace loyalty::python

// What became of a posting, as columns.
#pragma once

#include "bindings.h"
#include "loyalty/ledger.h"

namespace loyalty::python {

// "records" (as of Ledger.changes), and the columns of "took", "used", "left" and "about".
ColumnDict Explain(const Ledger& ledger, uint64_t sequence);
// Of 16 bytes.
uint64_t FindPosting(const Ledger& ledger, const py::bytes& id);

}  // namespace loyalty::python

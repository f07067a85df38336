// Cohorts of points, as columns.
#pragma once

#include "bindings.h"
#include "loyalty/ledger.h"

namespace loyalty::python {

// The fields of Cohort as columns, and "sequence", "at_us" and "arrears".
ColumnDict LiabilityColumns(const Liability& liability);

}  // namespace loyalty::python

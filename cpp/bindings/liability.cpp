#include "liability.h"

#include <pybind11/stl.h>

#include <vector>

namespace loyalty::python {

ColumnDict LiabilityColumns(const Liability& liability) {
  ColumnDict columns;
  const auto add = [&](const char* name, auto field) {
    std::vector<int64_t> values;
    for (const Cohort& cohort : liability.cohorts) values.push_back(cohort.*field);
    columns[name] = ToNumpy(std::move(values));
  };
  add("currency", &Cohort::currency);
  add("level", &Cohort::level);
  add("issue_month", &Cohort::issue_month);
  add("expiry_month", &Cohort::expiry_month);
  add("issued", &Cohort::issued);
  add("redeemed", &Cohort::redeemed);
  add("expired", &Cohort::expired);
  add("other", &Cohort::other);
  add("active", &Cohort::active);
  add("pending", &Cohort::pending);
  add("held", &Cohort::held);
  columns["arrears"] = ToNumpy(std::vector<int64_t>(liability.arrears));
  columns["levels"] = py::cast(liability.levels);
  columns["sequence"] = py::int_(liability.sequence);
  columns["at_us"] = py::int_(liability.at_us);
  return columns;
}

}  // namespace loyalty::python

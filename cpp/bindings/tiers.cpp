#include "tiers.h"

#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "keys.h"
#include "pulse.h"
#include "records.h"

namespace loyalty::python {
namespace {

template <typename Rows, typename Value>
auto ColumnOf(const Rows& rows, Value value) {
  std::vector<decltype(value(rows[0]))> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(value(row));
  return ToNumpy(std::move(values));
}

// "member": the keys of the rows' slots.
template <typename Rows>
MemberColumn KeysOfRows(const Ledger& ledger, const Rows& rows) {
  return Check(WithoutGil([&]() -> Result<MemberColumn> {
    MemberColumn members;
    for (const auto& row : rows) {
      LOYALTY_ASSIGN_OR_RETURN(const OwnedKey key, ledger.KeyOf(row.member));
      members.Append(key);
    }
    return members;
  }));
}

TierRun Recompute(Ledger& ledger, std::optional<int64_t> at_us,
                  const std::vector<std::string>& ladders, const MemberArrays& members,
                  bool dry_run, unsigned threads, py::object progress) {
  const TierQuery query{at_us, ladders, members.Keys(), dry_run, true, threads};
  return WithProgress(std::move(progress),
                      [&](const Progress& told) { return ledger.RecomputeTiers(query, told); });
}

ColumnDict ChangesOf(const TierRun& run, const Ledger& ledger) {
  ColumnDict columns;
  KeysOfRows(ledger, run.changes).AddTo(columns, "member");
  columns["ladder"] = ColumnOf(run.changes, [](const TierChange& c) { return c.ladder; });
  columns["from"] = ColumnOf(run.changes, [](const TierChange& c) { return c.from; });
  columns["to"] = ColumnOf(run.changes, [](const TierChange& c) { return c.to; });
  columns["effective_us"] =
      ColumnOf(run.changes, [](const TierChange& c) { return c.effective_us; });
  columns["assessed_us"] = ColumnOf(run.changes, [](const TierChange& c) { return c.assessed_us; });
  columns["until_us"] = ColumnOf(run.changes, [](const TierChange& c) { return c.until_us; });
  columns["first_value"] =
      ColumnOf(run.changes, [](const TierChange& c) { return int64_t(c.first_value); });
  columns["values"] = ToNumpy(std::vector<int64_t>(run.values));
  return columns;
}

ColumnDict TableOf(const Ledger& ledger, const TierTable& table) {
  ColumnDict columns;
  KeysOfRows(ledger, table.rows).AddTo(columns, "member");
  columns["slots"] = ToNumpy(std::vector<uint32_t>(table.slots));
  columns["slot"] = ColumnOf(table.rows, [](const TierRow& r) { return r.member; });
  columns["ladder"] = ColumnOf(table.rows, [](const TierRow& r) { return r.ladder; });
  columns["level"] = ColumnOf(table.rows, [](const TierRow& r) { return r.level; });
  columns["since_us"] = ColumnOf(table.rows, [](const TierRow& r) { return r.since_us; });
  columns["until_us"] = ColumnOf(table.rows, [](const TierRow& r) { return r.until_us; });
  columns["kept"] = ColumnOf(table.rows, [](const TierRow& r) { return r.kept; });
  columns["kept_until_us"] = ColumnOf(table.rows, [](const TierRow& r) { return r.kept_until_us; });
  columns["for_life"] = ColumnOf(table.rows, [](const TierRow& r) { return r.for_life; });
  columns["sequence"] = ColumnOf(table.rows, [](const TierRow& r) { return r.sequence; });
  columns["ladders"] = py::cast(table.ladders);
  return columns;
}

ColumnDict Tiers(const Ledger& ledger, const MemberArrays& members, std::optional<int64_t> at_us) {
  const auto keys = members.Keys();
  const TierTable table = Check(WithoutGil([&] {
    return at_us ? ledger.TiersAsOf(keys.value_or(std::vector<MemberKey>()), *at_us)
                 : ledger.Tiers(keys);
  }));
  return TableOf(ledger, table);
}

Ledger::MemberProgress ProgressOf(const Ledger& ledger, const Key& member,
                                  std::optional<int64_t> as_of_us) {
  const MemberKey key = ToMemberKey(member);
  return Check(WithoutGil([&] { return ledger.TierProgressOf(key, as_of_us); }));
}

void AddStandings(py::module_& m) {
  py::classh<TierRow>(m, "TierRow")
      .def_readonly("ladder", &TierRow::ladder)
      .def_readonly("level", &TierRow::level)
      .def_readonly("since_us", &TierRow::since_us)
      .def_readonly("until_us", &TierRow::until_us)
      .def_readonly("kept", &TierRow::kept)
      .def_readonly("kept_until_us", &TierRow::kept_until_us)
      .def_readonly("for_life", &TierRow::for_life)
      .def_readonly("sequence", &TierRow::sequence);
  py::classh<TierNeed>(m, "TierNeed")
      .def_readonly("metric", &TierNeed::metric)
      .def_readonly("least", &TierNeed::least)
      .def_readonly("value", &TierNeed::value)
      .def_property_readonly("missing", &TierNeed::missing);
  py::classh<LevelChange>(m, "LevelChange")
      .def_readonly("assessed_us", &LevelChange::assessed_us)
      .def_readonly("values", &LevelChange::values);
  py::classh<TierProgress>(m, "TierProgress")
      .def_readonly("now", &TierProgress::now)
      .def_readonly("evidence", &TierProgress::evidence)
      .def_readonly("evidence_metrics", &TierProgress::evidence_metrics)
      .def_readonly("values", &TierProgress::values)
      .def_readonly("found", &TierProgress::found)
      .def_readonly("next", &TierProgress::next)
      .def_readonly("to_next", &TierProgress::to_next)
      .def_readonly("ends_us", &TierProgress::ends_us)
      .def_readonly("values_at_end", &TierProgress::values_at_end)
      .def_readonly("to_stay", &TierProgress::to_stay)
      .def_readonly("projected", &TierProgress::projected);
  py::classh<Ledger::MemberProgress>(m, "MemberProgress")
      .def_readonly("ladders", &Ledger::MemberProgress::ladders)
      .def_readonly("progress", &Ledger::MemberProgress::progress);
}

}  // namespace

void AddTierMethods(py::classh<Ledger>& ledger, py::module_& m) {
  py::classh<LadderNames>(m, "LadderNames")
      .def_readonly("name", &LadderNames::name)
      .def_readonly("levels", &LadderNames::levels)
      .def_readonly("metrics", &LadderNames::metrics);
  AddStandings(m);
  py::classh<TierRun>(m, "TierRun")
      .def_readonly("at_us", &TierRun::at_us)
      .def_readonly("through_sequence", &TierRun::through_sequence)
      .def_readonly("program_version", &TierRun::program_version)
      .def_readonly("started_sequence", &TierRun::started_sequence)
      .def_readonly("finished_sequence", &TierRun::finished_sequence)
      .def_readonly("ladders", &TierRun::ladders)
      .def_readonly("assessed", &TierRun::assessed)
      .def_readonly("passed_over", &TierRun::passed_over)
      .def_readonly("moved", &TierRun::moved)
      .def("changes", &ChangesOf, py::arg("ledger"), "What changed, as columns.");
  ledger
      .def("recompute_tiers", &Recompute, py::kw_only(), py::arg("at_us"), py::arg("ladders"),
           py::arg("members"), py::arg("dry_run"), py::arg("threads"),
           py::arg("progress") = py::none())
      .def("tiers", &Tiers, py::arg("members"), py::arg("at_us") = py::none())
      .def("tier_progress", &ProgressOf, py::arg("member"), py::arg("as_of_us") = py::none());
}

}  // namespace loyalty::python

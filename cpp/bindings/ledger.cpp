// The ledger itself: opening, reading, checking, closing.
#include "loyalty/ledger.h"

#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <variant>

#include "bindings.h"
#include "columns.h"
#include "postings.h"
#include "pulse.h"
#include "records.h"

namespace loyalty::python {
namespace {

std::unique_ptr<Ledger> OpenLedger(const std::string& directory, const LedgerOptions& options) {
  return Check(WithoutGil([&] { return Ledger::Open(directory, options); }));
}

// A key of either sort; texts are borrowed from the Python string, which the argument keeps alive.
using Key = std::variant<int64_t, std::string_view>;

MemberKey ToMemberKey(const Key& key) {
  return std::visit([](auto value) { return MemberKey(value); }, key);
}

void AddBalances(ColumnDict& columns, std::span<const Balance> balances) {
  const auto column = [&](auto value) {
    std::vector<int64_t> values(balances.size());
    for (size_t i = 0; i < values.size(); ++i) values[i] = int64_t(value(balances[i]));
    return ToNumpy(std::move(values));
  };
  std::vector<uint8_t> found(balances.size());
  for (size_t i = 0; i < found.size(); ++i) found[i] = balances[i].found;
  columns["found"] = ToNumpy(std::move(found));
  columns["active"] = column([](const Balance& b) { return b.parts.active; });
  columns["pending"] = column([](const Balance& b) { return b.parts.pending; });
  columns["held"] = column([](const Balance& b) { return b.parts.held; });
  columns["arrears"] = column([](const Balance& b) { return b.parts.arrears; });
  columns["expiring_points"] = column([](const Balance& b) { return b.expiring_points; });
  columns["expiring_us"] = column([](const Balance& b) { return b.expiring_us; });
  columns["lifetime_earned"] = column([](const Balance& b) { return b.lifetime_earned; });
  columns["lifetime_redeemed"] = column([](const Balance& b) { return b.lifetime_redeemed; });
  columns["last_sequence"] = column([](const Balance& b) { return b.sequence; });
}

Balance GetBalance(const Ledger& ledger, const Key& member, const BalanceQuery& query) {
  const MemberKey key = ToMemberKey(member);
  Balance balance;
  Check(WithoutGil([&] { return ledger.Balances({&key, 1}, query, {&balance, 1}); }));
  return balance;
}

ColumnDict BalancesOf(const Ledger& ledger, const BalanceQuery& query,
                      std::span<const MemberKey> keys) {
  std::vector<Balance> balances(keys.size());
  Check(WithoutGil([&] { return ledger.Balances(keys, query, balances); }));
  ColumnDict columns;
  AddBalances(columns, balances);
  return columns;
}

ColumnDict BalancesOfNumbers(const Ledger& ledger, const BalanceQuery& query,
                             const Array<int64_t>& members) {
  std::vector<MemberKey> keys(size_t(members.size()));
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = MemberKey(members.data()[i]);
  return BalancesOf(ledger, query, keys);
}

ColumnDict BalancesOfTexts(const Ledger& ledger, const BalanceQuery& query,
                           const Array<int64_t>& offsets, const Array<uint8_t>& data) {
  const std::string_view bytes(reinterpret_cast<const char*>(data.data()), size_t(data.size()));
  std::vector<MemberKey> keys(offsets.size() ? size_t(offsets.size()) - 1 : 0);
  for (size_t i = 0; i < keys.size(); ++i) {
    const int64_t* at = offsets.data() + i;
    if (at[0] < 0 || at[0] > at[1] || uint64_t(at[1]) > bytes.size()) {
      throw py::value_error("offsets must rise within the data");
    }
    keys[i] = MemberKey(bytes.substr(size_t(at[0]), size_t(at[1] - at[0])));
  }
  return BalancesOf(ledger, query, keys);
}

// The texts of the snapshot's keys belong to the ledger, which `ledger` keeps alive.
ColumnDict AllBalances(const Ledger& ledger, const BalanceQuery& query) {
  MemberColumn members;
  const Ledger::Snapshot snapshot = Check(WithoutGil([&]() -> Result<Ledger::Snapshot> {
    LOYALTY_ASSIGN_OR_RETURN(Ledger::Snapshot taken, ledger.AllBalances(query));
    for (const MemberKey& key : taken.members) members.Append(key);
    return taken;
  }));
  ColumnDict columns;
  columns["sequence"] = snapshot.sequence;
  std::move(members).AddTo(columns, "member");
  AddBalances(columns, snapshot.balances);
  return columns;
}

// Reads records and makes columns of them, all without the GIL.
template <typename Read>
ColumnDict ReadRecords(const Ledger& ledger, Read read) {
  return Check(WithoutGil([&]() -> Result<RecordColumns> {
           LOYALTY_ASSIGN_OR_RETURN(const std::vector<Record> records, read());
           return ToColumns(ledger, records);
         }))
      .ToDict();
}

// The progress callback takes the GIL back for itself (pulse.h); the engine may call it on any thread,
// one at a time.
VerifyReport Verify(const Ledger& ledger, py::object progress) {
  Pulse pulse(std::move(progress));
  const auto report = WithoutGil([&] {
    return ledger.Verify([&](uint64_t done, uint64_t total) { return pulse.Ask(done, total); });
  });
  if (pulse.error()) throw *pulse.error();
  return Check(report);
}

ExpiryReport Expire(Ledger& ledger, int64_t as_of_us, bool dry_run, py::object progress) {
  Pulse pulse(std::move(progress));
  const auto report = WithoutGil([&] {
    return ledger.Expire(as_of_us, dry_run,
                         [&](uint64_t done, uint64_t total) { return pulse.Ask(done, total); });
  });
  if (pulse.error()) throw *pulse.error();
  return Check(report);
}

void register_balances(py::module_& m) {
  py::classh<BalanceParts>(m, "BalanceParts")
      .def_readonly("active", &BalanceParts::active)
      .def_readonly("pending", &BalanceParts::pending)
      .def_readonly("held", &BalanceParts::held)
      .def_readonly("arrears", &BalanceParts::arrears);
  py::classh<BalanceQuery>(m, "BalanceQuery")
      .def(py::init([](uint16_t currency, int64_t at_us, bool expiring) {
             return BalanceQuery{currency, at_us, expiring};
           }),
           py::kw_only(), py::arg("currency"), py::arg("at_us"), py::arg("expiring"));
  py::classh<Balance>(m, "Balance")
      .def_readonly("found", &Balance::found)
      .def_readonly("parts", &Balance::parts)
      .def_readonly("expiring_points", &Balance::expiring_points)
      .def_readonly("expiring_us", &Balance::expiring_us)
      .def_readonly("lifetime_earned", &Balance::lifetime_earned)
      .def_readonly("lifetime_redeemed", &Balance::lifetime_redeemed)
      .def_readonly("sequence", &Balance::sequence);
}

void register_reports(py::module_& m) {
  py::classh<ExpiryReport::Line>(m, "ExpiryLine")
      .def_readonly("kind", &ExpiryReport::Line::kind)
      .def_readonly("currency", &ExpiryReport::Line::currency)
      .def_readonly("month", &ExpiryReport::Line::month)
      .def_readonly("entries", &ExpiryReport::Line::entries)
      .def_readonly("points", &ExpiryReport::Line::points);
  py::classh<ExpiryReport>(m, "ExpiryReport")
      .def_readonly("lines", &ExpiryReport::lines)
      .def_readonly("started_sequence", &ExpiryReport::started_sequence)
      .def_readonly("finished_sequence", &ExpiryReport::finished_sequence);
  py::classh<Totals>(m, "Totals")
      .def_readonly("currency", &Totals::currency)
      .def_readonly("members", &Totals::members)
      .def_readonly("issued", &Totals::issued)
      .def_readonly("redeemed", &Totals::redeemed)
      .def_readonly("expired", &Totals::expired)
      .def_readonly("adjusted", &Totals::adjusted);
  py::classh<Info>(m, "Info")
      .def_readonly("sequence", &Info::sequence)
      .def_property_readonly("digest", [](const Info& info) { return ToHex(info.digest); })
      .def_readonly("members", &Info::members)
      .def_readonly("segments", &Info::segments)
      .def_readonly("history_sequence", &Info::history_sequence)
      .def_readonly("checkpoint_sequence", &Info::checkpoint_sequence)
      .def_readonly("journal_bytes", &Info::journal_bytes)
      .def_readonly("ids_bytes", &Info::ids_bytes)
      .def_readonly("history_bytes", &Info::history_bytes)
      .def_readonly("state_bytes", &Info::state_bytes)
      .def_readonly("disk_bytes", &Info::disk_bytes)
      .def_readonly("state_ram_bytes", &Info::state_ram_bytes)
      .def_readonly("replay_s", &Info::replay_s)
      .def_readonly("replayed_entries", &Info::replayed_entries)
      .def_readonly("currencies", &Info::currencies);
  py::classh<VerifyReport>(m, "VerifyReport")
      .def_readonly("sequence", &VerifyReport::sequence)
      .def_property_readonly("digest",
                             [](const VerifyReport& report) { return ToHex(report.digest); })
      .def_readonly("blocks", &VerifyReport::blocks)
      .def_readonly("entries", &VerifyReport::entries)
      .def_readonly("totals", &VerifyReport::totals)
      .def_readonly("problems", &VerifyReport::problems);
}

void AddReadingMethods(py::classh<Ledger>& ledger) {
  ledger.def("balance", &GetBalance, py::arg("member"), py::arg("query"))
      .def("balances_of_numbers", &BalancesOfNumbers, py::arg("query"),
           py::arg("members").noconvert())
      .def("balances_of_texts", &BalancesOfTexts, py::arg("query"), py::arg("offsets").noconvert(),
           py::arg("data").noconvert())
      .def("all_balances", &AllBalances, py::arg("query"))
      .def(
          "statement",
          [](const Ledger& self, const Key& member, int64_t from_us, int64_t to_us) {
            const MemberKey key = ToMemberKey(member);
            return ReadRecords(self, [&] { return self.Statement(key, from_us, to_us); });
          },
          py::arg("member"), py::arg("from_us"), py::arg("to_us"))
      .def(
          "changes",
          [](const Ledger& self, uint64_t sequence, size_t limit) {
            return ReadRecords(self, [&] { return self.Changes(sequence, limit); });
          },
          py::arg("sequence"), py::arg("limit"))
      .def(
          "members_are_texts",
          [](const Ledger& self) {
            const Result<MemberKey> first = WithoutGil([&] { return self.KeyOf(0); });
            return first.ok() && first->is_text;
          },
          "Whether the first member's key is a text; False without members.");
}

}  // namespace

void register_ledger(py::module_& m) {
  register_balances(m);
  register_reports(m);

  py::classh<LedgerOptions>(m, "LedgerOptions")
      .def(py::init<>())
      .def_readwrite("queue_capacity", &LedgerOptions::queue_capacity)
      .def_readwrite("segment_entries", &LedgerOptions::segment_entries)
      .def_readwrite("checkpoint_entries", &LedgerOptions::checkpoint_entries);

  m.def(
      "create_ledger",
      [](const std::string& directory, const std::vector<std::string>& currencies) {
        Check(WithoutGil([&] { return Ledger::Create(directory, currencies); }));
      },
      py::arg("directory"), py::arg("currencies"));
  m.def(
      "create_ledger_with_program",
      [](const std::string& directory, const std::string& json) {
        Check(WithoutGil([&] { return Ledger::CreateWithProgram(directory, json); }));
      },
      py::arg("directory"), py::arg("program"));

  // Destroying a ledger closes it, which waits for threads that may be waiting for the GIL.
  py::classh<Ledger> ledger(m, "Ledger", py::release_gil_before_calling_cpp_dtor());
  m.def("open_ledger", &OpenLedger, py::arg("directory"), py::arg("options"));
  AddPostingMethods(ledger, m);
  AddReadingMethods(ledger);
  ledger
      .def("currencies",
           [](const Ledger& self) { return WithoutGil([&] { return self.Currencies(); }); })
      .def(
          "apply_program",
          [](Ledger& self, const std::string& json, uint32_t actor, uint32_t reason) {
            const Codes codes{.actor = actor, .reason = reason};
            return Check(WithoutGil([&] { return self.ApplyProgram(json, codes); }));
          },
          py::arg("program"), py::arg("actor"), py::arg("reason"),
          "Puts a normalised programme in force; returns its version.")
      .def("program_version",
           [](const Ledger& self) { return WithoutGil([&] { return self.ProgramVersion(); }); })
      .def(
          "program_text",
          [](const Ledger& self, uint32_t version) {
            return Check(WithoutGil([&] { return self.ProgramText(version); }));
          },
          py::arg("version"))
      .def(
          "trial_balance",
          [](const Ledger& self) { return Check(WithoutGil([&] { return self.TrialBalance(); })); })
      .def("info", [](const Ledger& self) { return WithoutGil([&] { return self.GetInfo(); }); })
      .def("verify", &Verify, py::arg("progress") = py::none())
      .def("expire", &Expire, py::arg("as_of_us"), py::arg("dry_run"),
           py::arg("progress") = py::none())
      .def("checkpoint", [](Ledger& self) { Check(WithoutGil([&] { return self.Checkpoint(); })); })
      .def("close", [](Ledger& self) { Check(WithoutGil([&] { return self.Close(); })); });
}

}  // namespace loyalty::python

// The ledger itself: opening, reading, checking, closing.
#include "loyalty/ledger.h"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings.h"
#include "explain.h"
#include "keys.h"
#include "liability.h"
#include "loyalty/remote.h"
#include "postings.h"
#include "pulse.h"
#include "records.h"
#include "tiers.h"

namespace loyalty::python {
namespace {

std::unique_ptr<Ledger> OpenLedger(const std::string& directory, const LedgerOptions& options) {
  return Check(WithoutGil([&] { return Ledger::Open(directory, options); }));
}

std::unique_ptr<RemoteLedger> ConnectLedger(const std::string& host, int port,
                                            const std::string& token, int32_t timeout_ms,
                                            const std::optional<RemoteTls>& tls) {
  return Check(WithoutGil([&] {
    return RemoteLedger::Connect({host, port, token, timeout_ms, tls});
  }));
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

// What of a currency is asked for: at an instant, or as of a time.
struct BalanceQuestion {
  BalanceQuery query;
  std::optional<AsOf> as_of;

  Status Ask(const Ledger& ledger, std::span<const MemberKey> keys,
             std::span<Balance> balances) const {
    return as_of ? ledger.BalancesAsOf(keys, query.currency, *as_of, balances)
                 : ledger.Balances(keys, query, balances);
  }
  Result<Ledger::Snapshot> AskAll(const Ledger& ledger, const Progress& progress) const {
    return as_of ? ledger.AllBalancesAsOf(query.currency, *as_of, progress)
                 : ledger.AllBalances(query);
  }
};

Balance GetBalance(const Ledger& ledger, const Key& member, const BalanceQuestion& question) {
  const MemberKey key = ToMemberKey(member);
  Balance balance;
  Check(WithoutGil([&] { return question.Ask(ledger, {&key, 1}, {&balance, 1}); }));
  return balance;
}

ColumnDict BalancesOf(const Ledger& ledger, const MemberArrays& members,
                      const BalanceQuestion& question) {
  const std::vector<MemberKey> keys = members.Keys().value_or(std::vector<MemberKey>());
  std::vector<Balance> balances(keys.size());
  Check(WithoutGil([&] { return question.Ask(ledger, keys, balances); }));
  ColumnDict columns;
  AddBalances(columns, balances);
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

// Its columns, and what belongs to the page: "running", and "next" (None after the last page).
ColumnDict Statement(const Ledger& ledger, const Key& member, const StatementQuery& query) {
  const MemberKey key = ToMemberKey(member);
  StatementPage page;
  ColumnDict columns = ReadRecords(ledger, [&]() -> Result<std::vector<Record>> {
    LOYALTY_ASSIGN_OR_RETURN(page, ledger.Statement(key, query));
    return std::move(page.records);
  });
  columns["running"] = ToNumpy(std::move(page.running));
  columns["next"] = py::cast(page.next);
  return columns;
}

ColumnDict AllBalances(const Ledger& ledger, const BalanceQuestion& question, py::object progress) {
  MemberColumn members;
  const auto snapshot =
      WithProgress(std::move(progress), [&](const Progress& told) -> Result<Ledger::Snapshot> {
        LOYALTY_ASSIGN_OR_RETURN(Ledger::Snapshot taken, question.AskAll(ledger, told));
        for (const OwnedKey& key : taken.members) members.Append(key);
        return taken;
      });
  ColumnDict columns;
  columns["sequence"] = snapshot.sequence;
  std::move(members).AddTo(columns, "member");
  AddBalances(columns, snapshot.balances);
  return columns;
}

ColumnDict SpendersOf(const Ledger& ledger, const Key& pool, uint16_t currency) {
  const auto spenders =
      Check(WithoutGil([&] { return ledger.SpendersOf(ToMemberKey(pool), currency); }));
  MemberColumn members;
  std::vector<int64_t> limits;
  std::vector<int64_t> spent;
  for (const Ledger::Spender& spender : spenders) {
    members.Append(spender.member);
    limits.push_back(spender.limit);
    spent.push_back(spender.spent);
  }
  ColumnDict columns;
  std::move(members).AddTo(columns, "member");
  columns["limit"] = ToNumpy(std::move(limits));
  columns["spent"] = ToNumpy(std::move(spent));
  return columns;
}

VerifyReport Verify(const Ledger& ledger, py::object progress) {
  return WithProgress(std::move(progress),
                      [&](const Progress& told) { return ledger.Verify(told); });
}

ExpiryReport Expire(Ledger& ledger, int64_t as_of_us, bool dry_run, py::object progress) {
  return WithProgress(std::move(progress),
                      [&](const Progress& told) { return ledger.Expire(as_of_us, dry_run, told); });
}

std::vector<Totals> TrialBalance(const Ledger& ledger, const std::optional<AsOf>& as_of,
                                 py::object progress) {
  return WithProgress(std::move(progress), [&](const Progress& told) {
    return as_of ? ledger.TrialBalanceAsOf(*as_of, told) : ledger.TrialBalance();
  });
}

void register_questions(py::module_& m) {
  py::native_enum<LotState>(m, "LotState", "enum.IntEnum",
                            "What the points of a lot are at an instant.")
      .value("ACTIVE", LotState::kActive)
      .value("PENDING", LotState::kPending)
      .value("HELD", LotState::kHeld)
      .value("EXPIRED", LotState::kExpired)
      .value("LOST", LotState::kLost)
      .finalize();
  py::classh<BalanceParts>(m, "BalanceParts")
      .def_readonly("active", &BalanceParts::active)
      .def_readonly("pending", &BalanceParts::pending)
      .def_readonly("held", &BalanceParts::held)
      .def_readonly("arrears", &BalanceParts::arrears);
  py::classh<AsOf>(m, "AsOf").def(
      py::init([](std::optional<int64_t> effective_us, std::optional<int64_t> recorded_us,
                  std::optional<uint64_t> sequence) {
        return AsOf{effective_us, recorded_us, sequence};
      }),
      py::kw_only(), py::arg("effective_us"), py::arg("recorded_us"), py::arg("sequence"));
  py::classh<StatementCursor>(m, "StatementCursor")
      .def(py::init<uint64_t, int64_t, uint64_t>(), py::arg("through_sequence"),
           py::arg("effective_us"), py::arg("sequence"))
      .def_readonly("through_sequence", &StatementCursor::through_sequence)
      .def_readonly("effective_us", &StatementCursor::effective_us)
      .def_readonly("sequence", &StatementCursor::sequence);
  py::classh<StatementQuery>(m, "StatementQuery")
      .def(py::init([](int64_t from_us, int64_t to_us, const std::optional<AsOf>& as_of,
                       std::optional<size_t> limit, std::optional<StatementCursor> after) {
             return StatementQuery{from_us, to_us, as_of, limit.value_or(SIZE_MAX), after};
           }),
           py::kw_only(), py::arg("from_us"), py::arg("to_us"), py::arg("as_of"), py::arg("limit"),
           py::arg("after"));
  py::classh<BalanceQuestion>(m, "BalanceQuestion")
      .def(py::init([](uint16_t currency, int64_t at_us, const std::optional<AsOf>& as_of) {
             return BalanceQuestion{{currency, at_us, true}, as_of};
           }),
           py::kw_only(), py::arg("currency"), py::arg("at_us"), py::arg("as_of"));
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
      .def_readonly("at_once_sequence", &Info::at_once_sequence)
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
  ledger.def("balance", &GetBalance, py::arg("member"), py::arg("question"))
      .def("balances", &BalancesOf, py::arg("members"), py::arg("question"))
      .def("all_balances", &AllBalances, py::arg("question"), py::arg("progress") = py::none())
      .def("statement", &Statement, py::arg("member"), py::arg("query"))
      .def(
          "changes",
          [](const Ledger& self, uint64_t sequence, size_t limit) {
            return ReadRecords(self, [&] { return self.Changes(sequence, limit); });
          },
          py::arg("sequence"), py::arg("limit"))
      .def("find_posting", &FindPosting, py::arg("posting_id"), "The sequence of a posting.")
      .def("explain", &Explain, py::arg("sequence"))
      .def(
          "members_are_texts",
          [](const Ledger& self) {
            return WithoutGil([&] {
              OwnedKey key;
              for (uint32_t member = 0; key.sort == OwnedKey::kErased; ++member) {
                const Result<OwnedKey> found = self.KeyOf(member);
                if (!found.ok()) return false;
                key = *found;
              }
              return key.sort == OwnedKey::kText;
            });
          },
          "Whether the first member's key is a text; False without members.");
}

}  // namespace

void register_ledger(py::module_& m) {
  register_questions(m);
  register_reports(m);

  py::classh<LedgerOptions>(m, "LedgerOptions")
      .def(py::init<>())
      .def_readwrite("queue_capacity", &LedgerOptions::queue_capacity)
      .def_readwrite("segment_entries", &LedgerOptions::segment_entries)
      .def_readwrite("checkpoint_entries", &LedgerOptions::checkpoint_entries)
      .def_readwrite("read_only", &LedgerOptions::read_only);

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
  py::classh<RemoteLedger, Ledger>(m, "RemoteLedger", py::release_gil_before_calling_cpp_dtor())
      .def_property_readonly("postings_max", &RemoteLedger::PostingsMax);
  py::classh<RemoteTls>(m, "RemoteTls")
      .def(py::init<std::string, std::string, std::string>(), py::kw_only(), py::arg("ca_file"),
           py::arg("certificate_file"), py::arg("key_file"));
  m.def("connect_ledger", &ConnectLedger, py::kw_only(), py::arg("host"), py::arg("port"),
        py::arg("token"), py::arg("timeout_ms"), py::arg("tls"),
        "A ledger that a server has open.");
  AddPostingMethods(ledger, m);
  AddReadingMethods(ledger);
  AddTierMethods(ledger, m);
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
           [](const Ledger& self) {
             return Check(WithoutGil([&] { return self.ProgramVersion(); }));
           })
      .def(
          "program_text",
          [](const Ledger& self, uint32_t version) {
            return Check(WithoutGil([&] { return self.ProgramText(version); }));
          },
          py::arg("version"))
      .def("spenders_of", &SpendersOf, py::arg("pool"), py::arg("currency"))
      .def("trial_balance", &TrialBalance, py::arg("as_of") = py::none(),
           py::arg("progress") = py::none())
      .def(
          "liability",
          [](const Ledger& self, const std::optional<AsOf>& as_of,
             const std::optional<std::string>& ladder, py::object progress) {
            return LiabilityColumns(WithProgress(std::move(progress), [&](const Progress& told) {
              return self.LiabilityAsOf(as_of, ladder, told);
            }));
          },
          py::arg("as_of"), py::arg("ladder"), py::arg("progress"))
      .def("info",
           [](const Ledger& self) { return Check(WithoutGil([&] { return self.GetInfo(); })); })
      .def("verify", &Verify, py::arg("progress") = py::none())
      .def("expire", &Expire, py::arg("as_of_us"), py::arg("dry_run"),
           py::arg("progress") = py::none())
      .def("checkpoint", [](Ledger& self) { Check(WithoutGil([&] { return self.Checkpoint(); })); })
      .def("close", [](Ledger& self) { Check(WithoutGil([&] { return self.Close(); })); });
}

}  // namespace loyalty::python

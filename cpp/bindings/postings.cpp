#include "postings.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>

#include "columns.h"
#include "ids.h"
#include "keys.h"
#include "pulse.h"

namespace loyalty::python {
namespace {

// How a batch ended: the first rows_durable values of each array are the replies; the rest are unset.
struct Outcome {
  py::array_t<uint16_t> status;
  py::array_t<int64_t> sequence;
  py::array_t<int64_t> balance;
  py::array_t<int64_t> points;
  // What few replies have, as columns "row" (int64), "pending", "held", ...; zero in all other rows.
  ColumnDict rare;
  size_t rows_durable = 0;
  py::object error = py::none();  // the exception that ended it early
};

// The parts of a reply that few have.
class RareParts {
 public:
  void Add(size_t row, const Reply& reply) {
    const BalanceParts& b = reply.balance;
    if ((b.pending | b.held | b.arrears | reply.repaid | reply.limit) == 0) return;
    const int64_t values[] = {int64_t(row), b.pending,    b.held,
                              b.arrears,    reply.repaid, reply.limit};
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i].push_back(values[i]);
  }
  ColumnDict ToDict() && {
    constexpr std::array kNames = {"row", "pending", "held", "arrears", "repaid", "limit"};
    ColumnDict columns;
    for (size_t i = 0; i < columns_.size(); ++i)
      columns[kNames[i]] = ToNumpy(std::move(columns_[i]));
    return columns;
  }

 private:
  std::array<std::vector<int64_t>, 6> columns_;
};

// A batch under way, in chunks: while earlier ones are committed, the next is converted. Uses no
// Python object but through Pulse, so Run() is called without the GIL.
class Batch {
 public:
  Batch(Ledger& ledger, const PostingColumns& columns, size_t chunk_rows, size_t chunks_in_flight,
        Outcome& outcome)
      : ledger_(ledger),
        columns_(columns),
        chunk_rows_(chunk_rows),
        in_flight_max_(chunks_in_flight),
        statuses_(outcome.status.mutable_data()),
        sequences_(outcome.sequence.mutable_data()),
        balances_(outcome.balance.mutable_data()),
        points_(outcome.points.mutable_data()) {}

  // Stops at a fault, or with kInterrupted when `pulse` says so. Either way what was submitted is
  // waited for, so that durable_rows() is exact.
  Status Run(Pulse& pulse) {
    Status status = SubmitAll(pulse);
    while (!in_flight_.empty()) {
      const Status finished = FinishOldest();
      if (status.ok()) status = finished;
    }
    if (status.ok() && columns_.rows) pulse.Ask(durable_rows_, columns_.rows);
    return status;
  }

  size_t durable_rows() const { return durable_rows_; }
  RareParts TakeRareParts() { return std::move(rare_); }

 private:
  struct Chunk {
    std::vector<Reply> replies;
    std::unique_ptr<Ledger::Ticket> ticket;  // after `replies`, so destroyed (and waited for) first
  };

  Status SubmitAll(Pulse& pulse) {
    for (size_t begin = 0, end; begin < columns_.rows; begin = end) {
      if (!pulse.Ask(durable_rows_, columns_.rows)) {
        return Status(StatusCode::kInterrupted, "the progress callback asked to stop");
      }
      end = columns_.EndOfChunk(begin, chunk_rows_);
      postings_.resize(end - begin);
      const std::span<Posting> postings(postings_);
      FillPostings(columns_, begin, postings, &parts_);
      while (in_flight_.size() >= in_flight_max_) LOYALTY_RETURN_IF_ERROR(FinishOldest());
      std::vector<Reply> replies(postings.size());
      LOYALTY_ASSIGN_OR_RETURN(auto ticket, ledger_.Submit(postings, replies));
      in_flight_.push_back({std::move(replies), std::move(ticket)});
    }
    return Status();
  }

  // Rows count as durable only without a gap before them.
  Status FinishOldest() {
    const Chunk chunk = std::move(in_flight_.front());
    in_flight_.pop_front();
    const Status status = chunk.ticket->Wait();
    failed_ = failed_ || !status.ok();
    if (failed_) return status;
    for (const Reply& reply : chunk.replies) {
      statuses_[durable_rows_] = uint16_t(reply.status);
      sequences_[durable_rows_] = int64_t(reply.sequence);
      balances_[durable_rows_] = reply.balance.active;
      points_[durable_rows_] = reply.points;
      rare_.Add(durable_rows_, reply);
      ++durable_rows_;
    }
    return Status();
  }

  Ledger& ledger_;
  const PostingColumns& columns_;
  const size_t chunk_rows_;
  const size_t in_flight_max_;
  std::vector<Posting> postings_;
  PostingParts parts_;
  std::deque<Chunk> in_flight_;
  uint16_t* const statuses_;
  int64_t* const sequences_;
  int64_t* const balances_;
  int64_t* const points_;
  RareParts rare_;
  size_t durable_rows_ = 0;
  bool failed_ = false;
};

// The GIL is released while the batch runs: `columns` and the outcome's arrays are kept alive by the
// caller and by this frame, and nobody else has seen the latter yet.
Outcome PostColumns(Ledger& ledger, const PostingColumns& columns, py::object progress,
                    size_t chunk_rows, size_t chunks_in_flight) {
  if (chunk_rows == 0 || chunks_in_flight == 0) throw py::value_error("chunks must not be empty");
  const auto rows = py::ssize_t(columns.rows);
  Outcome outcome{py::array_t<uint16_t>(rows), py::array_t<int64_t>(rows),
                  py::array_t<int64_t>(rows), py::array_t<int64_t>(rows)};
  Pulse pulse(std::move(progress));
  Batch batch(ledger, columns, chunk_rows, chunks_in_flight, outcome);
  const Status status = WithoutGil([&] { return batch.Run(pulse); });
  outcome.rows_durable = batch.durable_rows();
  outcome.rare = batch.TakeRareParts().ToDict();
  if (pulse.error()) {
    outcome.error = pulse.error()->value();
  } else if (!status.ok()) {
    outcome.error = ToException(status);
  }
  return outcome;
}

Id ToId(std::string_view bytes) {
  if (bytes.size() != 16) throw py::value_error("an id has 16 bytes");
  return LoadId(reinterpret_cast<const uint8_t*>(bytes.data()));
}

Reply PostOne(Ledger& ledger, const py::bytes& id, Kind kind, uint16_t currency, const Key& member,
              int64_t points, int64_t money, int64_t effective_us, int64_t expires_us,
              const std::array<uint32_t, PostingColumns::kCodes>& codes, const py::bytes& related,
              uint64_t tag, int64_t activates_us, int64_t deadline_us, int64_t floor,
              int64_t ceiling, const std::optional<Key>& other_member, bool linked) {
  const Terms terms{activates_us, deadline_us, floor, ceiling, codes[6], codes[7]};
  Posting posting;
  posting.id = ToId(std::string_view(id));
  posting.kind = kind;
  posting.currency = currency;
  posting.member = ToMemberKey(member);
  posting.points = points;
  posting.money = money;
  posting.effective_us = effective_us;
  posting.expires_us = expires_us;
  posting.codes = {codes[0], codes[1], codes[2], codes[3], codes[4], codes[5]};
  posting.related = ToId(std::string_view(related));
  posting.tag = tag;
  posting.terms = &terms;
  const MemberKey other = other_member ? ToMemberKey(*other_member) : MemberKey();
  if (other_member) posting.other = &other;
  posting.linked = linked;
  Reply reply;
  Check(WithoutGil([&] { return ledger.Post({&posting, 1}, {&reply, 1}); }));
  return reply;
}

}  // namespace

void AddPostingMethods(py::classh<Ledger>& ledger, py::module_& m) {
  py::classh<Outcome>(m, "Outcome",
                      "How a batch ended; only the first rows_durable replies are set.")
      .def_readonly("status", &Outcome::status)
      .def_readonly("sequence", &Outcome::sequence)
      .def_readonly("balance", &Outcome::balance)
      .def_readonly("points", &Outcome::points)
      .def_readonly("rare", &Outcome::rare)
      .def_readonly("rows_durable", &Outcome::rows_durable)
      .def_readonly("error", &Outcome::error);
  py::classh<Reply>(m, "Reply")
      .def_property_readonly("status", [](const Reply& reply) { return uint16_t(reply.status); })
      .def_readonly("sequence", &Reply::sequence)
      .def_readonly("balance", &Reply::balance)
      .def_readonly("points", &Reply::points)
      .def_readonly("repaid", &Reply::repaid)
      .def_readonly("limit", &Reply::limit);
  ledger
      .def("post_columns", &PostColumns, py::arg("columns"), py::arg("progress") = py::none(),
           py::kw_only(), py::arg("chunk_rows"), py::arg("chunks_in_flight"))
      .def("post_one", &PostOne, py::kw_only(), py::arg("posting_id"), py::arg("kind"),
           py::arg("currency"), py::arg("member"), py::arg("points"), py::arg("money"),
           py::arg("effective_us"), py::arg("expires_us"), py::arg("codes"), py::arg("related"),
           py::arg("tag"), py::arg("activates_us"), py::arg("deadline_us"), py::arg("floor"),
           py::arg("ceiling"), py::arg("other_member") = py::none(), py::arg("linked") = false)
      .def(
          "intern_codes",
          [](Ledger& self, const std::vector<std::string>& texts) {
            const std::vector<std::string_view> views(texts.begin(), texts.end());
            return Check(WithoutGil([&] { return self.InternCodes(views); }));
          },
          py::arg("texts"), "Returns the codes' numbers, journaling the new ones together.");
}

}  // namespace loyalty::python

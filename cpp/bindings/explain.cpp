#include "explain.h"

#include <string_view>

#include "records.h"

namespace loyalty::python {
namespace {

ColumnDict ChangeColumns(const std::vector<LotChange>& changes) {
  std::vector<int64_t> sequence, points, expires_us;
  for (const LotChange& change : changes) {
    sequence.push_back(int64_t(change.sequence));
    points.push_back(change.points);
    expires_us.push_back(change.expires_us);
  }
  ColumnDict columns;
  columns["sequence"] = ToNumpy(std::move(sequence));
  columns["points"] = ToNumpy(std::move(points));
  columns["expires_us"] = ToNumpy(std::move(expires_us));
  return columns;
}

ColumnDict LeftColumns(const std::vector<Explanation::Left>& left, MemberColumn members) {
  std::vector<uint8_t> state;
  std::vector<int64_t> points, expires_us;
  for (const Explanation::Left& lot : left) {
    state.push_back(uint8_t(lot.state));
    points.push_back(lot.points);
    expires_us.push_back(lot.expires_us);
  }
  ColumnDict columns;
  std::move(members).AddTo(columns, "member");
  columns["state"] = ToNumpy(std::move(state));
  columns["points"] = ToNumpy(std::move(points));
  columns["expires_us"] = ToNumpy(std::move(expires_us));
  return columns;
}

}  // namespace

ColumnDict Explain(const Ledger& ledger, uint64_t sequence) {
  Explanation explanation;
  MemberColumn members;
  RecordColumns records = Check(WithoutGil([&]() -> Result<RecordColumns> {
    LOYALTY_ASSIGN_OR_RETURN(explanation, ledger.Explain(sequence));
    for (const Explanation::Left& lot : explanation.left) {
      LOYALTY_ASSIGN_OR_RETURN(const OwnedKey key, ledger.KeyOf(lot.member));
      members.Append(key);
    }
    return ToColumns(ledger, explanation.records);
  }));
  ColumnDict columns;
  columns["records"] = std::move(records).ToDict();
  columns["took"] = ChangeColumns(explanation.took);
  columns["used"] = ChangeColumns(explanation.used);
  columns["left"] = LeftColumns(explanation.left, std::move(members));
  columns["about"] =
      ToNumpy(std::vector<int64_t>(explanation.about.begin(), explanation.about.end()));
  return columns;
}

uint64_t FindPosting(const Ledger& ledger, const py::bytes& id) {
  const auto bytes = std::string_view(id);
  if (bytes.size() != 16) throw py::value_error("an id has 16 bytes");
  const Id wanted = LoadId(reinterpret_cast<const uint8_t*>(bytes.data()));
  return Check(WithoutGil([&] { return ledger.FindPosting(wanted); }));
}

}  // namespace loyalty::python

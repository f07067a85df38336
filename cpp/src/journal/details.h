// What few entries have beside their row (Details), and how it is stored: as columns of their own.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "journal/columns.h"
#include "loyalty/posting.h"

namespace loyalty::journal {

// The details of the entry in that row of a group.
struct RowDetails {
  uint32_t row = 0;
  Details details;
};

// The fields, in the order of their columns, which is part of the format.
inline constexpr std::array kDetailsFields = {
    +[](Details& d) -> int64_t& { return d.terms.activates_us; },
    +[](Details& d) -> int64_t& { return d.terms.deadline_us; },
    +[](Details& d) -> int64_t& { return d.terms.floor; },
    +[](Details& d) -> int64_t& { return d.terms.ceiling; },
    +[](Details& d) -> int64_t& { return d.terms.ladder; },
    +[](Details& d) -> int64_t& { return d.terms.level; },
    +[](Details& d) -> int64_t& { return d.other; },
    +[](Details& d) -> int64_t& { return d.asked; },
    +[](Details& d) -> int64_t& { return d.held; },
    +[](Details& d) -> int64_t& { return d.revived; },
    +[](Details& d) -> int64_t& { return d.repaid; },
    +[](Details& d) -> int64_t& { return d.limit; },
    +[](Details& d) -> int64_t& { return d.active_until_us; },
    +[](Details& d) -> int64_t& { return d.earned; },
    +[](Details& d) -> int64_t& { return d.redeemed; },
    +[](Details& d) -> int64_t& { return d.pending_after; },
    +[](Details& d) -> int64_t& { return d.held_after; },
    +[](Details& d) -> int64_t& { return d.arrears_after; },
    +[](Details& d) -> int64_t& { return d.correction.of_us; },
    +[](Details& d) -> int64_t& { return d.correction.points; },
    +[](Details& d) -> int64_t& { return d.correction.money; },
    +[](Details& d) -> int64_t& { return d.correction.visits; },
    +[](Details& d) -> int64_t& { return d.correction.rule; },
    +[](Details& d) -> int64_t& { return d.correction.channel; },
    +[](Details& d) -> int64_t& { return d.correction.location; },
    +[](Details& d) -> int64_t& { return d.correction.category; },
};

inline void AppendDetails(const std::vector<RowDetails>& rows, std::string* out) {
  if (rows.empty()) return;
  EncodeColumn<uint64_t>(rows.size(), out, [&](size_t i) { return rows[i].row; });
  for (const auto field : kDetailsFields) {
    EncodeColumn<int64_t>(rows.size(), out,
                          [&](size_t i) { return field(const_cast<Details&>(rows[i].details)); });
  }
}

class DetailsColumns {
 public:
  // Takes the columns off the front of `bytes`; false if they do not fit there.
  bool Parse(size_t count, std::string_view* bytes) {
    count_ = count;
    if (count == 0) return true;
    for (ColumnView& column : columns_) {
      if (!column.Parse(count, bytes)) return false;
    }
    return true;
  }
  RowDetails operator[](size_t i) const {
    RowDetails row{uint32_t(columns_[0][i]), {}};
    for (size_t f = 0; f < kDetailsFields.size(); ++f) {
      kDetailsFields[f](row.details) = int64_t(columns_[f + 1][i]);
    }
    return row;
  }
  // Puts all of them in the place of what `all` held.
  void Read(std::vector<RowDetails>* all) const {
    all->clear();
    for (size_t i = 0; i < count_; ++i) all->push_back((*this)[i]);
  }
  // Of the entry in that row; as in Details() when it has none.
  Details Of(uint32_t row) const {
    size_t first = 0;
    for (size_t end = count_; first < end;) {
      const size_t middle = (first + end) / 2;
      if (columns_[0][middle] < row) {
        first = middle + 1;
      } else {
        end = middle;
      }
    }
    return first < count_ && columns_[0][first] == row ? (*this)[first].details : Details();
  }

 private:
  size_t count_ = 0;
  std::array<ColumnView, 1 + kDetailsFields.size()> columns_;
};

// Of the entry in that row, among details by row; as in Details() when it has none.
inline Details DetailsOf(const std::vector<RowDetails>& rows, uint32_t row) {
  const auto at =
      std::lower_bound(rows.begin(), rows.end(), row,
                       [](const RowDetails& r, uint32_t wanted) { return r.row < wanted; });
  return at != rows.end() && at->row == row ? at->details : Details();
}

}  // namespace loyalty::journal

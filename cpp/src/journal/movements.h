// Movements of lots, and how they are stored: as four columns, in blocks and in state pages.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "journal/columns.h"

namespace loyalty::journal {

// Points that an entry puts into a lot (positive) or takes out of it. The lot an earn or a positive
// adjustment makes is not listed: the entry itself says all of it.
struct LotMovement {
  int64_t points = 0;
  int64_t expires_us = 0;
  int64_t effective_us = 0;  // of the credit that made the lot
  uint64_t source = 0;       // its sequence: names the lot
  bool operator==(const LotMovement&) const = default;
};

inline void AppendMovements(const std::vector<LotMovement>& m, std::string* out) {
  EncodeColumn<int64_t>(m.size(), out, [&](size_t i) { return m[i].points; });
  EncodeColumn<int64_t>(m.size(), out, [&](size_t i) { return m[i].expires_us; });
  EncodeColumn<int64_t>(m.size(), out, [&](size_t i) { return m[i].effective_us; });
  EncodeColumn<uint64_t>(m.size(), out, [&](size_t i) { return m[i].source; });
}

class MovementColumns {
 public:
  // Takes the columns off the front of `bytes`; false if they do not fit there.
  bool Parse(size_t count, std::string_view* bytes) {
    count_ = count;
    for (ColumnView& column : columns_) {
      if (!column.Parse(count, bytes)) return false;
    }
    return true;
  }
  LotMovement operator[](size_t i) const {
    return {int64_t(columns_[0][i]), int64_t(columns_[1][i]), int64_t(columns_[2][i]),
            columns_[3][i]};
  }
  // Puts all of them in the place of what `all` held.
  void Read(std::vector<LotMovement>* all) const {
    all->resize(count_);
    LotMovement* const to = all->data();
    columns_[0].ForEach([=](size_t i, uint64_t v) { to[i].points = int64_t(v); });
    columns_[1].ForEach([=](size_t i, uint64_t v) { to[i].expires_us = int64_t(v); });
    columns_[2].ForEach([=](size_t i, uint64_t v) { to[i].effective_us = int64_t(v); });
    columns_[3].ForEach([=](size_t i, uint64_t v) { to[i].source = v; });
  }

 private:
  size_t count_ = 0;
  std::array<ColumnView, 4> columns_;
};

}  // namespace loyalty::journal

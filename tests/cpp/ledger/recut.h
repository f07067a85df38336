// A journal cut into other blocks, and a state as bytes, to compare what comes of it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "ledger/transition.h"

namespace loyalty::ledger {

// Adds a block's entries to those of the blocks before it.
inline void Append(const journal::Group& block, journal::Group* all) {
  for (journal::RowDetails row : block.details) {
    row.row += uint32_t(all->entries.size());
    all->details.push_back(row);
  }
  const auto add = [](const auto& from, auto* to) {
    to->insert(to->end(), from.begin(), from.end());
  };
  add(block.entries, &all->entries);
  add(block.movement_counts, &all->movement_counts);
  add(block.movements, &all->movements);
  add(block.texts, &all->texts);
}

// The entries from `first` on, at most `count`, as a block of their own.
inline journal::Group Slice(const journal::Group& all, size_t first, size_t count) {
  journal::Group slice;
  slice.first_sequence = all.first_sequence + first;
  size_t movement = 0;
  size_t text = 0;
  for (size_t i = 0; i < std::min(all.entries.size(), first + count); ++i) {
    const bool has_text = journal::HasText(all.entries[i].kind);
    if (i >= first) {
      const Details details = journal::DetailsOf(all.details, uint32_t(i));
      if (details != Details()) slice.details.push_back({uint32_t(i - first), details});
      slice.entries.push_back(all.entries[i]);
      slice.movement_counts.push_back(all.movement_counts[i]);
      for (uint32_t k = 0; k < all.movement_counts[i]; ++k) {
        slice.movements.push_back(all.movements[movement + k]);
      }
      if (has_text) slice.texts.push_back(all.texts[text]);
    }
    movement += all.movement_counts[i];
    text += has_text;
  }
  return slice;
}

// Every page as it is stored.
inline std::vector<std::string> Bytes(const State& state) {
  std::vector<std::string> pages;
  for (uint32_t p = 0; p < state.page_count(); ++p) {
    pages.push_back(EncodePage(*state.PageOf(p * kPageMembers)));
  }
  return pages;
}

}  // namespace loyalty::ledger

// A batch on its way: prepared by the caller's thread, decided by the writer, committed, acknowledged.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/event.h"
#include "ledger/transition.h"
#include "loyalty/ledger.h"

namespace loyalty::engine {

// Whether that is how a posting ends, even if its id was seen before.
inline bool IsFinal(PostingStatus status) {
  return status != PostingStatus::kUnspecified && !IsRefusedByProgram(status);
}

struct Batch {
  // A row whose text the writer needs: the key of a member that was unknown in preparation or is being
  // opened (as stored in the journal), or the text of a code.
  struct Text {
    uint32_t row = 0;
    std::string text;
  };
  // A row that is about another posting.
  struct Related {
    uint32_t row = 0;
    Id id;
    ledger::Original original;  // when preparation found it already; else sequence 0
  };

  std::vector<Entry> entries;  // as asked; a status other than kUnspecified is final, see `replies`
  std::vector<bool> linked;    // by row, or empty: whether it stands or falls with the next
  std::vector<Text> texts;     // by row
  std::vector<Text> others;    // by row: the keys of other members unknown so far
  std::vector<journal::RowDetails> details;  // by row; of every transfer
  std::vector<Related> related;              // by row
  // By which preparation filled in what the postings leave to the programme; null when they leave nothing.
  std::shared_ptr<const ledger::Rules> rules;
  std::shared_ptr<const program::Program> program;  // that the rows put in force
  uint64_t ids_checked = 0;  // preparation looked for the ids among all sequences up to this one
  bool erases = false;       // members
  Reply* replies = nullptr;  // the caller's, one a row
  // Instead of postings: accounts for which the writer journals all that falls due by an instant. It
  // calls on_due for each entry, with the points that it moved.
  struct Due {
    uint32_t member = 0;
    uint16_t currency = 0;
  };
  std::vector<Due> due;
  int64_t due_by_us = 0;
  std::function<void(const Entry&, int64_t points)> on_due;
  // Instead of postings: what an assessment changes of members' standings on ladders. Passed over is whose
  // standing is not the one that it began with, or who is closed or merged by now: on_passed_over, on the writer's
  // thread.
  struct LevelChanges {
    struct Change {
      int64_t effective_us = 0;
      std::string text;
    };
    uint32_t member = 0;
    uint32_t ladder = 0;    // code
    uint64_t sequence = 0;  // of the last change before; 0: there was none
    std::vector<Change> changes;
  };
  std::vector<LevelChanges> levels;
  std::function<void()> on_passed_over;
  // Instead of postings: runs on the writer's thread, between postings.
  std::function<void()> inspect;

  Status fault;  // why the writer could not go on with the rest of it

  // The end of the chain of linked rows that `row` begins; row + 1 when it is linked to none.
  size_t EndOfChain(size_t row) const {
    if (linked.empty()) return row + 1;
    while (row < linked.size() && linked[row]) ++row;
    return std::min(row + 1, entries.size());
  }

  void Finish(const Status& outcome) {
    if (fault.ok()) fault = outcome;
    done_.Set();
  }
  // Until it is durable, or has failed.
  Status Wait() {
    done_.Wait();
    return fault;
  }

 private:
  Event done_;
};

// What becomes one journal block, and the batches that are done when it is durable. It may have batches
// without entries (duplicates of what is in an earlier group).
struct OpenGroup {
  journal::Group group;
  std::vector<std::shared_ptr<Batch>> batches;
  bool erases = false;  // members
  // Set by who answers the batches, as the last thing: from then on the decider may use it again.
  std::atomic<bool> answered = false;
};

}  // namespace loyalty::engine

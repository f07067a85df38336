// What the threads of an open ledger share, and the rules of reading beside the writer.
//
// The writer changes `state` before its group is durable. A reader therefore reads an account and then
// waits until the account's last entry is durable (at most one sync), so that it never sees what a crash
// could undo. After a failed write or sync, a fresh state is built from what is durable, and readers
// are given that one.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/counts.h"
#include "base/event.h"
#include "base/mutex.h"
#include "engine/tail.h"
#include "history/history.h"
#include "ids/id_index.h"
#include "journal/head_file.h"
#include "journal/key_records.h"
#include "ledger/transition.h"
#include "loyalty/ledger.h"
#include "storage/store.h"

namespace loyalty::engine {

// How far the journal is durable, and whether the writer has failed. Any thread.
class Durable {
 public:
  uint64_t sequence() const { return sequence_.load(std::memory_order_acquire); }
  journal::Head head() const;
  void Advance(const journal::Head& head);
  // Until the sequence is durable: true; false when the writer failed before that.
  bool WaitFor(uint64_t sequence) const;
  // The same, but not beyond `until`, nor once `gives_up` was set and GiveUp() called.
  void WaitUntil(uint64_t sequence, std::chrono::steady_clock::time_point until,
                 const std::atomic<bool>& gives_up) const;
  void GiveUp() const;
  void Fail(Status fault);
  Status failure() const;

 private:
  std::atomic<uint64_t> sequence_ = 0;
  std::atomic<bool> failed_ = false;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  journal::Head head_ GUARDED_BY(mutex_);
  Status failure_ GUARDED_BY(mutex_);
};

struct Core {
  Core(std::string directory_path, const LedgerOptions& ledger_options,
       std::unique_ptr<storage::Store> opened, journal::HeadFile head)
      : directory(std::move(directory_path)),
        options(ledger_options),
        store(std::move(opened)),
        journal(store.get()),
        key_records(store.get()),
        head_file(std::move(head)),
        state(std::make_unique<ledger::State>()) {}

  const std::string directory;
  const LedgerOptions options;
  std::unique_ptr<storage::Store> store;
  journal::Journal journal;
  journal::KeyRecords key_records;
  journal::HeadFile head_file;
  std::unique_ptr<ids::IdIndex> ids;
  std::unique_ptr<history::History> history;
  Tail tail;
  Durable durable;

  std::unique_ptr<ledger::State> state;    // the writer's
  std::unique_ptr<ledger::State> rescued;  // what is durable, after the writer failed
  // Which of them readers use; null while `rescued` is being built or when that failed.
  std::atomic<ledger::State*> readable = nullptr;
  mutable Event rescue_over;

  // Of the groups that the committing thread made durable.
  base::Counts group_entries{{1, 4, 16, 64, 256, 1024, 4096, 16384}};
  base::Counts sync_s{
      {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1}};

  std::atomic<uint64_t> checkpoint_sequence = 0;
  // Durable entries up to the first have erased members; those up to the second from all files, too.
  std::atomic<uint64_t> erased_sequence = 0;
  std::atomic<uint64_t> purged_sequence = 0;
  uint64_t replayed_entries = 0;
  double replay_s = 0;

  // Calls read(state) for a value and the sequence that it depends on; returns the value once that is
  // durable.
  template <typename Read>
  auto ReadDurable(Read read) const -> Result<decltype(read(*state, nullptr))> {
    for (;;) {
      ledger::State* const from = readable.load(std::memory_order_acquire);
      if (from == nullptr) {
        rescue_over.Wait();
        if (readable.load() == nullptr) return durable.failure();
        continue;
      }
      uint64_t needs = 0;
      auto value = read(*from, &needs);
      if (durable.sequence() >= needs || durable.WaitFor(needs)) return value;
      // The writer failed: what was read may never have been. Wait for the rescued state.
      rescue_over.Wait();
    }
  }

  // What stopped the work behind the journal, if anything has; then the writer stops too.
  Status behind_fault() const {
    MutexLock lock(behind_mutex_);
    return behind_fault_;
  }
  void FailBehind(Status fault) {
    MutexLock lock(behind_mutex_);
    if (behind_fault_.ok()) behind_fault_ = std::move(fault);
  }

  // What is told to who wants to write to a ledger that was opened for reading.
  Status ReadsOnly() const;

  // The slot of a key, or kNoMember.
  Result<uint32_t> FindMember(const MemberKey& key) const;
  // Nobody's, if there is no such slot.
  Result<OwnedKey> KeyOf(uint32_t slot) const;
  // Those of the slots from 0 on; of `slots` at most.
  Result<std::vector<OwnedKey>> KeysOfAll(uint32_t slots) const;

  // The block that holds a durable sequence: from the tail, or from disk.
  Result<SharedBlock> FindBlock(uint64_t sequence) const;

 private:
  mutable Mutex behind_mutex_;
  Status behind_fault_ GUARDED_BY(behind_mutex_);
};

// The posting at a durable sequence, with its lot movements. `block` keeps the block it was in: the next one is
// often there, too.
Result<ledger::Original> LoadOriginal(const Core& core, uint64_t sequence, SharedBlock* block);

// What a caller is told of an entry.
Reply MakeReply(PostingStatus status, uint64_t sequence, const Entry& entry,
                const Details& details);

// How a posting ends whose id was seen before, at `sequence`: `related` is the sequence of what it is about.
PostingStatus CompareWithOriginal(const ledger::Merges& merges, uint64_t sequence,
                                  const Entry& asked, const Details& asked_details,
                                  uint64_t related, const Entry& original,
                                  const Details& original_details);

}  // namespace loyalty::engine

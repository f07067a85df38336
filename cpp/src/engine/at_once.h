// Ladders that upgrade at once: follows the journal, and gives whoever meets a higher level that level, within a
// second. By bounds of all members' metrics (tiers/bounds.h), which are worked out when it begins, when the
// programme changes, and with each new day. Nothing of it is stored: a new beginning finds what was left undone.
//
// Thread safety: Stop from one thread; sequence from any.
#pragma once

#include <atomic>
#include <memory>
#include <queue>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/behind.h"
#include "engine/core.h"
#include "engine/run.h"
#include "tiers/bounds.h"

namespace loyalty::engine {

class AtOnce {
 public:
  AtOnce(Core* core, Behind* behind, Pipeline* pipeline)
      : core_(core), behind_(behind), pipeline_(pipeline) {
    thread_ = std::thread([this] { Run(); });
  }
  ~AtOnce() { Stop(); }

  // Heeds what was posted since the opening before it returns.
  void Stop();
  // Whoever met a level by the durable entries up to here has it.
  uint64_t sequence() const { return sequence_.load(std::memory_order_acquire); }

 private:
  void Run();
  // False when it is time to stop.
  bool Pause();
  // Closing need not wait for long work if nothing was posted.
  bool MayGoOn();
  bool HasPosted() const { return core_->durable.sequence() != opened_at_; }
  Status Step();
  // Works all bounds out, and assesses everybody; appends to whom more is to come.
  Status Begin(uint64_t through, std::vector<uint32_t>* due);
  // Adds the entries up to a sequence to the bounds; appends who may be due.
  Status Follow(uint64_t through, std::vector<uint32_t>* due);
  void Heed(const journal::BlockView& block, std::vector<uint32_t>* due);
  void HeedEntry(const Entry& entry, const Details& details, std::vector<uint32_t>* due);
  // Appends those to whom something comes that was posted before its time.
  void TakeArrived(std::vector<uint32_t>* due);
  // Assesses those who are due indeed, and journals who rises.
  Status Settle(std::vector<uint32_t> due);
  // By their bounds; false when it takes his entries.
  bool AssessByBounds(uint32_t member, std::vector<tiers::MemberChanges>* changes);
  Status AssessAlone(std::span<const uint32_t> members, std::vector<tiers::MemberChanges>* changes);
  bool IsDue(uint32_t member);
  // Those of them that raise a level.
  Status Submit(std::vector<tiers::MemberChanges> changes, InFlight* in_flight);

  Core* const core_;
  Behind* const behind_;
  Pipeline* const pipeline_;
  std::atomic<uint64_t> sequence_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;

  const uint64_t opened_at_ = core_->durable.sequence();

  // The thread's own.
  tiers::Plan plan_;
  std::shared_ptr<const ledger::Rules> rules_;  // that the bounds are of
  int64_t until_us_ = 0;                        // when they are worked out anew
  std::vector<tiers::Bounds> bounds_;           // by ladder of the plan
  uint64_t followed_ = 0;                       // entries up to here are in the bounds
  uint64_t settled_ = 0;                        // and what they bring was given to the writer
  // Each waits for what callers have queued before it, so they wait together.
  static constexpr size_t kInFlight = 64;
  InFlight in_flight_{pipeline_, kInFlight};
  using Arrival = std::pair<int64_t, uint32_t>;  // when, and whose
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> to_come_;
  std::vector<Entry> entries_;
  std::vector<journal::RowDetails> details_;

  std::thread thread_;
};

}  // namespace loyalty::engine

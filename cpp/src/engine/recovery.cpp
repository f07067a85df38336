#include "engine/recovery.h"

#include <algorithm>
#include <chrono>

#include "engine/applier.h"
#include "engine/behind.h"
#include "ledger/checkpoint.h"

namespace loyalty::engine {
namespace {

Status Shorter(const Core& core, uint64_t have, uint64_t expected) {
  return {StatusCode::kCorruption,
          core.directory + ": the journal ends at sequence " + std::to_string(have) + ", but " +
              std::to_string(expected) +
              " was acknowledged: its end is damaged or missing; restore the ledger from a copy"};
}

// Opens a derived part; what is damaged there is thrown away, to be rebuilt from the journal.
template <typename Part>
Status OpenOrDiscard(storage::Store* store, std::unique_ptr<Part>* part) {
  auto opened = Part::Open(store);
  if (!opened.ok() && opened.status().code() == StatusCode::kCorruption) {
    LOYALTY_RETURN_IF_ERROR(Part::Discard(store));
    opened = Part::Open(store);
  }
  if (!opened.ok()) return opened.status();
  *part = std::move(opened).value();
  return {};
}

Status LoadCheckpointOrNothing(const storage::Store& store, std::unique_ptr<ledger::State>* state) {
  const Status status = ledger::LoadCheckpoint(store, state->get());
  if (status.code() != StatusCode::kCorruption) return status;
  *state = std::make_unique<ledger::State>();
  return {};
}

// Reads the journal's tail into state, tail and recent ids.
class Replay {
 public:
  explicit Replay(Core* core)
      : core_(core),
        behind_(core),
        witness_(core->head_file.head()),
        checkpoint_(core->state->sequence),
        applier_(core->state.get()) {
    recent_.emplace_back(core->ids->runs()->sequence() + 1);
  }

  Status Run() {
    const uint64_t taken = std::min(core_->ids->runs()->sequence(), core_->history->sequence());
    const uint64_t from = std::max<uint64_t>(1, std::min(taken, checkpoint_));
    LOYALTY_ASSIGN_OR_RETURN(
        const journal::Head head,
        core_->journal.Scan(from, nullptr,
                            [&](const journal::BlockView& view, std::string_view bytes) {
                              return Take(view, bytes);
                            }));
    LOYALTY_RETURN_IF_ERROR(applier_.Finish());
    const uint64_t expected =
        std::max({witness_.sequence, checkpoint_, core_->ids->runs()->sequence(),
                  core_->history->sequence()});
    if (head.sequence < expected) return Shorter(*core_, head.sequence, expected);
    core_->durable.Advance(head);
    return {};
  }

  std::deque<ids::RecentIds> TakeRecent() { return std::move(recent_); }

 private:
  Status Take(const journal::BlockView& view, std::string_view bytes) {
    if (view.last_sequence() == witness_.sequence && journal::ChainHash(bytes) != witness_.chain) {
      return {StatusCode::kCorruption,
              core_->directory + ": the journal is not the one that was acknowledged at sequence " +
                  std::to_string(witness_.sequence) + "; restore the ledger from a copy"};
    }
    if (view.last_sequence() > checkpoint_) {
      core_->replayed_entries += view.count();
      LOYALTY_RETURN_IF_ERROR(applier_.Apply(std::make_shared<journal::Group>(view.ToGroup())));
    }
    return TakeIntoTail(view, bytes);
  }

  Status TakeIntoTail(const journal::BlockView& view, std::string_view bytes) {
    const uint64_t taken = std::min(core_->ids->runs()->sequence(), core_->history->sequence());
    if (view.last_sequence() <= taken) return {};
    for (size_t i = 0; i < view.count(); ++i) {
      if (view.first_sequence() + i == recent_.back().next_sequence()) {
        recent_.back().Append(view.IdAt(i));
      }
    }
    auto copy = std::make_shared<const std::string>(bytes);
    LOYALTY_ASSIGN_OR_RETURN(const journal::BlockView own, journal::BlockView::Parse(*copy));
    core_->tail.Append({std::move(copy), own});
    if (view.last_sequence() - taken < 2 * uint64_t(core_->options.segment_entries)) return {};
    // Much to catch up with (a lost or discarded part): take it in as it comes.
    LOYALTY_RETURN_IF_ERROR(behind_.Consume(view.last_sequence()));
    recent_.clear();
    recent_.emplace_back(view.last_sequence() + 1);
    return {};
  }

  Core* const core_;
  Behind behind_;
  const journal::Head witness_;
  const uint64_t checkpoint_;  // what the state held before the replay
  Applier applier_;
  std::deque<ids::RecentIds> recent_;
};

}  // namespace

Status LoadState(const Core& core, uint64_t through, ledger::State* state) {
  LOYALTY_RETURN_IF_ERROR(ledger::LoadCheckpoint(*core.store, state));
  const auto visit = [&](const journal::BlockView& view, std::string_view) -> Status {
    if (view.first_sequence() > through) return {StatusCode::kInterrupted, "far enough"};
    return ledger::ApplyGroup(view.ToGroup(), through, state);
  };
  const auto head = core.journal.Scan(std::max<uint64_t>(1, state->sequence), nullptr, visit);
  if (!head.ok() && head.status().code() != StatusCode::kInterrupted) return head.status();
  if (state->sequence != through) return Shorter(core, state->sequence, through);
  return {};
}

Result<std::deque<ids::RecentIds>> Recover(Core* core) {
  LOYALTY_RETURN_IF_ERROR(LoadCheckpointOrNothing(*core->store, &core->state));
  core->checkpoint_sequence = core->state->sequence;
  LOYALTY_RETURN_IF_ERROR(OpenOrDiscard(core->store.get(), &core->ids));
  LOYALTY_RETURN_IF_ERROR(OpenOrDiscard(core->store.get(), &core->history));
  const auto start = std::chrono::steady_clock::now();
  Replay replay(core);
  LOYALTY_RETURN_IF_ERROR(replay.Run());
  core->currencies = core->state->currencies;
  core->readable = core->state.get();
  core->replay_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return replay.TakeRecent();
}

}  // namespace loyalty::engine

#include "engine/recovery.h"

#include <algorithm>
#include <chrono>

#include "engine/behind.h"
#include "engine/worker.h"
#include "ledger/checkpoint.h"

namespace loyalty::engine {
namespace {

Status Shorter(const Core& core, uint64_t have, uint64_t expected) {
  return {StatusCode::kCorruption,
          core.directory + ": the journal ends at sequence " + std::to_string(have) + ", but " +
              std::to_string(expected) +
              " was acknowledged: its end is damaged or missing; restore the ledger from a copy"};
}

// Opens a derived part; what is damaged there is thrown away, to be rebuilt from the journal. Not where that
// would be in RAM.
template <typename Part>
Status OpenOrDiscard(const Core& core, std::unique_ptr<Part>* part) {
  storage::Store* const store = core.store.get();
  auto opened = Part::Open(store);
  if (opened.status().code() == StatusCode::kCorruption) {
    if (core.options.read_only) {
      return {StatusCode::kCorruption,
              opened.status().message() + "; open it once without read-only: that builds it anew"};
    }
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

// Reads the journal's tail into RAM: this thread reads and checks blocks, one applies them to the state, and
// one gathers ids and feeds what stands behind the journal.
class Replay {
 public:
  Replay(Core* core, uint64_t acknowledged)
      : core_(core),
        acknowledged_(acknowledged),
        witness_(core->head_file.head()),
        checkpoint_(core->state->sequence),
        behind_(core),
        behind_from_(behind_.taken()),
        unsealed_(core->ids->runs()->sequence() + 1, core->options.segment_entries),
        apply_worker_("loyalty-replay", [this](const SharedBlock& block) { return Apply(block); }),
        behind_worker_("loyalty-behind",
                       [this](const SharedBlock& block) { return FollowBehind(block); }) {}

  Status Run() {
    const uint64_t from = std::max<uint64_t>(1, std::min(behind_from_, checkpoint_));
    const uint64_t expected =
        std::max({witness_.sequence, checkpoint_, core_->ids->runs()->sequence(),
                  core_->history->sequence()});
    LOYALTY_ASSIGN_OR_RETURN(
        const journal::Head head,
        core_->journal.Scan(from, std::max(acknowledged_, expected), nullptr,
                            [&](const journal::BlockView& view, std::string_view bytes) {
                              return Take(view, bytes);
                            }));
    LOYALTY_RETURN_IF_ERROR(apply_worker_.Finish());
    LOYALTY_RETURN_IF_ERROR(behind_worker_.Finish());
    if (head.sequence < expected) return Shorter(*core_, head.sequence, expected);
    core_->durable.Advance(head);
    return {};
  }

  // The ids that are not sealed. Requires that Run() went well.
  ids::UnsealedIds TakeUnsealedIds() { return std::move(unsealed_); }

 private:
  Status Take(const journal::BlockView& view, std::string_view bytes) {
    if (view.last_sequence() == witness_.sequence && journal::ChainHash(bytes) != witness_.chain) {
      return {StatusCode::kCorruption,
              core_->directory + ": the journal is not the one that was acknowledged at sequence " +
                  std::to_string(witness_.sequence) + "; restore the ledger from a copy"};
    }
    auto copy = std::make_shared<const std::string>(bytes);
    LOYALTY_ASSIGN_OR_RETURN(const journal::BlockView own, journal::BlockView::Parse(*copy));
    const SharedBlock block{std::move(copy), own};
    if (own.last_sequence() > checkpoint_) {
      core_->replayed_entries += own.count();
      LOYALTY_RETURN_IF_ERROR(apply_worker_.Give(block));
    }
    if (own.last_sequence() <= behind_from_) return {};
    core_->tail.Append(block);
    return behind_worker_.Give(block);
  }

  Status Apply(const SharedBlock& block) {
    block.view.Read(&group_);
    LOYALTY_RETURN_IF_ERROR(core_->key_records.Unseal(&group_));
    return ledger::ApplyGroup(group_, UINT64_MAX, core_->state.get());
  }

  // Ids and history take the entries in only when they lag as much as they never do while the ledger is
  // open: less is taken in after opening.
  Status FollowBehind(const SharedBlock& block) {
    const uint64_t first = std::max(block.view.first_sequence(), unsealed_.next_sequence());
    if (first <= block.view.last_sequence()) {
      block.view.Ids(first - block.view.first_sequence(), block.view.count(), &ids_);
      unsealed_.Append(ids_);
    }
    const uint64_t segment = core_->options.segment_entries;
    if (block.view.last_sequence() - behind_.taken() < Behind::kMostSegments * segment) return {};
    LOYALTY_RETURN_IF_ERROR(behind_.Consume(behind_.taken() + segment));
    unsealed_.ForgetThrough(core_->ids->runs()->sequence());
    return {};
  }

  Core* const core_;
  const uint64_t acknowledged_;
  const journal::Head witness_;
  const uint64_t checkpoint_;  // what the state held before the replay
  Behind behind_;
  const uint64_t behind_from_;  // what ids and history both held
  journal::Group group_;        // the applying thread's
  ids::UnsealedIds unsealed_;   // the other's
  std::vector<Id> ids_;
  Worker<SharedBlock> apply_worker_;
  Worker<SharedBlock> behind_worker_;
};

}  // namespace

Status LoadState(const Core& core, uint64_t through, ledger::State* state) {
  LOYALTY_RETURN_IF_ERROR(ledger::LoadCheckpoint(*core.store, state));
  journal::Group group;
  const auto visit = [&](const journal::BlockView& view, std::string_view) -> Status {
    view.Read(&group);
    LOYALTY_RETURN_IF_ERROR(core.key_records.Unseal(&group));
    return ledger::ApplyGroup(group, through, state);
  };
  LOYALTY_RETURN_IF_ERROR(
      core.journal.Scan(std::max<uint64_t>(1, state->sequence), through, nullptr, visit).status());
  if (state->sequence != through) return Shorter(core, state->sequence, through);
  return {};
}

Result<ids::UnsealedIds> Recover(Core* core, uint64_t acknowledged) {
  LOYALTY_ASSIGN_OR_RETURN(const auto erasures, core->key_records.ReadErasures());
  core->erased_sequence = erasures.erased;
  core->purged_sequence = erasures.purged;
  LOYALTY_RETURN_IF_ERROR(LoadCheckpointOrNothing(*core->store, &core->state));
  core->checkpoint_sequence = core->state->sequence;
  LOYALTY_RETURN_IF_ERROR(OpenOrDiscard(*core, &core->ids));
  LOYALTY_RETURN_IF_ERROR(OpenOrDiscard(*core, &core->history));
  const auto start = std::chrono::steady_clock::now();
  Replay replay(core, acknowledged);
  LOYALTY_RETURN_IF_ERROR(replay.Run());
  core->readable = core->state.get();
  core->replay_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return replay.TakeUnsealedIds();
}

}  // namespace loyalty::engine

// The writer's work on batches: decide each posting, apply it to the state, append it to the open group.
// One thread only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/batch.h"
#include "engine/core.h"
#include "engine/member_entries.h"
#include "ids/recent_ids.h"
#include "ledger/merge.h"
#include "ledger/undo.h"

namespace loyalty::engine {

class Decider {
 public:
  // `recent`: the ids of all entries beyond core->ids->runs()->sequence().
  Decider(Core* core, ids::UnsealedIds recent);

  bool HasOpenGroup() const { return open_ != nullptr; }
  // Whether no more batches may go into the open group: it is large enough, or a programme came into force
  // in it. A block names one version, which is that of all postings in it.
  bool IsGroupFull() const;
  void Process(const std::shared_ptr<Batch>& batch);
  // Stamps the open group with its time and gives it away. Requires HasOpenGroup().
  std::shared_ptr<OpenGroup> CloseGroup();

 private:
  struct Row {
    Entry* entry;
    Reply* reply;
    const Details* details;   // null unless it has any
    std::string* text;        // null unless the writer needs one
    Batch::Related* related;  // null unless it is about another posting
    uint64_t sealed;  // the sequence of its id, if that was sealed after the preparation; else 0

    // Null when it is about none, or an unknown one.
    ledger::Original* original() const {
      return related && related->original.sequence != 0 ? &related->original : nullptr;
    }
  };
  // What is taken back when one of a chain of linked postings is refused.
  struct Chain {
    explicit Chain(const ledger::State& state) : sums(state) {}
    ledger::SumsBefore sums;
    std::vector<ledger::AccountBefore> accounts;  // by entry
  };

  Status ProcessRows(Batch* batch);
  Status DecideRows(std::span<Entry> rows, Batch* batch);
  // How many of the open group's entries are decided and applied.
  size_t DecidedInGroup() const { return core_->state->sequence + 1 - open_->group.first_sequence; }
  Status ProcessRow(const Row& row);
  // Of two members: makes one of them, or undoes that.
  Status ProcessMerging(const Row& row);
  // With a member's key go those of all who are merged into him.
  void EraseMerged(const Entry& erased);
  Result<std::vector<ledger::Move>> MovesBack(const Entry& unmerge, uint32_t other);
  // Linked rows: posts all, or refuses all.
  Status ProcessChain(std::span<const Row> rows);
  // The sequence of the posting that has the row's id; 0 when it is new.
  uint64_t SequenceOf(const Row& row) const {
    return row.sealed ? row.sealed : recent_.Find(row.entry->id);
  }
  // As far as it goes; returns how many rows are posted, and counts those that were before.
  Result<size_t> PostChain(std::span<const Row> rows, size_t* duplicates);
  void UndoChain();
  Status RefuseMalformedChain(std::span<const Row> rows);
  // Fills in again what preparation filled in by rules that are not in force any more, or without the member's
  // level.
  PostingStatus CompleteAgain(const program::Expiry* by_level, Entry* entry,
                              Details* details) const;
  // Rules::ExpiryByLevel, of whomever the entry will be about.
  const program::Expiry* ExpiryByLevel(const Entry& entry) const;
  // Whether the ledger has that code or currency already.
  bool IsDefined(Kind kind, const std::string& text) const;
  Status AnswerDuplicate(const Row& row, uint64_t sequence);
  // Journals what falls due by an instant on an account.
  void PostDue(uint32_t member, uint16_t currency, int64_t by_us, ledger::DueScope scope,
               const std::function<void(const Entry&, int64_t points)>& each);
  // Journals what of the other member's points has expired by inactivity before a posting.
  void PostInactivity(uint32_t member, const Entry& before);
  // Decides, applies and journals; `details` as asked. `reply` is null for the ledger's own entries.
  void Post(Entry* entry, const Details* details, const ledger::Original* original,
            std::string* text, Reply* reply);
  // Applies and journals an entry as decided: with details_, and the last `movements` of the group's.
  void Record(Entry* entry, size_t movements, std::string* text, Reply* reply);
  // False when it is passed over.
  bool ChangeLevels(Batch::LevelChanges* asked);
  // Gives the other member of a transfer its points, which the entry before has taken.
  void PostSecond();
  // Fills in the member's slot if he was opened since preparation, perhaps by an earlier row; `text` as in Row.
  void FindMember(const std::string* text, Entry* entry) const;
  // Fills in the other member's slot if he was opened since preparation.
  void FindOther(const std::string& stored_key, Details* details) const;
  Status FindOriginal(const Row& row);
  // Original::brought, of the other member.
  Status FindBrought(const Entry& entry, int64_t other, std::vector<uint64_t>* sources) const;
  // Whose account the member's postings are about by now.
  uint32_t SurvivorOf(uint32_t member) const { return core_->state->merges.SurvivorOf(member); }
  void FollowMerges(Details* details) const;
  // Visits all entries of some members, durable or not, by sequence.
  Status VisitEntriesOf(const std::vector<uint32_t>& members, const EntryVisitor& visitor) const;
  // Original::expired and expired_lately of a credit that the entry is about.
  Status FindExpired(const Entry& about, ledger::Original* credit) const;

  // By row, the ids that were sealed after the batch was prepared; empty when none can have been.
  Status FindSealedSince(const Batch& batch, std::span<const Entry> rows,
                         std::vector<uint64_t>* sequences) const;
  // The group, not known to be durable, that holds a sequence; null when none does.
  const journal::Group* GroupOf(uint64_t sequence) const;
  Result<ledger::Original> Fetch(uint64_t sequence) const;
  void ForgetDurable();
  std::shared_ptr<OpenGroup> NewGroup();

  Core* const core_;
  ids::UnsealedIds recent_;
  std::shared_ptr<OpenGroup> open_;
  std::deque<std::shared_ptr<OpenGroup>> closed_;  // handed on, and not known to be durable
  std::shared_ptr<OpenGroup> spare_;
  std::optional<Chain> chain_;  // that is being posted
  bool in_place_ = false;       // the rows being decided are the group's own entries
  Details details_;             // of the entry being decided; as in Details() in between
  int64_t recorded_us_ = 0;
};

}  // namespace loyalty::engine

// The public face of the engine: one ledger directory, open in one process.
//
// Thread safety: every method may be called from any thread at any time, except that nothing may run
// beside the destructor. Posting threads share one writer; readers never block it.
//
// Promises
//  1. A posting whose call returned is on disk (synced) and survives kill -9 and power loss.
//  2. A read reflects every posting acknowledged before it began, and nothing a crash could undo.
//  3. After a failed write or sync the writer stops for good: posting returns that fault, reading goes on
//     with exactly what had been acknowledged. Reopen after mending the cause.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loyalty/digest.h"
#include "loyalty/metrics.h"
#include "loyalty/posting.h"
#include "loyalty/status.h"
#include "loyalty/tiers.h"

namespace loyalty {

struct LedgerOptions {
  // How many postings may wait before callers block. Also the largest batch.
  uint32_t queue_capacity = 65'536;
  // Entries after which ids and history are built behind the journal.
  uint32_t segment_entries = 1u << 20;
  // Entries after which the changed state pages are written, so that opening replays less.
  uint64_t checkpoint_entries = 16u << 20;
  // For reading alone, beside the process that has it open: what was acknowledged when it was opened. Changes
  // nothing on disk, and needs no right to. What would be journaled is refused with kReadOnly.
  bool read_only = false;
};

struct BalanceQuery {
  uint16_t currency = 0;
  // The instant to tell of: what there is of what was posted, if nothing more is posted until then.
  int64_t at_us = 0;
  bool expiring = false;  // also tell what expires next; takes longer
};

// A question about the past. At least one of them is set; together they say what was known then (at the
// recorded time, or through the sequence) of what had happened by then (the effective time). Lots are looked
// at as of the effective time, else the recorded time, else when the sequence was recorded. An entry about
// another one counts only if that one does.
struct AsOf {
  std::optional<int64_t> effective_us;  // what had happened by then, whenever it was recorded
  std::optional<int64_t> recorded_us;   // what had been recorded by then
  std::optional<uint64_t> sequence;     // what was journaled up to that entry
};

struct Balance {
  bool found = false;  // false: no such member, all else 0
  BalanceParts parts;
  int64_t expiring_points = 0;  // of active ones, at expiring_us; only if asked
  int64_t expiring_us = kNever_us;
  int64_t lifetime_earned = 0;
  int64_t lifetime_redeemed = 0;
  uint64_t sequence = 0;  // of the account's last entry
  bool operator==(const Balance&) const = default;
};

struct Record {
  uint64_t sequence = 0;
  int64_t recorded_us = 0;
  Entry entry;
  Details details;
  // Of kOpenMember (the key, as ToString; empty when it was erased), kDefineCurrency, kDefineCode.
  std::string text;
  std::optional<LevelChange> level;  // of kSetLevel, kChangeLevel, if posted
  uint32_t program_version = 0;      // in force then
};

// Where a page of a statement ended, and through which sequence the statement was begun: what is posted
// meanwhile is in none of its pages.
struct StatementCursor {
  uint64_t through_sequence = 0;
  int64_t effective_us = 0;
  uint64_t sequence = 0;
};
struct StatementQuery {
  // from_us <= effective_us < to_us
  int64_t from_us = kMinTime_us;
  int64_t to_us = kMaxTime_us;
  std::optional<AsOf> as_of;  // only the entries that count
  size_t limit = SIZE_MAX;
  std::optional<StatementCursor> after;  // what the page before said, of the same query
};
struct StatementPage {
  std::vector<Record> records;
  // The sum of the points up to each record, from the member's first entry on, in its currency.
  std::vector<int64_t> running;
  std::optional<StatementCursor> next;  // none: this is the last page
};

enum class LotState : uint8_t {
  kActive,
  kPending,
  kHeld,
  kExpired,
  kLost,  // not confirmed by the deadline
};

// Points that an entry put into a lot (positive) or took out of it.
struct LotChange {
  uint64_t sequence = 0;  // see Explanation
  int64_t points = 0;
  int64_t expires_us = kNever_us;  // of the lot
};
// What an entry did to lots, and what became of those that it made.
struct Explanation {
  // Of an entry's own lots, what a member has of them now; they keep their source when they are
  // transferred.
  struct Left {
    uint32_t member = 0;  // slot
    LotState state = LotState::kActive;
    int64_t points = 0;
    int64_t expires_us = kNever_us;
  };
  uint64_t sequence = 0;
  std::vector<LotChange> took;  // `sequence` is that of the credit that made the lot; 0: arrears
  std::vector<LotChange> used;  // of its own lots; `sequence` is that of the later entry
  std::vector<Left> left;       // by member, expiry, state
  std::vector<uint64_t> about;  // the sequences of the entries about it, in order
  std::vector<Record> records;  // of all sequences above, each once, in order
};

// Of one currency; members + issued + redeemed + expired + adjusted == 0 at every sequence.
struct Totals {
  std::string currency;
  int64_t members = 0;   // points outstanding
  int64_t issued = 0;    // negative: the other side of earns
  int64_t redeemed = 0;  // positive
  int64_t expired = 0;   // positive
  int64_t adjusted = 0;  // the other side of adjustments
};

// Lots of one currency by the month in which their points were issued (of the lot's effective time) and
// the month in which they expire, in the programme's zone: year * 12 + month - 1; and, if asked for, by the level
// that their members are on.
// issued - redeemed - expired - other == active + pending + held.
struct Cohort {
  static constexpr int32_t kNever = INT32_MAX;  // an expiry that never comes, or by inactivity

  uint16_t currency = 0;
  uint16_t level = 0;  // index in Liability::levels
  int32_t issue_month = 0;
  int32_t expiry_month = kNever;
  int64_t issued = 0;    // by earns
  int64_t redeemed = 0;  // less what reversals of redemptions gave back
  int64_t expired = 0;   // journaled or not; less what reversals of earns took back of it
  // What went otherwise: by reversals of earns, negative adjustments, to arrears, not confirmed; less what
  // came otherwise: by positive adjustments. Extending and the like moves points to other cohorts.
  int64_t other = 0;
  int64_t active = 0;
  int64_t pending = 0;
  int64_t held = 0;
};
struct Liability {
  uint64_t sequence = 0;            // the last that may count
  int64_t at_us = 0;                // when the lots were looked at
  std::vector<Cohort> cohorts;      // by currency, level, issue month, expiry month
  std::vector<int64_t> arrears;     // by currency: what members owe
  std::vector<std::string> levels;  // of the ladder; none if levels were not asked for
};

// What a run of expiry journaled, or a dry run would.
struct ExpiryReport {
  struct Line {
    Kind kind =
        Kind::kUnspecified;  // kExpire, kActivate, kTimeOut (of holds), kCancel (unconfirmed)
    uint16_t currency = 0;
    int32_t month = 0;  // in which it happened, in the programme's zone: year * 12 + month - 1
    uint64_t entries = 0;
    int64_t points = 0;
  };
  std::vector<Line> lines;        // by kind, currency, month
  uint64_t started_sequence = 0;  // of the entries that record the run; 0: a dry run
  uint64_t finished_sequence = 0;
};

struct Info {
  uint64_t sequence = 0;  // of the last durable entry
  Digest digest{};        // chain hash at that sequence
  uint64_t members = 0;
  uint64_t segments = 0;
  uint64_t history_sequence = 0;     // what history chunks hold; newer entries are merged on read
  uint64_t checkpoint_sequence = 0;  // where the next opening starts to replay
  uint64_t at_once_sequence =
      0;  // whoever met a level at once by entries up to here has it; 0: read-only
  uint64_t journal_bytes = 0, ids_bytes = 0, history_bytes = 0, state_bytes = 0, disk_bytes = 0;
  uint64_t state_ram_bytes = 0;  // member state, keys and their index
  double replay_s = 0;           // of this opening, after the checkpoint was read
  uint64_t replayed_entries = 0;
  std::vector<std::string> currencies;
};

// How far the ledger is.
struct Head {
  uint64_t sequence = 0;  // of the last durable entry
  Digest digest{};        // chain hash at that sequence
  Status fault;           // why nothing more will be posted; OK: it will
};

struct VerifyReport {
  uint64_t sequence = 0;
  Digest digest{};
  uint64_t blocks = 0;
  uint64_t entries = 0;
  std::vector<Totals> totals;
  std::vector<std::string> problems;  // empty: everything agrees
};

// Told how far a long job is (done <= total); returns false to stop it with kInterrupted.
using Progress = std::function<bool(uint64_t done, uint64_t total)>;

class Ledger {
 public:
  // A batch under way. Wait() returns once it is durable (or failed) and fills the caller's replies;
  // a ticket dropped without Wait() waits in its destructor.
  class Ticket {
   public:
    virtual ~Ticket() = default;
    virtual Status Wait() = 0;
  };

  // Creates `directory` (its parent must exist; it must be empty or absent) as an empty ledger.
  // Until a programme says otherwise, nothing in it expires by itself.
  static Status Create(const std::string& directory, const std::vector<std::string>& currencies);
  // The same with a programme: its normalised JSON (docs/programme.md).
  static Status CreateWithProgram(const std::string& directory, std::string_view json);
  static Result<std::unique_ptr<Ledger>> Open(const std::string& directory,
                                              const LedgerOptions& options = {});
  virtual ~Ledger() = default;

  // Posts a batch; replies[i] answers postings[i], which are applied in order. Each posting stands
  // alone: a refused one does not affect the others. But a chain of linked ones, from the first that is
  // `linked` to the next that is not, stands or falls together. Blocks while the queue is full, then until
  // the batch is durable. kInvalidArgument for a batch larger than the queue; an empty batch is fine.
  virtual Status Post(std::span<const Posting> postings, std::span<Reply> replies) = 0;
  // The same without waiting for durability. `postings` may go when this returns; `replies` must stay
  // until Wait(). Batches submitted by one thread are applied in the order of submission. One that erases
  // members is durable when this returns, and holds up others meanwhile.
  virtual Result<std::unique_ptr<Ticket>> Submit(std::span<const Posting> postings,
                                                 std::span<Reply> replies) = 0;

  // The numbers of codes' texts, journaling those that are new, with few syncs for many. Empty text is
  // code 0. kInvalidArgument for one longer than kMaxCodeBytes: then none is journaled.
  virtual Result<std::vector<uint32_t>> InternCodes(std::span<const std::string_view> texts) = 0;
  virtual Result<std::string> CodeText(uint32_t code) const = 0;
  virtual std::vector<std::string> Currencies() const = 0;

  // Puts a programme, as normalised JSON, in force for the postings from now on, and returns its version;
  // the present one for what is in force already. `codes`: who and why. kInvalidArgument, naming the key,
  // for what is no programme, or cannot follow the one in force.
  virtual Result<uint32_t> ApplyProgram(std::string_view json, const Codes& codes) = 0;
  // 0 until a programme was applied.
  virtual Result<uint32_t> ProgramVersion() const = 0;
  // The JSON of a version. kNotFound.
  virtual Result<std::string> ProgramText(uint32_t version) const = 0;

  // balances[i] answers members[i]; all from states no older than the call.
  virtual Status Balances(std::span<const MemberKey> members, const BalanceQuery& query,
                          std::span<Balance> balances) const = 0;
  // Every member's key and balance at one sequence, in slot order (the order of opening), erased members
  // among them.
  struct Snapshot {
    uint64_t sequence = 0;
    std::vector<OwnedKey> members;
    std::vector<Balance> balances;
  };
  virtual Result<Snapshot> AllBalances(const BalanceQuery& query) const = 0;
  // The same as of a time, from the journal; with what expires next. A member is found from his opening or
  // his first posting on, whichever is effective first. kInvalidArgument for a time or sequence to come.
  virtual Status BalancesAsOf(std::span<const MemberKey> members, uint16_t currency,
                              const AsOf& as_of, std::span<Balance> balances) const = 0;
  // Reads the whole journal up to there; Snapshot::sequence is the last one that may count.
  virtual Result<Snapshot> AllBalancesAsOf(uint16_t currency, const AsOf& as_of,
                                           const Progress& progress) const = 0;
  virtual Result<OwnedKey> KeyOf(uint32_t member) const = 0;
  // Who may spend from an account that is a pool, in the order of their opening. kNotFound for an unknown
  // member.
  struct Spender {
    OwnedKey member;
    int64_t limit = kNoCeiling;  // in all
    int64_t spent = 0;           // or held
  };
  virtual Result<std::vector<Spender>> SpendersOf(const MemberKey& pool,
                                                  uint16_t currency) const = 0;

  // A member's journaled entries (refused ones included), by effective time, then sequence. kNotFound for
  // an unknown member, or one who was not there as of then.
  virtual Result<StatementPage> Statement(const MemberKey& member,
                                          const StatementQuery& query) const = 0;
  // Up to `limit` entries from `sequence` (>= 1) on, in order, durable ones only.
  virtual Result<std::vector<Record>> Changes(uint64_t sequence, size_t limit) const = 0;

  // The sequence of a posting. kNotFound.
  virtual Result<uint64_t> FindPosting(const Id& id) const = 0;
  // kNotFound for a sequence beyond the last.
  virtual Result<Explanation> Explain(uint64_t sequence) const = 0;

  // Checks every checksum and the chain, replays the journal into a fresh state and compares, compares
  // history and ids with the journal, and takes the trial balance. Reads everything; posting goes on.
  virtual Result<VerifyReport> Verify(const Progress& progress) const = 0;

  // Journals what time alone has done to accounts by `as_of_us`: pending lots that became active, holds
  // and confirmations whose time has passed, lots that expired. No answer about any instant changes by it.
  // Posting goes on. Two runs at a time: kBusy. Stopped by `progress` or a crash, the next run goes on.
  virtual Result<ExpiryReport> Expire(int64_t as_of_us, bool dry_run, const Progress& progress) = 0;

  // Assesses members on the programme's ladders, and journals what changes; posting goes on. Run again, nothing
  // changes. Stopped by `progress` or a crash, the next run goes on. kInvalidArgument for a time to come or before
  // the first member, or without ladders; kNotFound for an unknown ladder or member; kBusy for a second run at a
  // time that is not dry.
  virtual Result<TierRun> RecomputeTiers(const TierQuery& query, const Progress& progress) = 0;
  // Where members stand on all ladders; nothing: all members.
  virtual Result<TierTable> Tiers(const std::optional<std::vector<MemberKey>>& members) const = 0;
  // The same as of an instant: what was effective by then. Of named members.
  virtual Result<TierTable> TiersAsOf(std::span<const MemberKey> members, int64_t at_us) const = 0;
  // What a member has, lacks and will have, by ladder; progress[i] is of ladders[i]. As of now, or of an instant
  // that has passed: by the entries that were effective by then, and by the programme in force now. kNotFound for an
  // unknown member, or who was opened later; kInvalidArgument for a time to come, or without ladders.
  struct MemberProgress {
    std::vector<LadderNames> ladders;
    std::vector<TierProgress> progress;
  };
  virtual Result<MemberProgress> TierProgressOf(const MemberKey& member,
                                                std::optional<int64_t> as_of_us) const = 0;

  virtual Result<std::vector<Totals>> TrialBalance() const = 0;
  // Reads the whole journal up to there.
  virtual Result<std::vector<Totals>> TrialBalanceAsOf(const AsOf& as_of,
                                                       const Progress& progress) const = 0;
  // As of a time, or else now. With the name of a ladder also by the levels that members were on then, of the
  // ladder as it is now. Reads the whole journal up to there; twice, for levels. kNotFound for an unknown ladder.
  virtual Result<Liability> LiabilityAsOf(const std::optional<AsOf>& as_of,
                                          const std::optional<std::string>& ladder,
                                          const Progress& progress) const = 0;
  // Waits until an entry of this sequence is durable, no longer than the timeout, nor after a failed write.
  // WaitFor(0, 0) tells how far it is now.
  virtual Result<Head> WaitFor(uint64_t sequence, int64_t timeout_us) const = 0;
  virtual Result<Info> GetInfo() const = 0;
  // Waits for nothing, not even for a disk that hangs.
  virtual Result<Metrics> GetMetrics() const = 0;

  // Builds ids, history and a checkpoint of all that is durable: the next opening replays nothing, and no
  // file of the ledger has the key of a member who was erased before.
  virtual Status Checkpoint() = 0;
  // Finishes what was accepted, checkpoints and closes; no file has an erased key then, either. Calls after
  // it return kClosed. Idempotent.
  virtual Status Close() = 0;
};

}  // namespace loyalty

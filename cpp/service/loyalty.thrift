// What other systems ask of a loyalty ledger. docs/rpc.md explains each call, and how this file may change.
//
// Conventions
//  - Framed transport, binary or compact protocol.
//  - XxxRequest in, XxxResponse out; calls take many members or postings at once.
//  - No field is required. What is absent is left open; where something must be said, its absence is an
//    InvalidRequest that names it.
//  - Points and money are i64, in minor units (a currency with two decimals: 150 is 1.50). Times are i64,
//    microseconds since 1970-01-01 UTC (`_us`); 2^63 - 1 is never, or without end, and 2^63 - 2 is an expiry when the
//    account has been inactive for so long as the programme says. Durations say their unit (`_ms`).
//  - Enums travel as i32, as later versions may know more values than their reader. 0 is unspecified.
//  - How a posting ends is a status in its reply. Exceptions are for faults of the whole call; after one of those,
//    nothing was posted, but after Unavailable, and after a reply that never came, some may have been: send the same
//    again, with the same ids.
//  - Numbers of fields and values are never used again for something else.

namespace cpp loyalty.rpc
namespace py loyalty_rpc
namespace java loyalty.rpc
namespace go loyaltyrpc
namespace js loyaltyrpc

// ---- Who asks -------------------------------------------------------------------------------------

struct RequestHead {
  // Absent where the certificate of the connection says who asks, or the server asks nobody.
  1: optional string token
  // For logs, at both ends; up to 64 characters. The server makes one if absent.
  2: optional string request_id
  // How long the caller waits. Past it a posting is not begun. Absent: as long as the server allows.
  3: optional i32 timeout_ms
}

// ---- Members and postings -------------------------------------------------------------------------

// The caller's own key. The number 7 and the text "7" are different members.
union MemberKey {
  1: i64 number
  2: string text  // 1 to 64 bytes
}

// Permanent: the same id never posts twice.
union PostingId {
  1: binary id         // 16 bytes, as a UUID is written; in the order of time (UUIDv7, ULID) they cost least
  2: string reference  // any text of the caller's: the first 16 bytes of its SHA-256 are the id
}

enum Kind {
  UNSPECIFIED = 0
  OPEN_MEMBER = 1
  EARN = 2
  REDEEM = 3
  ADJUST = 4
  REVERSE = 5
  HOLD = 6
  CAPTURE = 7
  RELEASE = 8
  CONFIRM = 9
  CANCEL = 10
  EXTEND = 11
  SET_LIMITS = 12
  TRANSFER = 13
  CLOSE_MEMBER = 14
  REOPEN_MEMBER = 15
  REINSTATE = 16
  JOIN_POOL = 17
  LEAVE_POOL = 18
  MERGE_MEMBERS = 19
  UNMERGE_MEMBERS = 20
  ERASE_MEMBER = 21
  SET_LEVEL = 22
  // Written by the ledger itself, never accepted from a caller.
  DEFINE_CURRENCY = 64
  DEFINE_CODE = 65
  EXPIRE = 66
  TIME_OUT = 67
  ACTIVATE = 68
  RUN_STARTED = 69
  RUN_FINISHED = 70
  DEFINE_PROGRAM = 71
  MOVE_POINTS = 72
  CHANGE_LEVEL = 73
}

struct Codes {
  1: optional string rule
  2: optional string channel
  3: optional string location
  4: optional string category
  // Who, at the caller's. The journal has the caller's name before it: "checkout/mia".
  5: optional string actor
  6: optional string reason
}

struct Posting {
  1: optional PostingId id
  2: optional i32 kind  // Kind
  3: optional string currency  // absent: the first
  4: optional MemberKey member
  // Absent: as the rule makes of the money (earn), as many as make up for the money (reverse, where there is
  // money), else 0: of a reversal, capture or reinstatement all that is left. Signed for an adjustment.
  5: optional i64 points
  6: optional i64 money
  7: optional i64 effective_us
  8: optional i64 expires_us    // absent: by the programme
  9: optional i64 activates_us  // absent: by the programme; never: once confirmed
  10: optional i64 deadline_us
  11: optional Codes codes
  12: optional PostingId related
  13: optional i64 tag
  14: optional i64 floor
  15: optional i64 ceiling
  16: optional MemberKey other
  17: optional string ladder
  18: optional string level
  19: optional bool linked  // stands or falls with the next one
}

struct Parts {
  1: optional i64 active
  2: optional i64 pending
  3: optional i64 held
  4: optional i64 arrears
}

struct PostingReply {
  1: optional i32 status    // docs/statuses.md
  2: optional i64 sequence  // of its entry, or of the original's; 0: not journaled
  3: optional i64 points    // moved, signed
  4: optional Parts balance
  5: optional i64 repaid
  6: optional i64 limit
}

struct PostRequest {
  1: optional RequestHead head
  2: optional list<Posting> postings
}
struct PostResponse {
  1: optional list<PostingReply> replies
}

// ---- Reading --------------------------------------------------------------------------------------

// At least one is said; together they mean what was known then of what had happened by then.
struct AsOf {
  1: optional i64 effective_us
  2: optional i64 recorded_us
  3: optional i64 sequence
}

struct Balance {
  1: optional bool found  // false: there is no such member, and all else is 0
  2: optional Parts parts
  3: optional i64 expiring_points
  4: optional i64 expiring_us
  5: optional i64 lifetime_earned
  6: optional i64 lifetime_redeemed
  7: optional i64 sequence  // of the account's last entry
}
struct BalancesRequest {
  1: optional RequestHead head
  2: optional list<MemberKey> members
  3: optional list<string> currencies  // absent: the first
  4: optional i64 at_us                // what there is then, if nothing more is posted; absent: now
  5: optional AsOf as_of               // the past instead
  6: optional bool expiring            // also what expires next; takes longer
}
struct BalancesResponse {
  1: optional list<Balance> balances  // by currency, then member: that of member m in currency c at c * members + m
}

// What an entry that gives a level says of it.
struct LevelChange {
  1: optional string ladder
  2: optional string from_level
  3: optional string to_level
  4: optional i64 since_us
  5: optional i64 until_us
  6: optional i64 assessed_us
  // The metrics that decided, as of `assessed_us`, in the order in which the programme of then has them.
  7: optional list<i64> values
}

// An entry of the journal.
struct Record {
  1: optional i64 sequence
  2: optional i64 recorded_us
  3: optional i32 kind    // Kind
  4: optional i32 status  // as PostingReply.status
  5: optional binary id   // 16 bytes; absent: an entry of the ledger's own
  6: optional MemberKey member  // absent: of nobody, or of somebody who was erased
  7: optional string currency
  8: optional i64 points
  9: optional i64 money
  10: optional i64 effective_us
  11: optional i64 expires_us
  12: optional i64 activates_us
  13: optional i64 deadline_us
  14: optional Codes codes
  15: optional i64 related_sequence
  16: optional i64 tag
  17: optional MemberKey other
  18: optional Parts balance  // right after it
  19: optional LevelChange level
  20: optional string text  // of an entry that defines a currency, a code or a programme
  21: optional i32 program_version
  22: optional i64 floor
  23: optional i64 ceiling
  24: optional i64 asked    // points asked for, where others were moved
  25: optional i64 held     // signed: points set aside, or no longer
  26: optional i64 revived  // of a reversed credit: points that had expired, so the member loses less
  27: optional i64 repaid   // as in PostingReply
  28: optional i64 limit    // as in PostingReply
}


struct StatementRequest {
  1: optional RequestHead head
  2: optional MemberKey member
  3: optional i64 from_us  // effective times from here on; absent: from the beginning
  4: optional i64 to_us    // before this one; absent: to the end
  5: optional AsOf as_of
  6: optional i32 limit      // records a page; absent: as many as the server allows
  7: optional string cursor  // `next_cursor` of the page before
}
struct StatementResponse {
  1: optional list<Record> records
  // The sum of the points up to each record, in its currency, from the member's first entry on.
  2: optional list<i64> running_points
  3: optional string next_cursor  // absent: this is the last page
}

// Entries from a sequence on, as they become durable: whoever goes on after the last one misses none.
struct ChangesRequest {
  1: optional RequestHead head
  2: optional i64 from_sequence  // 1 is the first
  3: optional i32 limit
  4: optional i32 wait_ms  // if there is none yet, until there is, or so long; absent: not
}
struct ChangesResponse {
  1: optional list<Record> records
  2: optional i64 next_sequence     // where to go on
  3: optional i64 durable_sequence  // the last there is
}

struct Lot {
  1: optional i64 sequence  // of the credit that made it; of what used it, the later entry; 0: arrears
  2: optional i64 points
  3: optional i64 expires_us
}
enum LotState {
  UNSPECIFIED = 0
  ACTIVE = 1
  PENDING = 2
  HELD = 3
  EXPIRED = 4
  LOST = 5
}
struct LotLeft {
  1: optional MemberKey member
  2: optional i32 state  // LotState
  3: optional i64 points
  4: optional i64 expires_us
}
struct ExplainRequest {
  1: optional RequestHead head
  2: optional PostingId posting  // or else
  3: optional i64 sequence
}
struct ExplainResponse {
  1: optional i64 sequence
  2: optional list<Lot> took        // lots that its points came from
  3: optional list<Lot> used        // what later entries took of its own lots
  4: optional list<LotLeft> left    // of those, what there is now
  5: optional list<i64> about       // sequences of the entries about it
  6: optional list<Record> records  // of all sequences above, each once, in order
}

// ---- Levels ---------------------------------------------------------------------------------------

// Of the programme.
struct Ladder {
  1: optional string name
  2: optional list<string> levels  // the first is everybody's, the last the highest
  3: optional list<string> metrics
}

struct Standing {
  1: optional string ladder
  2: optional string level
  3: optional i64 since_us
  4: optional i64 until_us    // absent: while it is earned, or for good
  5: optional string kept     // nothing takes the member below this level
  6: optional i64 kept_until_us
  7: optional string for_life  // nor ever below this one
  8: optional i64 sequence     // of the entry that said so; 0: none did
}
struct Standings {
  1: optional bool found
  2: optional list<Standing> standings  // by ladder
  3: optional MemberKey member  // whose they are: of one who was merged, the survivor
}
struct TiersRequest {
  1: optional RequestHead head
  2: optional list<MemberKey> members
  3: optional i64 as_of_us  // absent: now
}
struct TiersResponse {
  1: optional list<Standings> members  // as asked for
  2: optional list<Ladder> ladders
}

struct MetricValue {
  1: optional string name
  2: optional i64 value
}

struct Need {
  1: optional string metric
  2: optional i64 value
  3: optional i64 least
}
struct Progress {
  1: optional Standing now
  2: optional LevelChange evidence  // of the entry that gave the level
  3: optional list<MetricValue> metrics
  4: optional string next_level       // absent: there is none that can be earned
  5: optional list<list<Need>> to_next  // each alternative, and all it asks for
  6: optional i64 ends_us             // when the level is assessed next; absent: by each run
  7: optional list<list<Need>> to_stay
  8: optional string projected_level  // after that, if nothing more is posted
  9: optional list<string> evidence_metrics  // what the values of `evidence` are of
  10: optional string reached_level  // by `metrics`, whatever the member has
  11: optional list<MetricValue> metrics_at_end  // if nothing more is posted
}
struct MemberProgress {
  1: optional bool found
  2: optional list<Progress> ladders
}
struct TierProgressRequest {
  1: optional RequestHead head
  2: optional list<MemberKey> members
  3: optional i64 as_of_us
}
struct TierProgressResponse {
  1: optional list<MemberProgress> members  // as asked for
  2: optional list<Ladder> ladders
}

// ---- Runs -----------------------------------------------------------------------------------------

enum RunKind {
  UNSPECIFIED = 0
  EXPIRY = 1
  TIERS = 2
}
enum RunState {
  UNSPECIFIED = 0
  RUNNING = 1
  FINISHED = 2
  STOPPED = 3  // begun again, it goes on where it was
  FAILED = 4
}
struct StartRunRequest {
  1: optional RequestHead head
  2: optional i32 kind   // RunKind
  3: optional i64 at_us  // absent: now
  4: optional bool dry_run
  5: optional list<string> ladders     // of TIERS; absent: all
  6: optional list<MemberKey> members  // of TIERS; absent: all
  // The caller's own name of it, up to 64 bytes: the same again starts no second run. The server makes one if absent.
  7: optional string run_id
  8: optional bool keep_changes  // of TIERS: for run_changes
}
struct StartRunResponse {
  1: optional string run_id
}
struct Move {
  1: optional string ladder
  2: optional string from_level
  3: optional string to_level
  4: optional i64 members
}
struct ExpiryLine {
  1: optional i32 kind  // Kind
  2: optional string currency
  3: optional i32 year
  4: optional i32 month
  5: optional i64 entries
  6: optional i64 points
}
struct Run {
  1: optional string run_id
  2: optional i32 kind   // RunKind
  3: optional i32 state  // RunState
  4: optional bool dry_run
  5: optional i64 at_us
  6: optional i64 done   // of `total`
  7: optional i64 total
  8: optional string message  // of one that failed
  9: optional i64 started_sequence  // of the entries that record it; absent: a dry run
  10: optional i64 finished_sequence
  11: optional list<ExpiryLine> expired
  12: optional list<Move> moves  // those who stay among them
  13: optional i64 assessed
  14: optional i64 passed_over  // whose standing changed beside the run
  15: optional list<Ladder> ladders
  16: optional i64 through_sequence  // what counted
  17: optional i32 program_version
  18: optional i32 code  // of one that failed; as InvalidRequest.code
}
struct FollowRunRequest {
  1: optional RequestHead head
  2: optional string run_id
  3: optional i32 wait_ms  // until it ends, or so long; absent: not
}
struct FollowRunResponse {
  1: optional Run run
}
// One change of a member's standing: another level, or the same one for longer.
struct TierChange {
  1: optional MemberKey member
  2: optional string ladder
  3: optional string from_level
  4: optional string to_level
  5: optional i64 effective_us
  6: optional i64 assessed_us
  7: optional i64 until_us       // absent: while it is earned, or for good
  8: optional list<i64> values   // of the ladder's metrics, as of `assessed_us`
}
struct RunChangesRequest {
  1: optional RequestHead head
  2: optional string run_id
  3: optional i64 offset  // how many to pass over; absent: none
  4: optional i32 limit
}
struct RunChangesResponse {
  1: optional list<TierChange> changes  // by member, ladder, time
  2: optional i64 total
}
struct StopRunRequest {
  1: optional RequestHead head
  2: optional string run_id
}
struct StopRunResponse {
  1: optional Run run
}

// ---- The ledger and the server --------------------------------------------------------------------

struct ProgramRequest {
  1: optional RequestHead head
  2: optional i32 version  // absent: the one in force
}
struct ProgramResponse {
  1: optional i32 version
  2: optional i32 version_in_force
  3: optional string json  // docs/programme.md; absent: there is none yet
}
struct ApplyProgramRequest {
  1: optional RequestHead head
  2: optional string json
  3: optional string actor
  4: optional string reason
}
struct ApplyProgramResponse {
  1: optional i32 version  // in force now
}
struct DigestRequest {
  1: optional RequestHead head
}
struct DigestResponse {
  1: optional i64 sequence
  2: optional binary digest  // 32 bytes
}
// One who may spend from an account that is a pool.
struct Spender {
  1: optional MemberKey member
  2: optional i64 limit  // in all; absent: none
  3: optional i64 spent  // or held
}
struct SpendersRequest {
  1: optional RequestHead head
  2: optional MemberKey pool
  3: optional string currency  // absent: the first
}
struct SpendersResponse {
  1: optional list<Spender> spenders  // in the order of their opening
}
struct Totals {
  1: optional string currency
  2: optional i64 members
  3: optional i64 issued
  4: optional i64 redeemed
  5: optional i64 expired
  6: optional i64 adjusted
}
struct TotalsRequest {
  1: optional RequestHead head
}
struct TotalsResponse {
  1: optional list<Totals> totals  // by currency; the five sums of each are 0 together
}
enum Health {
  UNSPECIFIED = 0
  STARTING = 1
  READY = 2
  READING_ONLY = 3  // a write has failed
  STOPPING = 4
}
struct HealthRequest {
}
struct HealthResponse {
  1: optional i32 health  // Health
  2: optional string message
}
struct ServerInfoRequest {
  1: optional RequestHead head
}
struct ServerInfoResponse {
  1: optional string version
  2: optional list<string> currencies
  3: optional i32 postings_a_request_max
  4: optional i32 members_a_request_max
  5: optional i32 records_a_page_max
  6: optional i32 timeout_ms_max
  7: optional MemberKey first_member  // tells of which sort the ledger's keys are; absent: there is none yet
}
struct LedgerInfoRequest {
  1: optional RequestHead head
}
struct LedgerInfoResponse {
  1: optional i64 sequence
  2: optional binary digest  // 32 bytes
  3: optional i64 members
  4: optional i64 segments
  5: optional i64 history_sequence     // later entries are merged into what is read
  6: optional i64 checkpoint_sequence  // where the next opening starts to replay
  7: optional i64 at_once_sequence     // whoever met a level at once by entries up to here has it
  8: optional i64 journal_bytes
  9: optional i64 ids_bytes
  10: optional i64 history_bytes
  11: optional i64 state_bytes
  12: optional i64 disk_bytes
  13: optional i64 state_ram_bytes
  14: optional double replay_s  // of the last opening
  15: optional i64 replayed_entries
  16: optional list<string> currencies
}

// ---- Faults ---------------------------------------------------------------------------------------

// The request cannot be understood, or asks for what is not there: the message names the field. Never as it is.
exception InvalidRequest {
  1: optional string message
  2: optional i32 code  // which fault it was: a StatusCode of cpp/include/loyalty/status.h
}
exception Unauthenticated {
  1: optional string message
}
// The caller's role does not allow it.
exception Forbidden {
  1: optional string message
}
// Too busy, a limit of the caller's, past the time, stopping, or unable to write. Later, with the same ids.
exception Unavailable {
  1: optional string message
  2: optional i32 retry_after_ms  // absent: not before somebody has looked at it
  3: optional i32 code            // as InvalidRequest.code
}
exception Internal {
  1: optional string message
  2: optional i32 code  // as InvalidRequest.code
}

service Ledger {
  PostResponse post(1: PostRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  BalancesResponse balances(1: BalancesRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  StatementResponse statement(1: StatementRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  ChangesResponse changes(1: ChangesRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  ExplainResponse explain(1: ExplainRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  TiersResponse tiers(1: TiersRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  TierProgressResponse tier_progress(1: TierProgressRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  StartRunResponse start_run(1: StartRunRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  FollowRunResponse follow_run(1: FollowRunRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  RunChangesResponse run_changes(1: RunChangesRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  StopRunResponse stop_run(1: StopRunRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  ProgramResponse program(1: ProgramRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  ApplyProgramResponse apply_program(1: ApplyProgramRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  DigestResponse digest(1: DigestRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  SpendersResponse spenders(1: SpendersRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  TotalsResponse totals(1: TotalsRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  ServerInfoResponse server_info(1: ServerInfoRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  LedgerInfoResponse ledger_info(1: LedgerInfoRequest request) throws (
    1: InvalidRequest invalid, 2: Unauthenticated unauthenticated, 3: Forbidden forbidden,
    4: Unavailable unavailable, 5: Internal failed)
  // Of anybody; for whoever decides where to send requests.
  HealthResponse health(1: HealthRequest request)
}

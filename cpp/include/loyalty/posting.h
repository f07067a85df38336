// What callers ask for (Posting), how each request ends (PostingStatus, Reply), and what the journal
// keeps of it (Entry). Plain values; no thread safety needed.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loyalty {

// The caller's permanent 128-bit id of a posting. Zero means "none" and is refused on a posting.
// Time-ordered ids (UUIDv7, ULID; big-endian bytes) are the fast path; any ids are correct.
struct Id {
  uint64_t hi = 0;
  uint64_t lo = 0;
  auto operator<=>(const Id&) const = default;
  bool is_zero() const { return (hi | lo) == 0; }
};

// The id of a caller's reference string: the first 16 bytes of its SHA-256, big-endian.
Id IdFromReference(std::string_view reference);
std::string ToString(const Id& id);  // 32 hex digits
// The 16 bytes of an id, big-endian, as UUIDs are written.
inline Id LoadId(const uint8_t* bytes) {
  Id id;
  for (int i = 0; i < 8; ++i) id.hi = id.hi << 8 | bytes[i];
  for (int i = 8; i < 16; ++i) id.lo = id.lo << 8 | bytes[i];
  return id;
}
inline void StoreId(const Id& id, uint8_t* bytes) {
  for (int i = 0; i < 8; ++i) bytes[i] = uint8_t(id.hi >> (56 - 8 * i));
  for (int i = 0; i < 8; ++i) bytes[8 + i] = uint8_t(id.lo >> (56 - 8 * i));
}

// A member's own key: an integer, or a string of 1 to 64 bytes of UTF-8 without U+0000. The integer 7 and the string
// "7" are different members. Does not own its text.
struct MemberKey {
  static constexpr size_t kMaxTextBytes = 64;

  MemberKey() = default;
  explicit MemberKey(int64_t value) : number(value) {}
  explicit MemberKey(std::string_view value) : is_text(true), text(value) {}

  bool is_text = false;
  int64_t number = 0;
  std::string_view text;
  bool operator==(const MemberKey& other) const {
    return is_text == other.is_text && (is_text ? text == other.text : number == other.number);
  }
};
std::string ToString(const MemberKey& key);

// A member's key as the ledger tells it, with a text of its own. An erased member has none.
struct OwnedKey {
  enum Sort : uint8_t { kErased, kNumber, kText };

  OwnedKey() = default;
  explicit OwnedKey(const MemberKey& key)
      : sort(key.is_text ? kText : kNumber), number(key.is_text ? 0 : key.number), text(key.text) {}

  Sort sort = kErased;
  int64_t number = 0;
  std::string text;
  bool operator==(const OwnedKey&) const = default;
};
std::string ToString(const OwnedKey& key);  // empty of an erased member

// Stored: numbers never change and are never reused.
enum class Kind : uint8_t {
  kUnspecified = 0,
  kOpenMember = 1,
  kEarn = 2,
  kRedeem = 3,
  kAdjust = 4,
  kReverse = 5,
  kHold = 6,
  kCapture = 7,
  kRelease = 8,
  kConfirm = 9,
  kCancel = 10,
  kExtend = 11,
  kSetLimits = 12,
  kTransfer = 13,
  kCloseMember = 14,
  kReopenMember = 15,
  kReinstate = 16,
  kJoinPool = 17,
  kLeavePool = 18,
  kMergeMembers = 19,
  kUnmergeMembers = 20,
  kEraseMember = 21,
  kSetLevel = 22,
  // Written by the ledger itself, never accepted from a caller.
  kDefineCurrency = 64,
  kDefineCode = 65,
  kDefineProgram = 71,
  kExpire = 66,
  kTimeOut = 67,   // the end of a hold that was neither captured nor released
  kActivate = 68,  // of a pending lot, at its time
  kRunStarted = 69,
  kRunFinished = 70,
  kMovePoints = 72,   // between two members, by their merging or its undoing
  kChangeLevel = 73,  // of a ladder, by an assessment
};
std::string_view ToString(Kind kind);
// Whether it must say who did it and why (actor and reason): what a clerk decides, and no programme.
bool IsAudited(Kind kind);

// How one posting ended, in order of precedence: a posting gets the first that applies. Stored and on
// the wire: numbers never change and are never reused. docs/statuses.md explains each.
enum class PostingStatus : uint16_t {
  kUnspecified = 0,
  kPosted = 1,
  kPostedInPart = 2,
  // Malformed: not journaled, the id stays unused.
  kIdMissing = 10,
  kKindInvalid = 11,
  kMemberKeyInvalid = 12,
  kCurrencyNotFound = 13,
  kPointsInvalid = 14,
  kMoneyInvalid = 15,
  kEffectiveTimeOutOfRange = 16,
  kExpiryInvalid = 17,
  kCodeNotFound = 18,
  kActorMissing = 19,
  kReasonMissing = 20,
  kRelatedMissing = 21,
  kRelatedNotAllowed = 22,
  kActivationInvalid = 23,
  kDeadlineInvalid = 24,
  kLimitsInvalid = 25,
  kOtherMemberInvalid = 26,
  kRuleOfOtherCurrency = 27,
  kNoPointsByRule = 28,
  kLevelNotFound = 29,
  kLinkedChainOpen = 90,
  kLinkedNotAllowed = 91,
  kLinkedPostingMalformed = 92,
  // The id was seen before: nothing is posted, the reply carries the original's sequence.
  kAlreadyExists = 30,
  kIdAlreadyFailed = 31,
  kExistsWithDifferentKind = 32,
  kExistsWithDifferentMember = 33,
  kExistsWithDifferentCurrency = 34,
  kExistsWithDifferentPoints = 35,
  kExistsWithDifferentMoney = 36,
  kExistsWithDifferentEffectiveTime = 37,
  kExistsWithDifferentExpiry = 38,
  kExistsWithDifferentRelated = 39,
  kExistsWithDifferentCodes = 40,
  kExistsWithDifferentTag = 41,
  kExistsWithDifferentActivation = 42,
  kExistsWithDifferentDeadline = 43,
  kExistsWithDifferentLimits = 44,
  kExistsWithDifferentOtherMember = 45,
  kExistsWithDifferentLevel = 46,
  // Refused by the state of the ledger: journaled, and the id is used up.
  kMemberNotFound = 60,
  kMemberAlreadyOpen = 61,
  kRelatedNotFound = 62,
  kRelatedNotReversible = 63,
  kRelatedOfOtherMember = 64,
  kRelatedAlreadyReversed = 65,
  kInsufficientPoints = 66,
  kBalanceWouldOverflow = 67,
  kReversalExceedsOriginal = 68,
  kOverCeiling = 69,
  kRelatedNotAHold = 70,
  kHoldExpired = 71,
  kHoldAlreadyClosed = 72,
  kCaptureExceedsHold = 73,
  kRelatedNotPending = 74,
  kConfirmationTooLate = 75,
  kRelatedNotACredit = 76,
  kNothingLeft = 77,
  kExpiryNotLater = 78,
  kMemberClosed = 79,
  kMemberNotClosed = 80,
  kOtherMemberNotFound = 81,
  kOtherMemberClosed = 82,
  kTransferForbidden = 83,
  kLinkedPostingFailed = 84,
  kNothingExpired = 85,
  kReinstatementTooLate = 86,
  kReinstatementExceedsExpired = 87,
  kNotInPool = 88,
  kPoolLimitPassed = 89,
  kSameMember = 100,
  kOtherMemberIsPool = 101,
  kRelatedNotAMerge = 102,
  kMergedSince = 103,
  kRefundExceedsOriginal = 104,
  kLevelChangedSince = 105,
};
std::string_view ToString(PostingStatus status);
// Whether it moved points: all of them, or part.
inline bool IsPosted(PostingStatus s) {
  return s == PostingStatus::kPosted || s == PostingStatus::kPostedInPart;
}
inline bool IsMalformed(PostingStatus s) {
  return (uint16_t(s) >= 10 && uint16_t(s) < 30) || (uint16_t(s) >= 90 && uint16_t(s) < 100);
}
// Whether it depends on the programme in force: asked only of an id that was not seen before.
inline bool IsRefusedByProgram(PostingStatus s) {
  return s == PostingStatus::kRuleOfOtherCurrency || s == PostingStatus::kNoPointsByRule ||
         s == PostingStatus::kLevelNotFound;
}
inline bool IsDuplicate(PostingStatus s) { return uint16_t(s) >= 30 && uint16_t(s) < 60; }

// Text codes are interned once (Ledger::InternCodes); zero means none.
constexpr size_t kMaxCodeBytes = 256;
struct Codes {
  uint32_t rule = 0;
  uint32_t channel = 0;
  uint32_t location = 0;
  uint32_t category = 0;
  uint32_t actor = 0;
  uint32_t reason = 0;
  bool operator==(const Codes&) const = default;
};

// Effective times are microseconds since 1970-01-01 UTC.
constexpr int64_t kMinTime_us = -2'208'988'800'000'000;  // 1900-01-01
constexpr int64_t kMaxTime_us = 7'258'118'400'000'000;   // 2200-01-01, exclusive
constexpr int64_t kNever_us = INT64_MAX;                 // an expiry that never comes
// Of a lot: it expires when its account has been inactive for so long as the programme says.
constexpr int64_t kByInactivity_us = INT64_MAX - 1;
constexpr int64_t kByProgram = INT64_MIN;  // a value that the programme decides
constexpr int64_t kAtOnce_us = INT64_MIN;  // of an entry: an activation without waiting
constexpr int64_t kNoCeiling = INT64_MAX;

// What few postings say.
struct Terms {
  // Of the lot that an earn or a positive adjustment makes: when its points can be spent; the effective
  // time for at once. kNever_us: once confirmed, before `deadline_us`.
  int64_t activates_us = kByProgram;
  int64_t deadline_us = kNever_us;  // of a hold: when it times out; of a pending lot: see above
  int64_t floor = kByProgram;       // kSetLimits: the account's from now on
  // kSetLimits: likewise; or kNoCeiling. kJoinPool: how many points the member may spend from it, in all.
  int64_t ceiling = kByProgram;
  int64_t ladder = 0;  // kSetLevel: codes of the names of the ladder, and of the level on it
  int64_t level = 0;
  bool operator==(const Terms&) const = default;
};

struct Posting {
  Id id;
  Kind kind = Kind::kUnspecified;
  uint16_t currency = 0;  // its index in the programme; ignored for kOpenMember
  MemberKey member;
  // Minor units. Earn: >= 0, or kByProgram: as its rule makes of the money. Redeem, hold: > 0. Adjust:
  // != 0, signed. Transfer: > 0. Reverse, capture, reinstate: >= 0, 0 for all that is left; reverse also
  // kByProgram: as many as make up for the money. Else 0.
  int64_t points = 0;
  int64_t money = 0;         // minor units, >= 0: what was paid, carried for tiers and analysis
  int64_t effective_us = 0;  // when it happened in the shop
  // Of the lot that an earn or a positive adjustment makes, that a confirmation makes active, or that is
  // extended or reinstated. kNever_us: never. kSetLevel: until when nothing takes the member below the level.
  int64_t expires_us = kByProgram;
  Codes codes;  // adjust, extend, set limits: actor and reason required
  // The id of the posting that this one is about: to reverse, capture, release, confirm, cancel, extend,
  // reinstate, unmerge.
  Id related;
  uint64_t tag = 0;              // free for the caller
  const Terms* terms = nullptr;  // null: as in Terms()
  // Transfer: who gets the points. Join, leave a pool (`member`): who does. Redeem, hold from a pool: who
  // spends; null: nobody in particular. Merge: whose key leads to `member` from then on.
  const MemberKey* other = nullptr;
  bool linked = false;  // stands or falls with the next posting of the batch
};

// The parts of an account's balance at an instant, in minor units.
struct BalanceParts {
  int64_t active = 0;   // can be spent
  int64_t pending = 0;  // earned, not yet active
  int64_t held = 0;     // set aside by holds
  int64_t arrears = 0;  // owed
  bool operator==(const BalanceParts&) const = default;
};

struct Reply {
  PostingStatus status = PostingStatus::kUnspecified;
  uint64_t sequence = 0;  // of the journal entry (a duplicate: the original's); 0: not journaled
  BalanceParts balance;   // right after that entry, as of its effective time; zeros: not journaled
  int64_t points = 0;     // what the entry moved, signed
  int64_t repaid = 0;     // of a credit: what went to arrears
  int64_t limit = 0;      // when a limit refused or cut it: how much was possible
};

// What a posting left open: bits of Entry::by_program. Stored.
enum ByProgram : uint8_t {
  kPointsByRule = 1,
  kExpiryByProgram = 2,
  kActivationByProgram = 4,
  // `expires_us` is until when points that expire by inactivity live: an activity. Its own lot is one of them.
  kByInactivity = 8,
  kAllThatIsLeft = 16,  // of a reversal posted in part: it asked for 0
};

// One record of the journal. `points` is signed: what the member gains or loses by it, so that the sum of
// an account's points is active + pending + held - arrears. Nothing moves unless IsPosted(status).
struct Entry {
  static constexpr uint32_t kNoMember = UINT32_MAX;

  Id id;
  int64_t effective_us = 0;
  int64_t points = 0;
  int64_t money = 0;
  int64_t expires_us = kNever_us;
  int64_t balance = 0;   // active points of the account right after this entry
  uint64_t related = 0;  // sequence of the posting it is about
  uint64_t tag = 0;
  uint32_t member = kNoMember;  // slot: members are numbered from 0 in the order of opening
  Codes codes;
  uint16_t currency = 0;
  PostingStatus status = PostingStatus::kUnspecified;
  Kind kind = Kind::kUnspecified;
  Kind related_kind = Kind::kUnspecified;  // of the posting it is about
  uint8_t by_program = 0;                  // ByProgram: then the value here is the programme's
};

// What an entry that undoes or confirms an earlier one changes of what that one counts for on ladders: at its time and under
// its codes. Signed as points of a member's: a redemption that is reversed counts above 0.
struct Correction {
  int64_t of_us = 0;  // effective time of the earlier one
  int64_t points = 0;
  int64_t money = 0;
  int64_t visits = 0;  // -1: undone whole; 1: confirmed
  int64_t rule = 0;    // codes of the earlier one
  int64_t channel = 0;
  int64_t location = 0;
  int64_t category = 0;
  bool operator==(const Correction&) const = default;
};

// Where a member stands on a ladder. Levels are the codes of their names; 0: the ladder's first one.
struct LevelStanding {
  uint32_t level = 0;
  int64_t since_us = kMinTime_us;  // when the member came to the level
  int64_t until_us = kNever_us;    // the end of its validity, if that was said; then it is assessed
  uint32_t kept = 0;               // nothing takes the member below this level
  int64_t kept_until_us = kMinTime_us;  // before this instant
  uint32_t for_life = 0;                // nor ever below this one
  // Since when without a break on the level, or above it, that the ladder gives for life; kNever_us: not.
  int64_t lifetime_from_us = kNever_us;
  bool operator==(const LevelStanding&) const = default;
};

// What an entry of kSetLevel or kChangeLevel makes of it.
struct LevelChange {
  uint32_t ladder = 0;  // code of its name
  uint32_t from = 0;    // as LevelStanding::level
  LevelStanding to;
  // Of an assessment: the instant that its metrics are as of, and what they were, in the order in which the
  // programme has them.
  int64_t assessed_us = kNever_us;
  std::vector<int64_t> values;
  bool operator==(const LevelChange&) const = default;
};

// What few entries have.
struct Details {
  static constexpr int64_t kNoOther = -1;
  static constexpr int64_t kUnknownOther = -2;  // named, and nobody; never stored

  Terms terms;
  int64_t other = kNoOther;  // the slot of the other member
  int64_t asked = 0;         // points asked for, where others were moved
  int64_t held = 0;  // signed: points set aside (hold), or no longer (capture, release, time-out)
  int64_t revived = 0;  // of a reversed credit: points that had expired, so the member loses less
  int64_t repaid = 0;   // as in Reply
  int64_t limit = 0;    // as in Reply
  // Of an activity whose own lot has another expiry: as Entry::expires_us of kByInactivity.
  int64_t active_until_us = 0;
  // Of points that move: what they bring to the sums of the member's life.
  int64_t earned = 0;
  int64_t redeemed = 0;
  int64_t pending_after = 0;
  int64_t held_after = 0;
  int64_t arrears_after = 0;
  Correction correction;
  bool operator==(const Details&) const = default;
};

}  // namespace loyalty

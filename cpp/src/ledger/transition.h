// What a posting does: Decide says how it ends, Apply makes it so. Both are pure: no clock, no
// randomness, no dependence on threads or on hash order. Replay calls Apply alone, on what was decided
// then, so a change of rules never changes the past.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "journal/block.h"
#include "ledger/state.h"

namespace loyalty::ledger {

// The posting that another one is about, as the journal has it.
struct Original {
  uint64_t sequence = 0;
  Entry entry;
  Details details;
  std::vector<LotMovement> movements;
  uint32_t program_version = 0;  // in force when it was posted
  // Of a credit: points that were journaled as expired, and neither reversed nor reinstated since.
  int64_t expired = 0;
  int64_t expired_lately = 0;  // of these, late enough to be reinstated
  // Of no posting (sequence 0), for the leaving of a pool: the sources of what the member brought; in order.
  std::vector<uint64_t> brought;
};

// What the form of a posting says about it, before any state: kUnspecified when it is well-formed.
// `codes` is how many there are.
PostingStatus CheckForm(const Posting& posting, const Rules& rules, uint32_t codes);

// Whether a posting like that gives points, so makes a lot.
inline bool MakesALot(Kind kind, int64_t points) {
  return kind == Kind::kEarn || (kind == Kind::kAdjust && points > 0);
}
// Whether a posting like that may say when points expire.
bool SaysExpiry(Kind kind, int64_t points);
// Whether a posting of that kind may name another member.
bool NamesOther(Kind kind);
// Whether postings of that kind are about an account, not about a member alone.
bool IsAboutAnAccount(Kind kind);
inline bool IsAboutMerging(Kind kind) {
  return kind == Kind::kMergeMembers || kind == Kind::kUnmergeMembers;
}

inline bool IsAboutLevels(Kind kind) {
  return kind == Kind::kSetLevel || kind == Kind::kChangeLevel;
}
// What defines something, or notes a run: it is about no member.
inline bool IsOfTheLedger(Kind kind) {
  return journal::HasText(kind) && kind != Kind::kOpenMember && !IsAboutLevels(kind);
}

// A well-formed posting as an entry to decide, and its details, but for what it leaves to the programme
// (Rules::Complete). `member` is its slot, or kNoMember.
Entry AsAsked(const Posting& posting, uint32_t member, Details* details);
// The points asked for, from an entry as asked or as journaled: signed as Entry::points, or of a posting
// that is about another one, 0 for all.
int64_t AskedPoints(const Entry& entry, const Details& details);

// Brings the memory near that entries a little after entries[i] will need.
void PrefetchAhead(std::span<const Entry> entries, size_t i, const State& state);

// Decides an entry against the state: fills its status, points, related and related_kind, and its
// details; appends the lot movements of one that is posted. Of an entry of kOpenMember, `entry->member` is
// the slot of the key if it is taken, else kNoMember: set to the new slot. `original` is the posting that it
// is about: null when it names none, or an unknown one.
void Decide(const State& state, const Original* original, Entry* entry, Details* details,
            std::vector<LotMovement>* movements);

// Whether deciding that entry takes Original::expired into account: of a reversal, when its own lot has too
// little left.
bool NeedsExpired(const State& state, const Original& original, const Entry& entry,
                  const Details& details);

// What falls due by itself: what an account must have journaled before a posting at an instant is decided (the
// ends of holds), and before an activity (what has expired by inactivity, too); what a run journals (activations
// and all expiries, too).
enum class DueScope { kEndedHolds, kBeforeActivity, kAll };
// The first of it by an instant, as an entry to decide. False when there is none.
bool NextDue(const State& state, uint32_t member, uint16_t currency, int64_t by_us, DueScope scope,
             Entry* due);

// The entry that gives `member` the points of a posted transfer, or of the leaving of a pool. To be decided
// with the first as its original.
Entry SecondOfTransfer(const Entry& first, uint32_t member, uint64_t sequence);

// The points that the movements of an entry that fell due take out of lots or put into them.
int64_t PointsMoved(std::span<const LotMovement> movements);

// Where the lot stands that a posted entry makes.
inline int64_t LotExpiry(const Entry& entry) {
  return entry.by_program & kByInactivity ? kByInactivity_us : entry.expires_us;
}
inline LotOrder OwnLot(const Entry& entry, uint64_t sequence) {
  return {LotExpiry(entry), entry.effective_us, sequence};
}

// The text of a posted entry of kSetLevel: what it makes of the member's standing.
std::string TextOfGiven(const State& state, const Entry& entry, const Details& details);

// What a posted entry sets aside, if anything: by a hold, or by one that moves with its member and goes by its
// sequence still.
inline bool MakesAHold(const Details& details) { return details.held > 0; }
Hold HoldOf(const Entry& entry, const Details& details, uint64_t sequence,
            std::span<const LotMovement> movements);
// The lot that cannot be spent from the beginning which a posted entry makes, or moves to another member.
std::optional<PendingLot> PendingLotOf(const Entry& entry, const Details& details,
                                       uint64_t sequence, int64_t own_points);

// Until when an entry lets points live that expire by inactivity; kMinTime_us: it is no activity.
inline int64_t ActiveUntil(const Entry& entry, const Details& details) {
  if (entry.by_program & kByInactivity) return entry.expires_us;
  return details.active_until_us != 0 ? details.active_until_us : kMinTime_us;
}

// Applies an entry as decided; returns the account's balance after it, as of its effective time. The text of
// an opening is the member's key in stored form, or empty when it was erased since.
// kCorruption if it does not fit the state (which then is no longer what the journal says).
Result<BalanceParts> Apply(const Entry& entry, const Details& details, uint64_t sequence,
                           std::span<const LotMovement> movements, std::string_view text,
                           State* state);

// The balance that an entry recorded.
inline BalanceParts RecordedParts(const Entry& entry, const Details& details) {
  return {entry.balance, details.pending_after, details.held_after, details.arrears_after};
}

// Applies those entries of a block from the journal that the state does not have yet, up to `through`,
// checking that each balance comes out as recorded. The group's openings must have their keys as texts
// (journal::KeyRecords).
Status ApplyGroup(const journal::Group& group, uint64_t through, State* state);

}  // namespace loyalty::ledger

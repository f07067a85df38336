// Levels that somebody gives.
#include "journal/level_change.h"
#include "ledger/deciding.h"

namespace loyalty::ledger {

PostingStatus DecideLevel(const State& state, const Entry& entry, const Details& details) {
  const MemberLevel* const now =
      state.PageOf(entry.member)->FindLevel(entry.member, uint32_t(details.terms.ladder));
  const bool changed_since = now && now->standing.since_us > entry.effective_us;
  return changed_since ? PostingStatus::kLevelChangedSince : PostingStatus::kPosted;
}

std::string TextOfGiven(const State& state, const Entry& entry, const Details& details) {
  const auto code = uint32_t(details.terms.ladder);
  const CodedLadder& ladder = *state.RulesInForce().LadderAt(code);
  const MemberLevel* const now = state.PageOf(entry.member)->FindLevel(entry.member, code);
  LevelChange change;
  change.ladder = code;
  if (now) change.to = now->standing;
  const int from = ladder.PlaceOf(change.to.level);
  const auto given = uint32_t(details.terms.level);
  const int to = ladder.PlaceOf(given);
  change.from = ladder.levels[size_t(from)];
  change.to.level = given;
  if (from != to) {
    change.to.since_us = entry.effective_us;
    change.to.until_us = kNever_us;  // the programme says it, from now on
  }
  change.to.kept = to == 0 ? 0 : given;
  change.to.kept_until_us = to == 0 ? kMinTime_us : entry.expires_us;
  if (to < ladder.PlaceOf(change.to.for_life)) change.to.for_life = 0;
  const int lifetime = ladder.ladder->lifetime_level;
  if (lifetime < 0 || to < lifetime) {
    change.to.lifetime_from_us = kNever_us;
  } else if (change.to.lifetime_from_us == kNever_us) {
    change.to.lifetime_from_us = entry.effective_us;
  }
  return journal::EncodeLevelChange(change, entry.effective_us);
}

}  // namespace loyalty::ledger

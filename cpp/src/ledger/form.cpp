// What can be said of a posting without the state.
#include <algorithm>

#include "ledger/transition.h"
#include "loyalty/text.h"

namespace loyalty::ledger {
namespace {

// What a kind lets a posting say.
struct KindRules {
  enum Sign { kNone, kZeroOrMore, kPositive, kNotZero };

  bool known = false;
  Sign points = kNone;
  bool related = false;   // names another posting, and must
  bool deadline = false;  // must have one
  bool currency = true;   // is about an account
  bool level = false;     // names one, and must
  enum Other { kNobody, kMayName, kMustName };
  Other other = kNobody;  // member
};

KindRules RulesOf(Kind kind) {
  using enum Kind;
  switch (kind) {
    case kOpenMember: return {.known = true, .currency = false};
    case kCloseMember:
    case kReopenMember:
    case kEraseMember: return {.known = true, .currency = false};
    case kMergeMembers: return {.known = true, .currency = false, .other = KindRules::kMustName};
    case kUnmergeMembers: return {.known = true, .related = true, .currency = false};
    case kTransfer:
      return {.known = true, .points = KindRules::kPositive, .other = KindRules::kMustName};
    case kJoinPool:
    case kLeavePool: return {.known = true, .other = KindRules::kMustName};
    case kEarn: return {.known = true, .points = KindRules::kZeroOrMore};
    case kRedeem:
      return {.known = true, .points = KindRules::kPositive, .other = KindRules::kMayName};
    case kAdjust: return {.known = true, .points = KindRules::kNotZero};
    case kReverse:
    case kCapture: return {.known = true, .points = KindRules::kZeroOrMore, .related = true};
    case kHold:
      return {.known = true,
              .points = KindRules::kPositive,
              .deadline = true,
              .other = KindRules::kMayName};
    case kRelease:
    case kConfirm:
    case kCancel: return {.known = true, .related = true};
    case kExtend: return {.known = true, .related = true};
    case kReinstate: return {.known = true, .points = KindRules::kZeroOrMore, .related = true};
    case kSetLimits: return {.known = true};
    case kSetLevel: return {.known = true, .currency = false, .level = true};
    default: return {};
  }
}

bool PointsFit(KindRules::Sign sign, int64_t points) {
  switch (sign) {
    case KindRules::kNone: return points == 0;
    case KindRules::kZeroOrMore: return points >= 0;
    case KindRules::kPositive: return points > 0;
    case KindRules::kNotZero: return points != 0;
  }
  return false;
}

bool IsTime(int64_t at_us) { return at_us >= kMinTime_us && at_us < kMaxTime_us; }

bool ExpiryFits(const Posting& p, const Terms& terms) {
  if (p.expires_us == kByProgram) return p.kind != Kind::kExtend;
  if (p.expires_us == kNever_us) return true;
  if (!SaysExpiry(p.kind, p.points)) return false;
  const bool confirmed = terms.activates_us == kNever_us;
  const bool says_activation = terms.activates_us != kByProgram;
  const int64_t not_before = confirmed         ? terms.deadline_us
                             : says_activation ? terms.activates_us
                                               : p.effective_us;
  return p.expires_us > not_before && IsTime(p.expires_us);
}

bool ActivationFits(const Posting& p, const Terms& terms) {
  if (terms.activates_us == kByProgram) return true;
  if (!MakesALot(p.kind, p.points)) return false;
  return terms.activates_us == kNever_us ||
         (IsTime(terms.activates_us) && terms.activates_us >= p.effective_us);
}

bool DeadlineFits(const Posting& p, const KindRules& rules, const Terms& terms) {
  const bool needs = rules.deadline || terms.activates_us == kNever_us;
  if (terms.deadline_us == kNever_us) return !needs;
  return needs && IsTime(terms.deadline_us) && terms.deadline_us > p.effective_us;
}

bool IsKey(const MemberKey& key) {
  return !key.is_text ||
         (!key.text.empty() && key.text.size() <= MemberKey::kMaxTextBytes && IsText(key.text));
}

// Far enough from the ends of 64 bits that sums with balances stay within.
bool LimitsFit(const Posting& p, const Terms& terms) {
  constexpr int64_t kMost = INT64_MAX / 4;
  const bool says_floor = terms.floor != kByProgram;
  const bool says_ceiling = terms.ceiling != kByProgram && terms.ceiling != kNoCeiling;
  if (p.kind == Kind::kJoinPool) return !says_floor && (!says_ceiling || terms.ceiling >= 0);
  if (p.kind != Kind::kSetLimits) return !says_floor && terms.ceiling == kByProgram;
  return (!says_floor || (terms.floor >= -kMost && terms.floor <= kMost)) &&
         (!says_ceiling || (terms.ceiling >= -kMost && terms.ceiling <= kMost)) &&
         (!says_floor || !says_ceiling || terms.floor <= terms.ceiling);
}

}  // namespace

PostingStatus CheckForm(const Posting& p, const Rules& in_force, uint32_t codes) {
  static const Terms kNoTerms;
  const KindRules rules = RulesOf(p.kind);
  const Terms& terms = p.terms ? *p.terms : kNoTerms;
  const Codes& c = p.codes;
  if (p.id.is_zero()) return PostingStatus::kIdMissing;
  if (!rules.known) return PostingStatus::kKindInvalid;
  if (!IsKey(p.member)) return PostingStatus::kMemberKeyInvalid;
  if (rules.currency && !in_force.HasCurrency(p.currency)) {
    return PostingStatus::kCurrencyNotFound;
  }
  const bool may_leave_points = p.kind == Kind::kEarn || (p.kind == Kind::kReverse && p.money > 0);
  const bool fits = p.points == kByProgram ? may_leave_points : PointsFit(rules.points, p.points);
  if (!fits) return PostingStatus::kPointsInvalid;
  if (p.money < 0) return PostingStatus::kMoneyInvalid;
  if (!IsTime(p.effective_us)) return PostingStatus::kEffectiveTimeOutOfRange;
  if (!ExpiryFits(p, terms)) return PostingStatus::kExpiryInvalid;
  if (std::max({int64_t(c.rule), int64_t(c.channel), int64_t(c.location), int64_t(c.category),
                int64_t(c.actor), int64_t(c.reason), terms.ladder, terms.level}) >= codes) {
    return PostingStatus::kCodeNotFound;
  }
  const bool is_audited = IsAudited(p.kind);
  if (is_audited && c.actor == 0) return PostingStatus::kActorMissing;
  if (is_audited && c.reason == 0) return PostingStatus::kReasonMissing;
  if (rules.related && p.related.is_zero()) return PostingStatus::kRelatedMissing;
  if (!rules.related && !p.related.is_zero()) return PostingStatus::kRelatedNotAllowed;
  if (!ActivationFits(p, terms)) return PostingStatus::kActivationInvalid;
  if (!DeadlineFits(p, rules, terms)) return PostingStatus::kDeadlineInvalid;
  if (!LimitsFit(p, terms)) return PostingStatus::kLimitsInvalid;
  if (p.other ? rules.other == KindRules::kNobody : rules.other == KindRules::kMustName) {
    return PostingStatus::kOtherMemberInvalid;
  }
  if (p.other && (!IsKey(*p.other) || *p.other == p.member)) {
    return PostingStatus::kOtherMemberInvalid;
  }
  if (!rules.level && (terms.ladder != 0 || terms.level != 0)) return PostingStatus::kLevelNotFound;
  return PostingStatus::kUnspecified;
}

bool SaysExpiry(Kind kind, int64_t points) {
  return MakesALot(kind, points) || kind == Kind::kConfirm || kind == Kind::kExtend ||
         kind == Kind::kReinstate || kind == Kind::kSetLevel;
}

bool NamesOther(Kind kind) { return RulesOf(kind).other != KindRules::kNobody; }

bool IsAboutAnAccount(Kind kind) { return RulesOf(kind).currency; }

Entry AsAsked(const Posting& p, uint32_t member, Details* details) {
  Entry e;
  e.id = p.id;
  e.effective_us = p.effective_us;
  e.money = p.money;
  e.expires_us = p.expires_us;
  e.tag = p.tag;
  e.member = member;
  e.codes = p.codes;
  e.currency = RulesOf(p.kind).currency ? p.currency : 0;
  e.kind = p.kind;
  if (p.terms) details->terms = *p.terms;
  const bool makes_a_lot = MakesALot(p.kind, p.points);
  if (p.expires_us == kByProgram) {
    e.expires_us = kNever_us;
    if (makes_a_lot || p.kind == Kind::kConfirm || p.kind == Kind::kReinstate) {
      e.by_program |= kExpiryByProgram;
    }
  }
  if (makes_a_lot && details->terms.activates_us == kByProgram) {
    e.by_program |= kActivationByProgram;
  } else if (details->terms.activates_us == p.effective_us) {
    details->terms.activates_us = kAtOnce_us;
  }
  if (p.points == kByProgram) e.by_program |= kPointsByRule;
  switch (p.kind) {
    case Kind::kEarn: e.points = p.points == kByProgram ? 0 : p.points; break;
    case Kind::kRedeem:
    case Kind::kTransfer: e.points = -p.points; break;
    case Kind::kHold: details->held = p.points; break;
    case Kind::kReverse:
    case Kind::kCapture:
    case Kind::kReinstate: details->asked = p.points == kByProgram ? 0 : p.points; break;
    default: e.points = p.points;
  }
  return e;
}

int64_t AskedPoints(const Entry& entry, const Details& details) {
  switch (entry.kind) {
    case Kind::kHold: return details.held;
    case Kind::kReverse: return entry.by_program & kAllThatIsLeft ? 0 : details.asked;
    case Kind::kCapture:
    case Kind::kRelease:
    case Kind::kConfirm:
    case Kind::kCancel:
    case Kind::kExtend:
    case Kind::kReinstate:
    case Kind::kLeavePool: return details.asked;
    default: return details.asked ? details.asked : entry.points;
  }
}

}  // namespace loyalty::ledger

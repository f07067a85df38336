// What can be said of a posting without the state.
#include <algorithm>

#include "ledger/transition.h"

namespace loyalty::ledger {
namespace {

// What a kind lets a posting say.
struct KindRules {
  enum Sign { kNone, kZeroOrMore, kPositive, kNotZero };

  bool known = false;
  Sign points = kNone;
  bool related = false;   // names another posting, and must
  bool audited = false;   // must say who and why
  bool deadline = false;  // must have one
};

KindRules RulesOf(Kind kind) {
  using enum Kind;
  switch (kind) {
    case kOpenMember: return {.known = true};
    case kEarn: return {.known = true, .points = KindRules::kZeroOrMore};
    case kRedeem: return {.known = true, .points = KindRules::kPositive};
    case kAdjust: return {.known = true, .points = KindRules::kNotZero, .audited = true};
    case kReverse:
    case kCapture: return {.known = true, .points = KindRules::kZeroOrMore, .related = true};
    case kHold: return {.known = true, .points = KindRules::kPositive, .deadline = true};
    case kRelease:
    case kConfirm:
    case kCancel: return {.known = true, .related = true};
    case kExtend: return {.known = true, .related = true, .audited = true};
    case kSetLimits: return {.known = true, .audited = true};
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

bool MakesALot(const Posting& p) {
  return p.kind == Kind::kEarn || (p.kind == Kind::kAdjust && p.points > 0);
}

PostingStatus CheckTimes(const Posting& p, const KindRules& rules, const Terms& terms) {
  const bool pending = terms.activates_us != kAtOnce_us;
  const bool confirmed = pending && terms.activates_us == kNever_us;
  if (pending && (!MakesALot(p) || (!confirmed && (!IsTime(terms.activates_us) ||
                                                   terms.activates_us <= p.effective_us)))) {
    return PostingStatus::kActivationInvalid;
  }
  const bool has_deadline = terms.deadline_us != kNever_us;
  if (has_deadline != (rules.deadline || confirmed) ||
      (has_deadline && (!IsTime(terms.deadline_us) || terms.deadline_us <= p.effective_us))) {
    return PostingStatus::kDeadlineInvalid;
  }
  const bool expires = p.expires_us != kNever_us;
  const int64_t not_before = confirmed ? terms.deadline_us
                             : pending ? terms.activates_us
                                       : p.effective_us;
  const bool may_expire = MakesALot(p) || p.kind == Kind::kConfirm || p.kind == Kind::kExtend;
  if (expires && (!may_expire || p.expires_us <= not_before || !IsTime(p.expires_us))) {
    return PostingStatus::kExpiryInvalid;
  }
  return PostingStatus::kUnspecified;
}

// Far enough from the ends of 64 bits that sums with balances stay within.
bool LimitsFit(const Posting& p, const Terms& terms) {
  constexpr int64_t kMost = INT64_MAX / 4;
  if (p.kind != Kind::kSetLimits) return terms.floor == 0 && terms.ceiling == INT64_MAX;
  const bool no_ceiling = terms.ceiling == INT64_MAX;
  return terms.floor >= -kMost && terms.floor <= kMost && terms.floor <= terms.ceiling &&
         (no_ceiling || terms.ceiling <= kMost);
}

}  // namespace

PostingStatus CheckForm(const Posting& p, size_t currencies, uint32_t codes) {
  static const Terms kNoTerms;
  const KindRules rules = RulesOf(p.kind);
  const Terms& terms = p.terms ? *p.terms : kNoTerms;
  const Codes& c = p.codes;
  if (p.id.is_zero()) return PostingStatus::kIdMissing;
  if (!rules.known) return PostingStatus::kKindInvalid;
  if (p.member.is_text &&
      (p.member.text.empty() || p.member.text.size() > MemberKey::kMaxTextBytes)) {
    return PostingStatus::kMemberKeyInvalid;
  }
  if (p.kind != Kind::kOpenMember && p.currency >= currencies) {
    return PostingStatus::kCurrencyNotFound;
  }
  if (!PointsFit(rules.points, p.points)) return PostingStatus::kPointsInvalid;
  if (p.money < 0) return PostingStatus::kMoneyInvalid;
  if (!IsTime(p.effective_us)) return PostingStatus::kEffectiveTimeOutOfRange;
  const PostingStatus times = CheckTimes(p, rules, terms);
  if (times != PostingStatus::kUnspecified) return times;
  if (!LimitsFit(p, terms)) return PostingStatus::kLimitsInvalid;
  if (std::max({c.rule, c.channel, c.location, c.category, c.actor, c.reason}) >= codes) {
    return PostingStatus::kCodeNotFound;
  }
  if (rules.audited && c.actor == 0) return PostingStatus::kActorMissing;
  if (rules.audited && c.reason == 0) return PostingStatus::kReasonMissing;
  if (rules.related && p.related.is_zero()) return PostingStatus::kRelatedMissing;
  if (!rules.related && !p.related.is_zero()) return PostingStatus::kRelatedNotAllowed;
  return PostingStatus::kUnspecified;
}

Entry AsAsked(const Posting& p, uint32_t member, Details* details) {
  Entry e;
  e.id = p.id;
  e.effective_us = p.effective_us;
  e.money = p.money;
  e.expires_us = p.expires_us;
  e.tag = p.tag;
  e.member = member;
  e.codes = p.codes;
  e.currency = p.kind == Kind::kOpenMember ? 0 : p.currency;
  e.kind = p.kind;
  if (p.terms) details->terms = *p.terms;
  switch (p.kind) {
    case Kind::kRedeem: e.points = -p.points; break;
    case Kind::kHold: details->held = p.points; break;
    case Kind::kReverse:
    case Kind::kCapture: details->asked = p.points; break;
    default: e.points = p.points;
  }
  return e;
}

int64_t AskedPoints(const Entry& entry, const Details& details) {
  switch (entry.kind) {
    case Kind::kHold: return details.held;
    case Kind::kReverse:
    case Kind::kCapture:
    case Kind::kRelease:
    case Kind::kConfirm:
    case Kind::kCancel:
    case Kind::kExtend: return details.asked;
    default: return details.asked ? details.asked : entry.points;
  }
}

}  // namespace loyalty::ledger

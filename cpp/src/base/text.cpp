// The names of codes, kinds and statuses, as people and other programs read them.
#include <cstdio>

#include "loyalty/posting.h"
#include "loyalty/status.h"

namespace loyalty {

std::string_view ToString(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid_argument";
    case StatusCode::kNotFound: return "not_found";
    case StatusCode::kAlreadyExists: return "already_exists";
    case StatusCode::kBusy: return "busy";
    case StatusCode::kReadOnly: return "read_only";
    case StatusCode::kNoSpace: return "no_space";
    case StatusCode::kIoError: return "io_error";
    case StatusCode::kCorruption: return "corruption";
    case StatusCode::kUnsupportedFormat: return "unsupported_format";
    case StatusCode::kClosed: return "closed";
    case StatusCode::kInterrupted: return "interrupted";
    case StatusCode::kInternal: return "internal";
    case StatusCode::kUnauthenticated: return "unauthenticated";
    case StatusCode::kForbidden: return "forbidden";
    case StatusCode::kUnavailable: return "unavailable";
    case StatusCode::kUnsupported: return "unsupported";
  }
  return "unknown";
}

std::string_view ToString(Kind kind) {
  switch (kind) {
    case Kind::kUnspecified: return "unspecified";
    case Kind::kOpenMember: return "open_member";
    case Kind::kEarn: return "earn";
    case Kind::kRedeem: return "redeem";
    case Kind::kAdjust: return "adjust";
    case Kind::kReverse: return "reverse";
    case Kind::kHold: return "hold";
    case Kind::kCapture: return "capture";
    case Kind::kRelease: return "release";
    case Kind::kConfirm: return "confirm";
    case Kind::kCancel: return "cancel";
    case Kind::kExtend: return "extend";
    case Kind::kSetLimits: return "set_limits";
    case Kind::kTransfer: return "transfer";
    case Kind::kCloseMember: return "close_member";
    case Kind::kReopenMember: return "reopen_member";
    case Kind::kReinstate: return "reinstate";
    case Kind::kJoinPool: return "join_pool";
    case Kind::kLeavePool: return "leave_pool";
    case Kind::kMergeMembers: return "merge_members";
    case Kind::kUnmergeMembers: return "unmerge_members";
    case Kind::kSetLevel: return "set_level";
    case Kind::kChangeLevel: return "change_level";
    case Kind::kEraseMember: return "erase_member";
    case Kind::kDefineCurrency: return "define_currency";
    case Kind::kDefineCode: return "define_code";
    case Kind::kDefineProgram: return "define_program";
    case Kind::kExpire: return "expire";
    case Kind::kTimeOut: return "time_out";
    case Kind::kActivate: return "activate";
    case Kind::kRunStarted: return "run_started";
    case Kind::kRunFinished: return "run_finished";
    case Kind::kMovePoints: return "move_points";
  }
  return "unknown";
}

std::string_view ToString(PostingStatus status) {
  switch (status) {
    case PostingStatus::kUnspecified: return "unspecified";
    case PostingStatus::kPosted: return "posted";
    case PostingStatus::kPostedInPart: return "posted_in_part";
    case PostingStatus::kIdMissing: return "id_missing";
    case PostingStatus::kKindInvalid: return "kind_invalid";
    case PostingStatus::kMemberKeyInvalid: return "member_key_invalid";
    case PostingStatus::kCurrencyNotFound: return "currency_not_found";
    case PostingStatus::kPointsInvalid: return "points_invalid";
    case PostingStatus::kMoneyInvalid: return "money_invalid";
    case PostingStatus::kEffectiveTimeOutOfRange: return "effective_time_out_of_range";
    case PostingStatus::kExpiryInvalid: return "expiry_invalid";
    case PostingStatus::kCodeNotFound: return "code_not_found";
    case PostingStatus::kActorMissing: return "actor_missing";
    case PostingStatus::kReasonMissing: return "reason_missing";
    case PostingStatus::kRelatedMissing: return "related_missing";
    case PostingStatus::kRelatedNotAllowed: return "related_not_allowed";
    case PostingStatus::kActivationInvalid: return "activation_invalid";
    case PostingStatus::kDeadlineInvalid: return "deadline_invalid";
    case PostingStatus::kLimitsInvalid: return "limits_invalid";
    case PostingStatus::kRuleOfOtherCurrency: return "rule_of_other_currency";
    case PostingStatus::kNoPointsByRule: return "no_points_by_rule";
    case PostingStatus::kLinkedChainOpen: return "linked_chain_open";
    case PostingStatus::kLinkedNotAllowed: return "linked_not_allowed";
    case PostingStatus::kLinkedPostingMalformed: return "linked_posting_malformed";
    case PostingStatus::kOtherMemberInvalid: return "other_member_invalid";
    case PostingStatus::kAlreadyExists: return "already_exists";
    case PostingStatus::kIdAlreadyFailed: return "id_already_failed";
    case PostingStatus::kExistsWithDifferentKind: return "exists_with_different_kind";
    case PostingStatus::kExistsWithDifferentMember: return "exists_with_different_member";
    case PostingStatus::kExistsWithDifferentCurrency: return "exists_with_different_currency";
    case PostingStatus::kExistsWithDifferentPoints: return "exists_with_different_points";
    case PostingStatus::kExistsWithDifferentMoney: return "exists_with_different_money";
    case PostingStatus::kExistsWithDifferentEffectiveTime:
      return "exists_with_different_effective_time";
    case PostingStatus::kExistsWithDifferentExpiry: return "exists_with_different_expiry";
    case PostingStatus::kExistsWithDifferentRelated: return "exists_with_different_related";
    case PostingStatus::kExistsWithDifferentCodes: return "exists_with_different_codes";
    case PostingStatus::kExistsWithDifferentTag: return "exists_with_different_tag";
    case PostingStatus::kExistsWithDifferentActivation: return "exists_with_different_activation";
    case PostingStatus::kExistsWithDifferentDeadline: return "exists_with_different_deadline";
    case PostingStatus::kExistsWithDifferentLimits: return "exists_with_different_limits";
    case PostingStatus::kExistsWithDifferentOtherMember:
      return "exists_with_different_other_member";
    case PostingStatus::kMemberNotFound: return "member_not_found";
    case PostingStatus::kMemberAlreadyOpen: return "member_already_open";
    case PostingStatus::kRelatedNotFound: return "related_not_found";
    case PostingStatus::kRelatedNotReversible: return "related_not_reversible";
    case PostingStatus::kRelatedOfOtherMember: return "related_of_other_member";
    case PostingStatus::kRelatedAlreadyReversed: return "related_already_reversed";
    case PostingStatus::kInsufficientPoints: return "insufficient_points";
    case PostingStatus::kBalanceWouldOverflow: return "balance_would_overflow";
    case PostingStatus::kReversalExceedsOriginal: return "reversal_exceeds_original";
    case PostingStatus::kOverCeiling: return "over_ceiling";
    case PostingStatus::kRelatedNotAHold: return "related_not_a_hold";
    case PostingStatus::kHoldExpired: return "hold_expired";
    case PostingStatus::kHoldAlreadyClosed: return "hold_already_closed";
    case PostingStatus::kCaptureExceedsHold: return "capture_exceeds_hold";
    case PostingStatus::kRelatedNotPending: return "related_not_pending";
    case PostingStatus::kConfirmationTooLate: return "confirmation_too_late";
    case PostingStatus::kRelatedNotACredit: return "related_not_a_credit";
    case PostingStatus::kNothingLeft: return "nothing_left";
    case PostingStatus::kExpiryNotLater: return "expiry_not_later";
    case PostingStatus::kMemberClosed: return "member_closed";
    case PostingStatus::kMemberNotClosed: return "member_not_closed";
    case PostingStatus::kOtherMemberNotFound: return "other_member_not_found";
    case PostingStatus::kOtherMemberClosed: return "other_member_closed";
    case PostingStatus::kTransferForbidden: return "transfer_forbidden";
    case PostingStatus::kLinkedPostingFailed: return "linked_posting_failed";
    case PostingStatus::kNotInPool: return "not_in_pool";
    case PostingStatus::kPoolLimitPassed: return "pool_limit_passed";
    case PostingStatus::kSameMember: return "same_member";
    case PostingStatus::kOtherMemberIsPool: return "other_member_is_pool";
    case PostingStatus::kRelatedNotAMerge: return "related_not_a_merge";
    case PostingStatus::kMergedSince: return "merged_since";
    case PostingStatus::kRefundExceedsOriginal: return "refund_exceeds_original";
    case PostingStatus::kLevelChangedSince: return "level_changed_since";
    case PostingStatus::kLevelNotFound: return "level_not_found";
    case PostingStatus::kExistsWithDifferentLevel: return "exists_with_different_level";
    case PostingStatus::kNothingExpired: return "nothing_expired";
    case PostingStatus::kReinstatementTooLate: return "reinstatement_too_late";
    case PostingStatus::kReinstatementExceedsExpired: return "reinstatement_exceeds_expired";
  }
  return "unknown";
}

std::string ToString(const Id& id) {
  char text[33];
  std::snprintf(text, sizeof text, "%016lx%016lx", id.hi, id.lo);
  return text;
}

std::string ToString(const MemberKey& key) {
  return key.is_text ? std::string(key.text) : std::to_string(key.number);
}

std::string ToString(const OwnedKey& key) {
  return key.sort == OwnedKey::kNumber ? std::to_string(key.number) : key.text;
}

}  // namespace loyalty

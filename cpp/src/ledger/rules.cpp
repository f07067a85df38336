#include "ledger/rules.h"

#include <algorithm>

#include "ledger/transition.h"

namespace loyalty::ledger {
namespace {

const program::Currency& DefaultCurrency() {
  static const program::Currency currency;
  return currency;
}

}  // namespace

Rules::Rules(std::vector<std::string> currencies)
    : program_(program::Program::Default()),
      names_(std::move(currencies)),
      currencies_(names_.size(), &DefaultCurrency()) {}

Rules::Rules(std::shared_ptr<const program::Program> program, uint32_t version,
             std::vector<std::string> currencies, const Dictionary& codes)
    : program_(std::move(program)),
      version_(version),
      names_(std::move(currencies)),
      currencies_(names_.size(), nullptr) {
  for (size_t c = 0; c < names_.size(); ++c) {
    for (const program::Currency& currency : program_->currencies()) {
      if (currency.name == names_[c]) currencies_[c] = &currency;
    }
  }
  const auto by_inactivity = [](const program::Expiry& expiry) {
    return expiry.model == program::Expiry::Model::kInactivity;
  };
  for (const program::Currency& currency : program_->currencies()) {
    has_inactivity_ = has_inactivity_ || by_inactivity(currency.expiry);
  }
  for (const program::EarnRule& rule : program_->rules()) {
    uint32_t code = 0;
    if (codes.Find(rule.name, &code)) rules_[code] = &rule;
    has_inactivity_ = has_inactivity_ || by_inactivity(rule.expiry);
  }
  for (const program::Ladder& ladder : program_->ladders()) {
    CodedLadder& coded = ladders_.emplace_back();
    coded.ladder = &ladder;
    (void)codes.Find(ladder.name, &coded.code);
    for (const program::Level& level : ladder.levels) {
      (void)codes.Find(level.name, &coded.levels.emplace_back());
    }
  }
}

const CodedLadder* Rules::LadderAt(uint32_t code) const {
  const auto found = std::find_if(ladders_.begin(), ladders_.end(),
                                  [&](const CodedLadder& ladder) { return ladder.code == code; });
  return found == ladders_.end() ? nullptr : &*found;
}

const program::Currency& Rules::CurrencyAt(uint16_t currency) const {
  return currencies_[currency] ? *currencies_[currency] : DefaultCurrency();
}

const program::Expiry& Rules::ExpiryOf(const Entry& entry) const {
  const program::EarnRule* const rule = RuleAt(entry.codes.rule);
  const bool by_rule = rule && entry.kind == Kind::kEarn;
  return by_rule ? rule->expiry : CurrencyAt(entry.currency).expiry;
}

const program::Pending& Rules::PendingOf(const Entry& entry) const {
  static const program::Pending kNone;
  if (entry.kind != Kind::kEarn) return kNone;
  const program::EarnRule* const rule = RuleAt(entry.codes.rule);
  return rule ? rule->pending : CurrencyAt(entry.currency).pending;
}

void Rules::SetExpiry(const Entry& of, int64_t from_us, Entry* entry) const {
  const program::Expiry& expiry = ExpiryOf(of);
  entry->expires_us = program_->ExpiryFrom(expiry, from_us);
  if (expiry.model == program::Expiry::Model::kInactivity) entry->by_program |= kByInactivity;
}

// An activity of the currency puts off the expiry of all, whatever that of its own lot.
void Rules::PutOffInactivity(Entry* entry, Details* details) const {
  details->active_until_us = 0;
  if (!has_inactivity_) return;
  const bool debit = entry->kind == Kind::kRedeem || entry->kind == Kind::kCapture;
  const program::Expiry& expiry = CurrencyAt(entry->currency).expiry;
  if (expiry.model != program::Expiry::Model::kInactivity) return;
  if (debit) {
    SetExpiry(*entry, entry->effective_us, entry);
  } else if (entry->kind == Kind::kEarn) {
    const int64_t until_us = program_->ExpiryFrom(expiry, entry->effective_us);
    if (entry->by_program & kByInactivity) {
      entry->expires_us = std::max(entry->expires_us, until_us);
    } else {
      details->active_until_us = until_us;
    }
  }
}

PostingStatus Rules::Complete(Entry* entry, Details* details) const {
  const program::EarnRule* const rule =
      entry->kind == Kind::kEarn ? RuleAt(entry->codes.rule) : nullptr;
  if (rule && rule->currency != names_[entry->currency]) {
    return PostingStatus::kRuleOfOtherCurrency;
  }
  if (entry->kind == Kind::kEarn && (entry->by_program & kPointsByRule)) {
    const auto points = rule && rule->numerator > 0 ? rule->PointsOf(entry->money) : std::nullopt;
    if (!points) return PostingStatus::kNoPointsByRule;
    entry->points = *points;
  }
  if (entry->kind == Kind::kSetLevel) {
    const CodedLadder* const ladder = LadderAt(uint32_t(details->terms.ladder));
    const bool found = ladder && ladder->Has(uint32_t(details->terms.level));
    return found ? PostingStatus::kUnspecified : PostingStatus::kLevelNotFound;
  }
  if (entry->by_program & kByInactivity) {  // by other rules
    entry->by_program &= uint8_t(~kByInactivity);
    entry->expires_us = kNever_us;
  }
  if (!MakesALot(entry->kind, entry->points)) {
    PutOffInactivity(entry, details);
    return PostingStatus::kUnspecified;
  }
  const program::Calendar& calendar = program_->calendar();
  Terms& terms = details->terms;
  if (entry->by_program & kActivationByProgram) {
    const program::Pending& pending = PendingOf(*entry);
    terms.activates_us = kAtOnce_us;
    terms.deadline_us = kNever_us;
    if (pending.days > 0) {
      terms.activates_us = calendar.AddDays(entry->effective_us, pending.days);
    } else if (pending.confirm_within_days > 0) {
      terms.activates_us = kNever_us;
      terms.deadline_us = calendar.AddDays(entry->effective_us, pending.confirm_within_days);
    }
  }
  if (!(entry->by_program & kExpiryByProgram) && terms.activates_us == kNever_us) {
    terms.deadline_us = std::min(terms.deadline_us, entry->expires_us);
  }
  if (entry->by_program & kExpiryByProgram) {
    const bool unconfirmed = terms.activates_us == kNever_us;
    const int64_t from_us =
        terms.activates_us == kAtOnce_us ? entry->effective_us : terms.activates_us;
    entry->expires_us = kNever_us;  // until the confirmation, from which it counts
    if (!unconfirmed) SetExpiry(*entry, from_us, entry);
  }
  PutOffInactivity(entry, details);
  return PostingStatus::kUnspecified;
}

namespace {

bool InUse(const State& state, size_t currency) {
  for (uint32_t page = 0; page < state.page_count(); ++page) {
    if (state.PageAt(page).get()->accounts[currency]) return true;
  }
  return false;
}

Status Refused(const std::string& why) {
  return {StatusCode::kInvalidArgument, "the programme: " + why};
}

}  // namespace

Status CheckChange(const State& state, const program::Program& program) {
  const Rules& now = state.RulesInForce();
  const std::vector<std::string>& names = now.currency_names();
  size_t count = program.currencies().size();
  for (size_t c = 0; c < names.size(); ++c) {
    const auto next =
        std::find_if(program.currencies().begin(), program.currencies().end(),
                     [&](const program::Currency& currency) { return currency.name == names[c]; });
    const bool stays = next != program.currencies().end();
    if (!stays) ++count;
    const int decimals = now.CurrencyAt(uint16_t(c)).decimals;
    const bool same = stays && next->decimals == decimals;
    if (same || !InUse(state, c)) continue;
    if (!stays) {
      return Refused("currencies lacks '" + names[c] +
                     "', which members have accounts in; keep it");
    }
    if (now.HasCurrency(uint16_t(c))) {
      return Refused("currencies." + names[c] + ".decimals must stay " + std::to_string(decimals) +
                     ": members have accounts in it");
    }
  }
  if (count > kMaxCurrencies) {
    return Refused("a ledger has at most " + std::to_string(kMaxCurrencies) +
                   " currencies in all its versions; these would be " + std::to_string(count));
  }
  return {};
}

}  // namespace loyalty::ledger

#include "ledger/rules.h"

#include <algorithm>

#include "ledger/transition.h"

namespace loyalty::ledger {
namespace {

const program::Currency& DefaultCurrency() {
  static const program::Currency currency;
  return currency;
}

bool IsByInactivity(const program::Expiry& expiry) {
  return expiry.model == program::Expiry::Model::kInactivity;
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
  for (const program::Currency& currency : program_->currencies()) {
    has_inactivity_ = has_inactivity_ || IsByInactivity(currency.expiry);
  }
  for (const program::EarnRule& rule : program_->rules()) {
    uint32_t code = 0;
    if (codes.Find(rule.name, &code)) rules_[code] = &rule;
    has_inactivity_ = has_inactivity_ || (rule.expiry && IsByInactivity(*rule.expiry));
  }
  for (const program::Ladder& ladder : program_->ladders()) {
    CodedLadder& coded = ladders_.emplace_back();
    coded.ladder = &ladder;
    (void)codes.Find(ladder.name, &coded.code);
    for (const program::Level& level : ladder.levels) {
      (void)codes.Find(level.name, &coded.levels.emplace_back());
    }
    ReadLevels(coded, ladders_.size() - 1);
  }
}

void Rules::ReadLevels(const CodedLadder& ladder, size_t number) {
  const std::vector<program::Level>& levels = ladder.ladder->levels;
  for (size_t place = 0; place < levels.size(); ++place) {
    for (const auto& [name, expiry] : levels[place].expiry) {
      const auto currency = std::find(names_.begin(), names_.end(), name) - names_.begin();
      by_level_.resize(names_.size());
      LevelExpiries& said = by_level_[size_t(currency)];
      said.ladder = number;
      said.levels.resize(levels.size());
      said.levels[place] = &expiry;
      has_inactivity_ = has_inactivity_ || IsByInactivity(expiry);
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

const program::Expiry* Rules::ExpiryByLevel(const State& state, uint32_t member,
                                            uint16_t currency) const {
  if (!HasExpiryByLevel() || by_level_[currency].levels.empty()) return nullptr;
  const LevelExpiries& said = by_level_[currency];
  const CodedLadder& ladder = ladders_[said.ladder];
  const MemberLevel* const on = state.PageOf(member)->FindLevel(member, ladder.code);
  return said.levels[on ? size_t(ladder.PlaceOf(on->standing.level)) : 0];
}

const program::Expiry& Rules::ExpiryOf(const Entry& entry, const program::Expiry* by_level) const {
  const program::EarnRule* const rule =
      entry.kind == Kind::kEarn ? RuleAt(entry.codes.rule) : nullptr;
  if (rule && rule->expiry) return *rule->expiry;
  return by_level ? *by_level : CurrencyAt(entry.currency).expiry;
}

const program::Pending& Rules::PendingOf(const Entry& entry) const {
  static const program::Pending kNone;
  if (entry.kind != Kind::kEarn) return kNone;
  const program::EarnRule* const rule = RuleAt(entry.codes.rule);
  return rule ? rule->pending : CurrencyAt(entry.currency).pending;
}

void Rules::SetExpiry(const Entry& of, const program::Expiry* by_level, int64_t from_us,
                      Entry* entry) const {
  const program::Expiry& expiry = ExpiryOf(of, by_level);
  entry->expires_us = program_->ExpiryFrom(expiry, from_us);
  if (IsByInactivity(expiry)) entry->by_program |= kByInactivity;
}

// An activity puts off the expiry of all, whatever that of its own lot: by the level's inactivity, or else the
// currency's, which other lots of the account may have.
void Rules::PutOffInactivity(const program::Expiry* by_level, Entry* entry,
                             Details* details) const {
  details->active_until_us = 0;
  if (!has_inactivity_) return;
  const bool debit = entry->kind == Kind::kRedeem || entry->kind == Kind::kCapture;
  if (!debit && entry->kind != Kind::kEarn) return;
  const bool of_level = by_level && IsByInactivity(*by_level);
  const program::Expiry& expiry = of_level ? *by_level : CurrencyAt(entry->currency).expiry;
  if (!IsByInactivity(expiry)) return;
  const int64_t until_us = program_->ExpiryFrom(expiry, entry->effective_us);
  if (debit) {
    entry->expires_us = until_us;
    entry->by_program |= kByInactivity;
  } else if (entry->by_program & kByInactivity) {
    entry->expires_us = std::max(entry->expires_us, until_us);
  } else {
    details->active_until_us = until_us;
  }
}

PostingStatus Rules::Complete(const program::Expiry* by_level, Entry* entry,
                              Details* details) const {
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
  if (entry->by_program & kByInactivity) {  // by other rules, or another level
    entry->by_program &= uint8_t(~kByInactivity);
    entry->expires_us = kNever_us;
  }
  if (!MakesALot(entry->kind, entry->points)) {
    PutOffInactivity(by_level, entry, details);
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
    if (!unconfirmed) SetExpiry(*entry, by_level, from_us, entry);
  }
  PutOffInactivity(by_level, entry, details);
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

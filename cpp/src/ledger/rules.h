// A programme by the ledger's numbers: what the programme says of the currency with a number, of the rule
// with a code.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "loyalty/posting.h"
#include "program/program.h"

namespace loyalty::ledger {

class Dictionary;
class State;

// A ladder, with the codes of its levels' names.
struct CodedLadder {
  uint32_t code = 0;  // of its own name
  const program::Ladder* ladder = nullptr;
  std::vector<uint32_t> levels;

  // The place of a level; 0, so the first one, for what is none of its levels.
  int PlaceOf(uint32_t level) const {
    for (size_t place = 0; place < levels.size(); ++place) {
      if (levels[place] == level) return int(place);
    }
    return 0;
  }
  bool Has(uint32_t level) const { return PlaceOf(level) > 0 || levels[0] == level; }
};

// Thread safety: immutable.
class Rules {
 public:
  // Every rule at its default, for currencies that no programme has spoken of yet.
  explicit Rules(std::vector<std::string> currencies);
  // `currencies` are the ledger's, by number; `codes` has the names of all earn rules, ladders and levels.
  Rules(std::shared_ptr<const program::Program> program, uint32_t version,
        std::vector<std::string> currencies, const Dictionary& codes);

  uint32_t version() const { return version_; }
  const program::Program& program() const { return *program_; }
  const std::shared_ptr<const program::Program>& shared_program() const { return program_; }
  const std::vector<std::string>& currency_names() const { return names_; }
  // Whether there is such a currency and the programme still has it.
  bool HasCurrency(uint16_t currency) const {
    return currency < currencies_.size() && currencies_[currency] != nullptr;
  }
  // Requires currency < currency_names().size().
  const program::Currency& CurrencyAt(uint16_t currency) const;
  // Null when the code is no rule's name.
  const program::EarnRule* RuleAt(uint32_t code) const {
    const auto found = rules_.find(code);
    return found == rules_.end() ? nullptr : found->second;
  }
  const std::vector<CodedLadder>& ladders() const { return ladders_; }
  // Null when the code is no ladder's name.
  const CodedLadder* LadderAt(uint32_t code) const;
  // Whether levels say when points of some currency expire.
  bool HasExpiryByLevel() const { return !by_level_.empty(); }
  // What the member's level says of when points of a currency expire; null: nothing. Writer's thread.
  const program::Expiry* ExpiryByLevel(const State& state, uint32_t member,
                                       uint16_t currency) const;
  // What says when an entry's lot expires: its rule, or else the level (if not null), or else its currency.
  const program::Expiry& ExpiryOf(const Entry& entry, const program::Expiry* by_level) const;
  // What says when it becomes active: its rule, or else its currency.
  const program::Pending& PendingOf(const Entry& entry) const;

  // Sets when points of an entry like `of` expire that count from an instant: also by inactivity.
  void SetExpiry(const Entry& of, const program::Expiry* by_level, int64_t from_us,
                 Entry* entry) const;
  // Whether points of some currency, rule or level expire by inactivity.
  bool HasInactivity() const { return has_inactivity_; }

  // Fills in what an entry as asked leaves to the programme (Entry::by_program). Again with other rules or
  // another level, it fills in theirs. kUnspecified, or why it cannot.
  PostingStatus Complete(const program::Expiry* by_level, Entry* entry, Details* details) const;

 private:
  // What the levels of a ladder say of a currency, by place; null: nothing.
  struct LevelExpiries {
    size_t ladder = 0;
    std::vector<const program::Expiry*> levels;  // empty: no ladder says anything
  };

  void ReadLevels(const CodedLadder& ladder, size_t number);
  void PutOffInactivity(const program::Expiry* by_level, Entry* entry, Details* details) const;

  std::shared_ptr<const program::Program> program_;
  uint32_t version_ = 0;
  std::vector<std::string> names_;
  std::vector<const program::Currency*> currencies_;  // null: removed
  bool has_inactivity_ = false;
  std::unordered_map<uint32_t, const program::EarnRule*> rules_;
  std::vector<CodedLadder> ladders_;
  std::vector<LevelExpiries> by_level_;  // by currency; empty when levels say nothing of any
};

// kInvalidArgument when the programme cannot follow the one in force: it lacks a currency that is in use, or
// there are too many. Writer's thread.
Status CheckChange(const State& state, const program::Program& program);

}  // namespace loyalty::ledger

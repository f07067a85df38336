#include "ledger/transition.h"

#include <algorithm>

namespace loyalty::ledger {
namespace {

// The system account on the other side of a movement.
int64_t& OtherSide(Kind kind, CurrencyTotals* totals) {
  switch (kind) {
    case Kind::kEarn: return totals->issued;
    case Kind::kRedeem: return totals->redeemed;
    default: return totals->adjusted;
  }
}

// The kind whose books an entry moves: a reversal moves those of what it reverses.
Kind BooksOf(const Entry& entry) {
  return entry.kind == Kind::kReverse ? entry.related_kind : entry.kind;
}

bool IsCredit(const Entry& entry) {
  return (entry.kind == Kind::kEarn || entry.kind == Kind::kAdjust) && entry.points > 0;
}

// Whether adding `points` leaves every counter that they touch within 64 bits, with a sign to spare.
bool Fits(const Entry& entry, const Account& account, CurrencyTotals totals) {
  const auto fits = [&](int64_t counter, int64_t change) {
    int64_t sum;
    return !__builtin_add_overflow(counter, change, &sum) && sum != INT64_MIN;
  };
  return entry.points != INT64_MIN && fits(account.active, entry.points) &&
         fits(account.lifetime_earned, entry.points) &&
         fits(account.lifetime_redeemed, -entry.points) && fits(totals.members, entry.points) &&
         fits(OtherSide(BooksOf(entry), &totals), -entry.points);
}

PostingStatus DecideDebit(const Page& page, const Account& account, int64_t points,
                          std::vector<LotMovement>* movements) {
  if (account.active < points) return PostingStatus::kInsufficientPoints;
  page.lots.PlanDebit(account, points, movements);
  return PostingStatus::kPosted;
}

// Takes a credit back: from its own lot first, then as any debit would.
PostingStatus DecideCreditReversal(const Page& page, const Account& account,
                                   const Original& original, std::vector<LotMovement>* movements) {
  const int64_t points = original.entry.points;
  if (account.active < points) return PostingStatus::kInsufficientPoints;
  const int64_t own = page.lots.Left(account, original.sequence);
  const int64_t from_own = std::min(own, points);
  const LotMovement first{-from_own, original.entry.expires_us, original.entry.effective_us,
                          original.sequence};
  if (points - from_own == 0) {
    if (from_own > 0) movements->push_back(first);
    return PostingStatus::kPosted;
  }
  // The rest comes from the other lots in spending order; its own lot is emptied by `first`.
  std::vector<LotMovement> plan;
  page.lots.PlanDebit(account, std::min(points, account.active), &plan);
  if (from_own > 0) movements->push_back(first);
  int64_t rest = points - from_own;
  for (LotMovement movement : plan) {
    if (movement.source == original.sequence || rest == 0) continue;
    movement.points = -std::min(-movement.points, rest);
    rest += movement.points;
    movements->push_back(movement);
  }
  return PostingStatus::kPosted;
}

PostingStatus DecideReversal(const Page& page, const Account& account, const Original* original,
                             Entry* entry, std::vector<LotMovement>* movements) {
  if (!original) return PostingStatus::kRelatedNotFound;
  const Entry& of = original->entry;
  entry->related = original->sequence;
  entry->related_kind = of.kind;
  const bool reversible =
      of.status == PostingStatus::kPosted &&
      (of.kind == Kind::kEarn || of.kind == Kind::kRedeem || of.kind == Kind::kAdjust);
  if (!reversible || of.currency != entry->currency) return PostingStatus::kRelatedNotReversible;
  if (of.member != entry->member) return PostingStatus::kRelatedOfOtherMember;
  if (page.FindReversal(original->sequence)) return PostingStatus::kRelatedAlreadyReversed;
  entry->points = -of.points;
  if (of.points > 0) return DecideCreditReversal(page, account, *original, movements);
  for (LotMovement movement : original->movements) {
    movement.points = -movement.points;
    movements->push_back(movement);
  }
  return PostingStatus::kPosted;
}

PostingStatus DecideOnAccount(const State& state, const Original* original, Entry* entry,
                              std::vector<LotMovement>* movements) {
  if (entry->member == Entry::kNoMember) return PostingStatus::kMemberNotFound;
  const Page& page = *state.PageOf(entry->member);
  const Account& account = page.GetAccount(entry->member, entry->currency);
  PostingStatus status = PostingStatus::kPosted;
  if (entry->kind == Kind::kReverse) {
    status = DecideReversal(page, account, original, entry, movements);
  } else if (entry->points < 0) {
    status = entry->points == INT64_MIN ? PostingStatus::kInsufficientPoints
                                        : DecideDebit(page, account, -entry->points, movements);
  }
  if (status == PostingStatus::kPosted && !Fits(*entry, account, state.totals[entry->currency])) {
    status = PostingStatus::kBalanceWouldOverflow;
  }
  return status;
}

void ApplyTotals(const Entry& entry, CurrencyTotals* totals) {
  totals->members += entry.points;
  OtherSide(BooksOf(entry), totals) -= entry.points;
}

bool ApplyToAccount(const Entry& entry, uint64_t sequence, std::span<const LotMovement> movements,
                    Page* page, Account* account) {
  const Kind books = BooksOf(entry);
  StoreForReaders(&account->active, account->active + entry.points);
  if (books == Kind::kEarn) {
    StoreForReaders(&account->lifetime_earned, account->lifetime_earned + entry.points);
  }
  if (books == Kind::kRedeem) {
    StoreForReaders(&account->lifetime_redeemed, account->lifetime_redeemed - entry.points);
  }
  StoreForReaders(&account->sequence, sequence);
  StoreForReaders(&page->sequence, sequence);
  if (entry.kind == Kind::kReverse) page->AddReversal(entry.related, entry.points);
  bool fits = true;
  if (IsCredit(entry)) {
    fits = page->lots.Move(account, {entry.expires_us, entry.effective_us, sequence}, entry.points);
  }
  for (const LotMovement& m : movements) {
    fits = fits && page->lots.Move(account, {m.expires_us, m.effective_us, m.source}, m.points);
  }
  return fits;
}

Status DoesNotFit(uint64_t sequence) {
  return {StatusCode::kCorruption, "the entry at sequence " + std::to_string(sequence) +
                                       " does not fit the state before it"};
}

}  // namespace

PostingStatus CheckForm(const Posting& p, size_t currencies, uint32_t codes) {
  const bool moves = p.kind == Kind::kEarn || p.kind == Kind::kRedeem || p.kind == Kind::kAdjust;
  const bool credit = p.kind == Kind::kEarn || (p.kind == Kind::kAdjust && p.points > 0);
  const Codes& c = p.codes;
  if (p.id.is_zero()) return PostingStatus::kIdMissing;
  if (!moves && p.kind != Kind::kOpenMember && p.kind != Kind::kReverse) {
    return PostingStatus::kKindInvalid;
  }
  if (p.member.is_text &&
      (p.member.text.empty() || p.member.text.size() > MemberKey::kMaxTextBytes)) {
    return PostingStatus::kMemberKeyInvalid;
  }
  if (p.kind != Kind::kOpenMember && p.currency >= currencies) {
    return PostingStatus::kCurrencyNotFound;
  }
  if ((p.kind == Kind::kEarn && p.points < 0) || (p.kind == Kind::kRedeem && p.points <= 0) ||
      (p.kind == Kind::kAdjust && p.points == 0) || (!moves && p.points != 0)) {
    return PostingStatus::kPointsInvalid;
  }
  if (p.money < 0) return PostingStatus::kMoneyInvalid;
  if (p.effective_us < kMinTime_us || p.effective_us >= kMaxTime_us) {
    return PostingStatus::kEffectiveTimeOutOfRange;
  }
  const bool expires = p.expires_us != kNever_us;
  if (expires && (!credit || p.expires_us <= p.effective_us || p.expires_us >= kMaxTime_us)) {
    return PostingStatus::kExpiryInvalid;
  }
  if (std::max({c.rule, c.channel, c.location, c.category, c.actor, c.reason}) >= codes) {
    return PostingStatus::kCodeNotFound;
  }
  if (p.kind == Kind::kAdjust && c.actor == 0) return PostingStatus::kActorMissing;
  if (p.kind == Kind::kAdjust && c.reason == 0) return PostingStatus::kReasonMissing;
  if (p.kind == Kind::kReverse && p.related.is_zero()) return PostingStatus::kRelatedMissing;
  if (p.kind != Kind::kReverse && !p.related.is_zero()) return PostingStatus::kRelatedNotAllowed;
  return PostingStatus::kUnspecified;
}

void PrefetchAhead(std::span<const Entry> entries, size_t i, const State& state) {
  constexpr size_t kApart = 6;
  const uint32_t members = state.keys.size();
  const auto known = [&](size_t at) {
    return at < entries.size() && entries[at].member < members &&
           entries[at].currency < kMaxCurrencies;
  };
  const size_t row = i + 8 * kApart;
  const size_t page = i + 4 * kApart;
  const size_t account = i + 3 * kApart;
  const size_t chunk = i + 2 * kApart;
  const size_t lot = i + kApart;
  if (row < entries.size()) {
    Prefetch(&entries[row]);
    Prefetch(&entries[row].member);
  }
  if (known(page)) state.PrefetchPage(entries[page].member);
  if (known(account)) state.PrefetchAccount(entries[account].member, entries[account].currency);
  if (known(chunk)) {
    state.PrefetchLotChunk(entries[chunk].member, entries[chunk].currency,
                           entries[chunk].points < 0);
  }
  if (known(lot)) {
    state.PrefetchLot(entries[lot].member, entries[lot].currency, entries[lot].points < 0);
  }
}

void Decide(const State& state, const Original* original, Entry* entry,
            std::vector<LotMovement>* movements) {
  const size_t before = movements->size();
  if (entry->kind == Kind::kDefineCode || entry->kind == Kind::kDefineCurrency) {
    entry->status = PostingStatus::kPosted;
  } else if (entry->kind == Kind::kOpenMember) {
    const bool taken = entry->member != Entry::kNoMember;
    entry->status = taken ? PostingStatus::kMemberAlreadyOpen : PostingStatus::kPosted;
    if (!taken) entry->member = state.keys.size();
  } else {
    entry->status = DecideOnAccount(state, original, entry, movements);
  }
  if (entry->status != PostingStatus::kPosted) movements->resize(before);
}

Result<int64_t> Apply(const Entry& entry, uint64_t sequence, std::span<const LotMovement> movements,
                      std::string_view text, State* state) {
  if (sequence != state->sequence + 1) return DoesNotFit(sequence);
  state->sequence = sequence;
  if (entry.kind == Kind::kDefineCurrency) {
    if (state->currencies.size() == kMaxCurrencies) return DoesNotFit(sequence);
    state->currencies.emplace_back(text);
    state->totals.emplace_back();
    return 0;
  }
  if (entry.kind == Kind::kDefineCode) return int64_t(state->codes.Add(text));
  if (entry.kind == Kind::kOpenMember) {
    if (entry.status != PostingStatus::kPosted) return 0;
    MemberKey key;
    if (!journal::ParseStoredKey(text, &key) || entry.member != state->keys.size()) {
      return DoesNotFit(sequence);
    }
    state->EnsurePage(entry.member);
    state->TouchPage(entry.member, sequence);
    state->keys.Add(key);
    return 0;
  }
  if (entry.member == Entry::kNoMember) return 0;
  if (entry.member >= state->keys.size() || entry.currency >= state->currencies.size()) {
    return DoesNotFit(sequence);
  }
  if (entry.status != PostingStatus::kPosted) {
    if (state->PageOf(entry.member)->sequence > sequence) return entry.balance;
    return state->PageOf(entry.member)->GetAccount(entry.member, entry.currency).active;
  }
  int64_t balance = entry.balance;
  bool fits = true;
  // A checkpoint cut short by a crash leaves some pages ahead of the journal's replay: they have it.
  if (state->PageOf(entry.member)->sequence < sequence) {
    state->ChangeAccount(entry.member, entry.currency, [&](Page& page, Account& account) {
      fits = ApplyToAccount(entry, sequence, movements, &page, &account);
      balance = account.active;
    });
  }
  if (!fits) return DoesNotFit(sequence);
  ApplyTotals(entry, &state->totals[entry.currency]);
  return balance;
}

Status ApplyGroup(const journal::Group& group, uint64_t through, State* state) {
  size_t movement = 0;
  size_t text = 0;
  for (size_t i = 0; i < group.entries.size(); ++i) {
    PrefetchAhead(group.entries, i, *state);
    const Entry& entry = group.entries[i];
    const std::span movements(group.movements.data() + movement, group.movement_counts[i]);
    movement += movements.size();
    const std::string_view words =
        journal::HasText(entry.kind) ? std::string_view(group.texts[text++]) : std::string_view();
    const uint64_t sequence = group.first_sequence + i;
    if (sequence <= state->sequence || sequence > through) continue;
    LOYALTY_ASSIGN_OR_RETURN(const int64_t balance,
                             Apply(entry, sequence, movements, words, state));
    if (balance != entry.balance) return DoesNotFit(sequence);
  }
  return {};
}

}  // namespace loyalty::ledger

#include "engine/decider.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "ledger/books.h"

namespace loyalty::engine {
namespace {

using ledger::Original;

constexpr size_t kIdsAhead = 12;
const Details kNoDetails;
constexpr size_t kGroupEntries = 8192;

// What must be journaled before that posting is decided.
ledger::DueScope ScopeBefore(const Entry& entry, const Details& details) {
  const bool activity =
      ledger::ActiveUntil(entry, details) != kMinTime_us || entry.kind == Kind::kConfirm;
  if (entry.kind == Kind::kReinstate) return ledger::DueScope::kAll;
  return activity ? ledger::DueScope::kBeforeActivity : ledger::DueScope::kEndedHolds;
}

// The posting at a sequence within a group of rows, all those before it decided.
Original FromGroup(const journal::Group& group, uint64_t sequence) {
  const size_t row = sequence - group.first_sequence;
  size_t first = 0;
  for (size_t i = 0; i < row; ++i) first += group.movement_counts[i];
  const auto from = group.movements.begin() + ptrdiff_t(first);
  return {sequence,
          group.entries[row],
          journal::DetailsOf(group.details, uint32_t(row)),
          {from, from + group.movement_counts[row]},
          group.program_version};
}

}  // namespace

Decider::Decider(Core* core, ids::UnsealedIds recent)
    : core_(core), recent_(std::move(recent)), recorded_us_(core->durable.head().recorded_us) {}

void Decider::Process(const std::shared_ptr<Batch>& batch) {
  if (!open_) {
    ForgetDurable();
    open_ = NewGroup();
    open_->group.first_sequence = core_->state->sequence + 1;
    open_->group.program_version = core_->state->RulesInForce().version();
  }
  open_->batches.push_back(batch);
  if (batch->inspect) {
    batch->inspect();
  } else if (!batch->due.empty()) {
    for (const Batch::Due& due : batch->due) {
      PostDue(due.member, due.currency, batch->due_by_us, ledger::DueScope::kAll, batch->on_due);
    }
  } else if (!batch->levels.empty()) {
    for (Batch::LevelChanges& asked : batch->levels) {
      if (!ChangeLevels(&asked)) batch->on_passed_over();
    }
  } else {
    batch->fault = ProcessRows(batch.get());
  }
}

bool Decider::IsGroupFull() const {
  return open_ && (open_->group.entries.size() >= kGroupEntries ||
                   open_->group.program_version != core_->state->RulesInForce().version());
}

std::shared_ptr<OpenGroup> Decider::CloseGroup() {
  recorded_us_ = std::max(recorded_us_, Now_us());
  open_->group.recorded_us = recorded_us_;
  closed_.push_back(open_);
  return std::move(open_);
}

// An empty group, with the memory of one that is done when there is one.
std::shared_ptr<OpenGroup> Decider::NewGroup() {
  if (!spare_ || !spare_->answered) return std::make_shared<OpenGroup>();
  journal::Group& group = spare_->group;
  group.entries.clear();
  group.movement_counts.clear();
  group.movements.clear();
  group.details.clear();
  group.texts.clear();
  spare_->batches.clear();
  spare_->erases = false;
  spare_->answered = false;
  return std::move(spare_);
}

void Decider::ForgetDurable() {
  const uint64_t durable = core_->durable.sequence();
  while (!closed_.empty() && closed_.front()->group.next_sequence() <= durable + 1) {
    spare_ = std::move(closed_.front());
    closed_.pop_front();
  }
  recent_.ForgetThrough(core_->ids->runs()->sequence());
}

Status Decider::ProcessRows(Batch* batch) {
  if (batch->program) {
    LOYALTY_RETURN_IF_ERROR(ledger::CheckChange(*core_->state, *batch->program));
  }
  // Decided entries gather in the group. When it is empty the batch's own rows become the group's, and are
  // decided where they are: copying them would cost as much as deciding. That needs one entry a row at
  // most, so that no row is written over before it was read: nothing may fall due in between. And of linked
  // rows it would spoil what was asked, which the refused ones are journaled as.
  std::vector<Entry>& decided = open_->group.entries;
  in_place_ = decided.empty() && batch->details.empty() && batch->linked.empty() &&
              batch->related.empty() && !batch->erases && core_->state->open_holds == 0 &&
              !core_->state->RulesInForce().HasInactivity();
  if (!in_place_) return DecideRows(batch->entries, batch);
  decided.swap(batch->entries);
  const Status status = DecideRows(decided, batch);
  decided.resize(DecidedInGroup());
  in_place_ = false;
  return status;
}

Status Decider::DecideRows(std::span<Entry> rows, Batch* batch) {
  std::vector<uint64_t> sealed;
  LOYALTY_RETURN_IF_ERROR(FindSealedSince(*batch, rows, &sealed));
  const bool new_rules = batch->rules && batch->rules != core_->state->rules();
  const bool levels_count = batch->rules && core_->state->RulesInForce().HasExpiryByLevel();
  size_t text = 0;
  size_t details = 0;
  size_t other = 0;
  size_t related = 0;
  std::deque<Details> completed;  // of rows that asked for none
  const auto at_row = [](auto& values, size_t* next, size_t i) {
    while (*next < values.size() && values[*next].row < i) ++*next;
    return *next < values.size() && values[*next].row == i ? &values[*next] : nullptr;
  };
  const auto row_at = [&](size_t i) {
    Batch::Text* const row_text = at_row(batch->texts, &text, i);
    journal::RowDetails* const row_details = at_row(batch->details, &details, i);
    const Batch::Text* const row_other = at_row(batch->others, &other, i);
    if (row_other) FindOther(row_other->text, &row_details->details);
    std::string* const of_row = row_text ? &row_text->text : nullptr;
    FindMember(of_row, &rows[i]);
    Details* asked = row_details ? &row_details->details : nullptr;
    const program::Expiry* const by_level = levels_count ? ExpiryByLevel(rows[i]) : nullptr;
    if ((new_rules || by_level) && rows[i].status == PostingStatus::kUnspecified) {
      if (!asked) asked = &completed.emplace_back();
      batch->replies[i].status = rows[i].status = CompleteAgain(by_level, &rows[i], asked);
    }
    const Row row{&rows[i],
                  &batch->replies[i],
                  asked,
                  of_row,
                  at_row(batch->related, &related, i),
                  sealed.empty() ? 0 : sealed[i]};
    // A posting is known again, whatever has become of the programme.
    if (IsRefusedByProgram(rows[i].status) && SequenceOf(row) != 0) {
      rows[i].status = PostingStatus::kUnspecified;
    }
    return row;
  };
  std::vector<Row> chain;
  for (size_t i = 0, end; i < rows.size(); i = end) {
    ledger::PrefetchAhead(rows, i, *core_->state);
    if (i + kIdsAhead < rows.size()) recent_.Prefetch(rows[i + kIdsAhead].id);
    end = batch->EndOfChain(i);
    if (end == i + 1) {
      if (IsFinal(rows[i].status)) continue;
      const Row row = row_at(i);
      if (row.entry->status == PostingStatus::kUnspecified) {
        LOYALTY_RETURN_IF_ERROR(ProcessRow(row));
      }
      continue;
    }
    chain.clear();
    for (size_t linked = i; linked < end; ++linked) chain.push_back(row_at(linked));
    LOYALTY_RETURN_IF_ERROR(ProcessChain(chain));
  }
  return {};
}

void Decider::FindMember(const std::string* text, Entry* entry) const {
  MemberKey key;
  if (text && entry->member == Entry::kNoMember && !ledger::IsOfTheLedger(entry->kind) &&
      journal::ParseStoredKey(*text, &key)) {
    entry->member = core_->state->keys.Find(key);
  }
}

void Decider::FindOther(const std::string& stored_key, Details* details) const {
  MemberKey key;
  if (!journal::ParseStoredKey(stored_key, &key)) return;
  const uint32_t slot = core_->state->keys.Find(key);
  if (slot != Entry::kNoMember) details->other = slot;
}

void Decider::FollowMerges(Details* details) const {
  if (details->other >= 0) details->other = SurvivorOf(uint32_t(details->other));
}

const program::Expiry* Decider::ExpiryByLevel(const Entry& entry) const {
  if (entry.member == Entry::kNoMember || !ledger::IsAboutAnAccount(entry.kind)) return nullptr;
  const ledger::State& state = *core_->state;
  return state.RulesInForce().ExpiryByLevel(state, SurvivorOf(entry.member), entry.currency);
}

PostingStatus Decider::CompleteAgain(const program::Expiry* by_level, Entry* entry,
                                     Details* details) const {
  const ledger::Rules& rules = core_->state->RulesInForce();
  if (ledger::IsAboutAnAccount(entry->kind) && !rules.HasCurrency(entry->currency)) {
    return PostingStatus::kCurrencyNotFound;
  }
  return rules.Complete(by_level, entry, details);
}

bool Decider::IsDefined(Kind kind, const std::string& text) const {
  const std::vector<std::string>& currencies = core_->state->RulesInForce().currency_names();
  uint32_t code = 0;
  return (kind == Kind::kDefineCode && core_->state->codes.Find(text, &code)) ||
         (kind == Kind::kDefineCurrency &&
          std::find(currencies.begin(), currencies.end(), text) != currencies.end());
}

Status Decider::ProcessRow(const Row& row) {
  Entry& entry = *row.entry;
  if (row.text && IsDefined(entry.kind, *row.text)) {
    *row.reply = {};
    row.reply->status = PostingStatus::kAlreadyExists;
    return {};
  }
  const uint64_t seen = SequenceOf(row);
  if (row.related) LOYALTY_RETURN_IF_ERROR(FindOriginal(row));
  if (seen != 0) return AnswerDuplicate(row, seen);
  entry.member = SurvivorOf(entry.member);
  if (ledger::IsAboutMerging(entry.kind)) return ProcessMerging(row);
  const Details& asked = row.details ? *row.details : kNoDetails;
  if (entry.member != Entry::kNoMember && ledger::IsAboutAnAccount(entry.kind)) {
    PostDue(entry.member, entry.currency, entry.effective_us, ScopeBefore(entry, asked), nullptr);
    if (ledger::IsBetweenMembers(entry.kind) && asked.other >= 0) {
      PostInactivity(SurvivorOf(uint32_t(asked.other)), entry);
    }
  }
  Original* const original = row.original();
  if (original && ledger::NeedsExpired(*core_->state, *original, entry, asked)) {
    LOYALTY_RETURN_IF_ERROR(FindExpired(entry, original));
  }
  const Original* about = original;
  std::optional<Original> leaving;
  if (entry.kind == Kind::kLeavePool) {
    about = &leaving.emplace();
    LOYALTY_RETURN_IF_ERROR(FindBrought(entry, asked.other, &leaving->brought));
  }
  Post(&entry, row.details, about, row.text, row.reply);
  const bool moved = IsPosted(entry.status) && entry.points != 0;
  if (ledger::IsBetweenMembers(entry.kind) && moved) PostSecond();
  if (entry.kind == Kind::kEraseMember && IsPosted(entry.status)) EraseMerged(entry);
  return {};
}

Status Decider::FindBrought(const Entry& entry, int64_t other,
                            std::vector<uint64_t>* sources) const {
  if (entry.member == Entry::kNoMember || other < 0) return {};
  const uint32_t leaving = SurvivorOf(uint32_t(other));
  const ledger::Page& page = *core_->state->PageOf(entry.member);
  std::vector<uint64_t> all;
  page.lots.ForEach(page.GetAccount(entry.member, entry.currency),
                    [&](const ledger::Lot& lot, int64_t) {
                      all.push_back(lot.order().source);
                      return true;
                    });
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (const uint64_t source : all) {
    LOYALTY_ASSIGN_OR_RETURN(const Original of, Fetch(source));
    // A transfer that restarted the expiry made a lot of the pool's own.
    const bool given = of.entry.kind == Kind::kTransfer && of.details.other >= 0 &&
                       SurvivorOf(uint32_t(of.details.other)) == leaving;
    if (SurvivorOf(of.entry.member) == leaving || given) sources->push_back(source);
  }
  return {};
}

// What comes from another member may put off when points expire by inactivity.
void Decider::PostInactivity(uint32_t member, const Entry& before) {
  const ledger::Page& page = *core_->state->PageOf(member);
  const ledger::Account& account = page.GetAccount(member, before.currency);
  if (page.lots.InactiveFrom(account) > before.effective_us) return;
  PostDue(member, before.currency, before.effective_us, ledger::DueScope::kBeforeActivity, nullptr);
}

void Decider::PostSecond() {
  const uint64_t sequence = core_->state->sequence;
  const Original first = FromGroup(open_->group, sequence);
  const uint32_t other = SurvivorOf(uint32_t(first.details.other));
  Entry second = ledger::SecondOfTransfer(first.entry, other, sequence);
  Details details;
  details.other = first.entry.member;
  Post(&second, &details, &first, nullptr, nullptr);
}

Status Decider::AnswerDuplicate(const Row& row, uint64_t sequence) {
  LOYALTY_ASSIGN_OR_RETURN(const Original original, Fetch(sequence));
  const uint64_t related = row.related ? row.related->original.sequence : 0;
  const PostingStatus status = CompareWithOriginal(core_->state->merges, sequence, *row.entry,
                                                   row.details ? *row.details : kNoDetails, related,
                                                   original.entry, original.details);
  *row.reply = MakeReply(status, sequence, original.entry, original.details);
  return {};
}

void Decider::PostDue(uint32_t member, uint16_t currency, int64_t by_us, ledger::DueScope scope,
                      const std::function<void(const Entry&, int64_t points)>& each) {
  const std::vector<ledger::LotMovement>& movements = open_->group.movements;
  Entry due;
  if (scope == ledger::DueScope::kEndedHolds && core_->state->open_holds == 0) return;
  while (ledger::NextDue(*core_->state, member, currency, by_us, scope, &due)) {
    const size_t before = movements.size();
    Post(&due, nullptr, nullptr, nullptr, nullptr);
    if (!IsPosted(due.status)) return;  // its books are full: it stays due
    if (each) each(due, ledger::PointsMoved(std::span(movements).subspan(before)));
  }
}

bool Decider::ChangeLevels(Batch::LevelChanges* asked) {
  const ledger::Page& page = *core_->state->PageOf(asked->member);
  const ledger::MemberLevel* const now = page.FindLevel(asked->member, asked->ladder);
  if ((now ? now->sequence : 0) != asked->sequence || page.IsClosed(asked->member) ||
      SurvivorOf(asked->member) != asked->member) {
    return false;
  }
  for (Batch::LevelChanges::Change& change : asked->changes) {
    Entry entry;
    entry.kind = Kind::kChangeLevel;
    entry.status = PostingStatus::kPosted;
    entry.member = asked->member;
    entry.effective_us = change.effective_us;
    Record(&entry, 0, &change.text, nullptr);
  }
  return true;
}

void Decider::Post(Entry* entry, const Details* details, const Original* original,
                   std::string* text, Reply* reply) {
  journal::Group& group = open_->group;
  const size_t movements_before = group.movements.size();
  if (details) details_ = *details;
  FollowMerges(&details_);
  ledger::Decide(*core_->state, original, entry, &details_, &group.movements);
  std::string given;
  if (entry->kind == Kind::kSetLevel) {
    if (IsPosted(entry->status)) given = ledger::TextOfGiven(*core_->state, *entry, details_);
    text = &given;
  }
  Record(entry, group.movements.size() - movements_before, text, reply);
}

void Decider::Record(Entry* entry, size_t movement_count, std::string* text, Reply* reply) {
  journal::Group& group = open_->group;
  const std::span movements = std::span(group.movements).last(movement_count);
  if (chain_) chain_->accounts.emplace_back(*core_->state, *entry);
  if (details_.other == Details::kUnknownOther) details_.other = Details::kNoOther;
  const bool has_text = journal::HasText(entry->kind);
  const uint64_t sequence = core_->state->sequence + 1;
  const auto parts = ledger::Apply(*entry, details_, sequence, movements,
                                   has_text ? *text : std::string(), core_->state.get());
  // Decide has just said that it fits: anything else is a bug, and going on would journal nonsense.
  if (!parts.ok()) std::abort();
  entry->balance = parts->active;
  details_.pending_after = parts->pending;
  details_.held_after = parts->held;
  details_.arrears_after = parts->arrears;
  if (reply) *reply = MakeReply(entry->status, sequence, *entry, details_);
  recent_.Append(entry->id);
  const size_t place = sequence - group.first_sequence;
  if (details_ != Details()) {
    group.details.push_back({uint32_t(place), details_});
    details_ = {};
  }
  if (!in_place_) {
    group.entries.push_back(*entry);
  } else if (&group.entries[place] != entry) {
    group.entries[place] = *entry;
  }
  group.movement_counts.push_back(uint32_t(movements.size()));
  if (has_text) group.texts.push_back(std::move(*text));
  if (entry->kind == Kind::kEraseMember) open_->erases = true;
}

Status Decider::FindOriginal(const Row& row) {
  Original& original = row.related->original;
  if (original.sequence != 0) return {};
  uint64_t sequence = recent_.Find(row.related->id);
  if (sequence == 0) {  // sealed since preparation, or unknown
    const Id ids[1] = {row.related->id};
    LOYALTY_RETURN_IF_ERROR(core_->ids->runs()->Find(ids, 0, {&sequence, 1}));
  }
  if (sequence == 0) return {};
  LOYALTY_ASSIGN_OR_RETURN(original, Fetch(sequence));
  return {};
}

Status Decider::FindExpired(const Entry& about, Original* credit) const {
  std::map<int64_t, int64_t> expired;  // points that are so yet, by when they expired
  const auto add = [&](uint64_t sequence, const Entry& entry) -> Status {
    const bool expires = entry.kind == Kind::kExpire;
    const bool undoes = (entry.kind == Kind::kReverse || entry.kind == Kind::kReinstate) &&
                        entry.related == credit->sequence;
    if (!(expires || undoes) || entry.currency != credit->entry.currency ||
        !IsPosted(entry.status)) {
      return {};
    }
    LOYALTY_ASSIGN_OR_RETURN(const Original of, Fetch(sequence));
    if (undoes) {
      // Of what expired last: of that the programme's window let it through.
      int64_t left = entry.kind == Kind::kReinstate ? entry.points : of.details.revived;
      for (auto last = expired.rbegin(); left > 0 && last != expired.rend(); ++last) {
        const int64_t part = std::min(left, last->second);
        last->second -= part;
        left -= part;
      }
      return {};
    }
    for (const ledger::LotMovement& m : of.movements) {
      if (m.source == credit->sequence) expired[entry.effective_us] -= m.points;
    }
    return {};
  };
  const std::vector<uint32_t> members = core_->state->merges.EverWith(credit->entry.member);
  LOYALTY_RETURN_IF_ERROR(VisitEntriesOf(members, add));
  const ledger::Rules& rules = core_->state->RulesInForce();
  const int days = rules.CurrencyAt(about.currency).reinstate_within_days;
  for (const auto& [at_us, points] : expired) {
    credit->expired += points;
    const int64_t until_us = rules.program().calendar().AddDays(at_us, days);
    if (days > 0 && about.effective_us <= until_us) credit->expired_lately += points;
  }
  return {};
}

Status Decider::VisitEntriesOf(const std::vector<uint32_t>& members,
                               const EntryVisitor& visitor) const {
  const uint64_t durable = core_->durable.sequence();
  LOYALTY_RETURN_IF_ERROR(VisitEntries(*core_, members, durable, visitor));
  for (uint64_t sequence = durable + 1; sequence <= core_->state->sequence; ++sequence) {
    const journal::Group& group = *GroupOf(sequence);
    const Entry& entry = group.entries[sequence - group.first_sequence];
    if (std::find(members.begin(), members.end(), entry.member) != members.end()) {
      LOYALTY_RETURN_IF_ERROR(visitor(sequence, entry));
    }
  }
  return {};
}

Status Decider::FindSealedSince(const Batch& batch, std::span<const Entry> rows,
                                std::vector<uint64_t>* sequences) const {
  if (batch.ids_checked + 1 >= recent_.first_sequence()) return {};
  std::vector<Id> ids;
  for (const Entry& entry : rows) ids.push_back(entry.id);
  sequences->resize(ids.size());
  return core_->ids->runs()->Find(ids, batch.ids_checked, *sequences);
}

const journal::Group* Decider::GroupOf(uint64_t sequence) const {
  if (sequence >= open_->group.first_sequence) return &open_->group;
  for (const auto& closed : closed_) {
    const journal::Group& group = closed->group;
    if (sequence >= group.first_sequence && sequence < group.next_sequence()) return &group;
  }
  return nullptr;
}

Result<Original> Decider::Fetch(uint64_t sequence) const {
  const journal::Group* const group = GroupOf(sequence);
  if (group) return FromGroup(*group, sequence);
  SharedBlock block;
  return LoadOriginal(*core_, sequence, &block);
}

}  // namespace loyalty::engine

#include "engine/decider.h"

#include <algorithm>
#include <chrono>

namespace loyalty::engine {
namespace {

using ledger::Original;

constexpr size_t kIdsAhead = 12;

int64_t Now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// The posting at a sequence within a group of rows, all those before it decided.
Original FromGroup(const journal::Group& group, uint64_t sequence) {
  const size_t row = sequence - group.first_sequence;
  size_t first = 0;
  for (size_t i = 0; i < row; ++i) first += group.movement_counts[i];
  const auto from = group.movements.begin() + ptrdiff_t(first);
  return {sequence, group.entries[row], {from, from + group.movement_counts[row]}};
}

}  // namespace

Decider::Decider(Core* core, ids::UnsealedIds recent)
    : core_(core), recent_(std::move(recent)), recorded_us_(core->durable.head().recorded_us) {}

void Decider::Process(const std::shared_ptr<Batch>& batch) {
  if (!open_) {
    ForgetDurable();
    open_ = NewGroup();
    open_->group.first_sequence = core_->state->sequence + 1;
  }
  open_->batches.push_back(batch);
  if (batch->inspect) {
    batch->inspect();
  } else {
    batch->fault = ProcessRows(batch.get());
  }
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
  group.texts.clear();
  spare_->batches.clear();
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
  // Decided entries gather in the group. When it is empty the batch's own rows become the group's, and are
  // decided where they are: copying them would cost as much as deciding.
  std::vector<Entry>& decided = open_->group.entries;
  if (decided.empty()) {
    decided.swap(batch->entries);
    const Status status = DecideRows(decided, batch);
    decided.resize(DecidedInGroup());
    return status;
  }
  decided.resize(decided.size() + batch->entries.size());
  const Status status = DecideRows(batch->entries, batch);
  decided.resize(DecidedInGroup());
  return status;
}

// `rows` may be the group's own: then row i is read before place i is written.
Status Decider::DecideRows(std::span<Entry> rows, Batch* batch) {
  std::vector<uint64_t> sealed;
  LOYALTY_RETURN_IF_ERROR(FindSealedSince(*batch, rows, &sealed));
  size_t text = 0;
  size_t reversal = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    ledger::PrefetchAhead(rows, i, *core_->state);
    if (i + kIdsAhead < rows.size()) recent_.Prefetch(rows[i + kIdsAhead].id);
    while (text < batch->texts.size() && batch->texts[text].row < i) ++text;
    while (reversal < batch->reversals.size() && batch->reversals[reversal].row < i) ++reversal;
    Row row{&rows[i], &batch->replies[i], nullptr, nullptr};
    if (row.entry->status != PostingStatus::kUnspecified) continue;
    if (text < batch->texts.size() && batch->texts[text].row == i)
      row.text = &batch->texts[text].text;
    if (row.entry->kind == Kind::kReverse) row.reversal = &batch->reversals[reversal];
    LOYALTY_RETURN_IF_ERROR(ProcessRow(row, sealed.empty() ? 0 : sealed[i]));
  }
  return {};
}

Status Decider::ProcessRow(const Row& row, uint64_t seen) {
  if (row.entry->kind == Kind::kDefineCode) {
    uint32_t code = 0;
    if (core_->state->codes.Find(*row.text, &code)) {
      *row.reply = {PostingStatus::kAlreadyExists, 0, code};
      return {};
    }
  }
  // A member opened since preparation, perhaps by an earlier row.
  if (row.text && row.entry->member == Entry::kNoMember) {
    MemberKey key;
    if (journal::ParseStoredKey(*row.text, &key)) row.entry->member = core_->state->keys.Find(key);
  }
  if (seen == 0) seen = recent_.Find(row.entry->id);
  if (row.reversal) LOYALTY_RETURN_IF_ERROR(FindOriginal(row.reversal));
  if (seen != 0) return AnswerDuplicate(row, seen);
  Post(row);
  return {};
}

Status Decider::AnswerDuplicate(const Row& row, uint64_t sequence) {
  LOYALTY_ASSIGN_OR_RETURN(const Original original, Fetch(sequence));
  const uint64_t related = row.reversal ? row.reversal->original.sequence : 0;
  *row.reply = {CompareWithOriginal(*row.entry, related, original.entry), sequence,
                original.entry.balance};
  return {};
}

void Decider::Post(const Row& row) {
  journal::Group& group = open_->group;
  Entry& entry = *row.entry;
  const size_t movements_before = group.movements.size();
  const bool known = row.reversal && row.reversal->original.sequence != 0;
  ledger::Decide(*core_->state, known ? &row.reversal->original : nullptr, &entry,
                 &group.movements);
  const std::span movements(group.movements.data() + movements_before,
                            group.movements.size() - movements_before);
  const bool has_text = journal::HasText(entry.kind);
  const uint64_t sequence = core_->state->sequence + 1;
  auto balance = ledger::Apply(entry, sequence, movements, has_text ? *row.text : std::string(),
                               core_->state.get());
  // Decide has just said that it fits: anything else is a bug, and going on would journal nonsense.
  if (!balance.ok()) std::abort();
  entry.balance = *balance;
  *row.reply = {entry.status, sequence, entry.balance};
  recent_.Append(entry.id);
  Entry& place = group.entries[sequence - group.first_sequence];
  if (&place != &entry) place = entry;
  group.movement_counts.push_back(uint32_t(movements.size()));
  if (has_text) group.texts.push_back(std::move(*row.text));
}

Status Decider::FindOriginal(Batch::Reversal* reversal) {
  if (reversal->original.sequence != 0) return {};
  uint64_t sequence = recent_.Find(reversal->related);
  if (sequence == 0) {  // sealed since preparation, or unknown
    const Id ids[1] = {reversal->related};
    LOYALTY_RETURN_IF_ERROR(core_->ids->runs()->Find(ids, 0, {&sequence, 1}));
  }
  if (sequence == 0) return {};
  LOYALTY_ASSIGN_OR_RETURN(reversal->original, Fetch(sequence));
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

Result<Original> Decider::Fetch(uint64_t sequence) const {
  if (sequence >= open_->group.first_sequence) return FromGroup(open_->group, sequence);
  for (const auto& closed : closed_) {
    const journal::Group& group = closed->group;
    if (sequence >= group.first_sequence && sequence < group.next_sequence()) {
      return FromGroup(group, sequence);
    }
  }
  return LoadOriginal(*core_, sequence);
}

}  // namespace loyalty::engine

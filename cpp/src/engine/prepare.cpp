#include "engine/prepare.h"

namespace loyalty::engine {
namespace {

Entry AsAsked(const Posting& p, uint32_t member) {
  Entry e;
  e.id = p.id;
  e.effective_us = p.effective_us;
  e.points = p.kind == Kind::kRedeem ? -p.points : p.points;
  e.money = p.money;
  e.expires_us = p.expires_us;
  e.tag = p.tag;
  e.member = member;
  e.codes = p.codes;
  e.currency = p.kind == Kind::kOpenMember ? 0 : p.currency;
  e.kind = p.kind;
  return e;
}

void CheckForms(const ledger::State& state, size_t currencies, std::span<const Posting> postings,
                Batch* batch) {
  const uint32_t codes = state.codes.size();
  std::vector<uint32_t> members(postings.size());
  state.keys.FindAll([&](size_t i) -> const MemberKey& { return postings[i].member; }, members);
  batch->entries.reserve(postings.size());
  for (size_t i = 0; i < postings.size(); ++i) {
    const Posting& p = postings[i];
    Entry& entry = batch->entries.emplace_back(AsAsked(p, members[i]));
    entry.status = ledger::CheckForm(p, currencies, codes);
    batch->replies[i] = {entry.status, 0, 0};
    if (entry.status != PostingStatus::kUnspecified) continue;
    if (p.kind == Kind::kOpenMember || entry.member == Entry::kNoMember) {
      batch->texts.push_back({uint32_t(i), journal::StoredKey(p.member)});
    }
    if (p.kind == Kind::kReverse) batch->reversals.push_back({uint32_t(i), p.related, {}});
  }
}

// Finds the originals of reversals that are sealed.
Status FindOriginals(const Core& core, const ids::IdRuns& runs, Batch* batch) {
  std::vector<Id> related;
  for (const Batch::Reversal& reversal : batch->reversals) related.push_back(reversal.related);
  std::vector<uint64_t> sequences(related.size());
  LOYALTY_RETURN_IF_ERROR(runs.Find(related, 0, sequences));
  for (size_t i = 0; i < related.size(); ++i) {
    if (sequences[i] == 0) continue;
    LOYALTY_ASSIGN_OR_RETURN(batch->reversals[i].original, LoadOriginal(core, sequences[i]));
  }
  return {};
}

Status AnswerDuplicates(const Core& core, const ids::IdRuns& runs, Batch* batch) {
  std::vector<Id> ids;
  ids.reserve(batch->entries.size());
  for (const Entry& entry : batch->entries) ids.push_back(entry.id);
  std::vector<uint64_t> sequences(ids.size());
  LOYALTY_RETURN_IF_ERROR(runs.Find(ids, 0, sequences));
  size_t reversal = 0;
  SharedBlock block;  // duplicates come in runs: most are in the block of the one before
  for (size_t i = 0; i < ids.size(); ++i) {
    Entry& asked = batch->entries[i];
    while (reversal < batch->reversals.size() && batch->reversals[reversal].row < i) ++reversal;
    if (sequences[i] == 0 || asked.status != PostingStatus::kUnspecified) continue;
    const uint64_t sequence = sequences[i];
    if (!block.bytes || sequence < block.view.first_sequence() ||
        sequence > block.view.last_sequence()) {
      LOYALTY_ASSIGN_OR_RETURN(block, core.FindBlock(sequence));
    }
    const Entry original = block.view.EntryAt(sequence - block.view.first_sequence());
    const uint64_t related =
        asked.kind == Kind::kReverse ? batch->reversals[reversal].original.sequence : 0;
    asked.status = CompareWithOriginal(asked, related, original);
    batch->replies[i] = {asked.status, sequence, original.balance};
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Batch>> Prepare(const Core& core, std::span<const Posting> postings,
                                       std::span<Reply> replies) {
  auto batch = std::make_shared<Batch>();
  batch->replies = replies.data();
  // Before the members' slots: a posting sealed by then has its member findable.
  const std::shared_ptr<const ids::IdRuns> runs = core.ids->runs();
  batch->ids_checked = runs->sequence();
  CheckForms(*core.state, core.currencies.size(), postings, batch.get());
  if (runs->size() > 0) {
    if (!batch->reversals.empty()) LOYALTY_RETURN_IF_ERROR(FindOriginals(core, *runs, batch.get()));
    LOYALTY_RETURN_IF_ERROR(AnswerDuplicates(core, *runs, batch.get()));
  }
  return batch;
}

}  // namespace loyalty::engine

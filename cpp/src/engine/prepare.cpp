#include "engine/prepare.h"

#include <algorithm>

namespace loyalty::engine {
namespace {

void CheckForms(const ledger::State& state, std::span<const Posting> postings, Batch* batch) {
  const ledger::Rules& rules = *batch->rules;
  const uint32_t codes = state.codes.size();
  std::vector<uint32_t> members(postings.size());
  state.keys.FindAll([&](size_t i) -> const MemberKey& { return postings[i].member; }, members);
  batch->entries.reserve(postings.size());
  Details details;  // as in Details() before each row: few rows have any
  for (size_t i = 0; i < postings.size(); ++i) {
    const Posting& p = postings[i];
    Entry& entry = batch->entries.emplace_back(ledger::AsAsked(p, members[i], &details));
    entry.status = ledger::CheckForm(p, rules, codes);
    if (entry.status == PostingStatus::kUnspecified) {
      entry.status = rules.Complete(nullptr, &entry, &details);  // only the writer knows levels
    }
    if (p.other && !IsFinal(entry.status)) {
      const uint32_t other = batch->erases ? Entry::kNoMember : state.keys.Find(*p.other);
      if (other != Entry::kNoMember) details.other = other;
      if (other == Entry::kNoMember) {
        details.other = Details::kUnknownOther;  // so far
        batch->others.push_back({uint32_t(i), journal::StoredKey(*p.other)});
      }
    }
    if (details != Details()) {
      batch->details.push_back({uint32_t(i), details});
      details = {};
    }
    batch->replies[i] = {};
    batch->replies[i].status = entry.status;
    if (IsFinal(entry.status)) continue;
    if (batch->erases) entry.member = Entry::kNoMember;  // the key may lead elsewhere by then
    if (p.kind == Kind::kOpenMember || entry.member == Entry::kNoMember) {
      batch->texts.push_back({uint32_t(i), journal::StoredKey(p.member)});
    }
    if (!p.related.is_zero()) batch->related.push_back({uint32_t(i), p.related, {}});
    batch->erases |= p.kind == Kind::kEraseMember;
  }
}

// Chains of linked postings must end in the batch, and be about accounts.
void CheckLinks(std::span<const Posting> postings, Batch* batch) {
  const auto is_linked = [](const Posting& p) { return p.linked; };
  if (std::none_of(postings.begin(), postings.end(), is_linked)) return;
  for (const Posting& p : postings) batch->linked.push_back(p.linked);
  for (size_t from = 0, to; from < postings.size(); from = to) {
    to = batch->EndOfChain(from);
    for (size_t i = from; i < to; ++i) {
      PostingStatus* const status = &batch->entries[i].status;
      if (*status != PostingStatus::kUnspecified && !IsRefusedByProgram(*status)) continue;
      if (i + 1 == to && postings[i].linked) {
        *status = batch->replies[i].status = PostingStatus::kLinkedChainOpen;
      } else if (to - from > 1 && !ledger::IsAboutAnAccount(postings[i].kind)) {
        *status = batch->replies[i].status = PostingStatus::kLinkedNotAllowed;
      }
    }
  }
}

// Finds the postings that others are about and that are sealed.
Status FindRelated(const Core& core, const ids::IdRuns& runs, Batch* batch) {
  std::vector<Id> ids;
  for (const Batch::Related& related : batch->related) ids.push_back(related.id);
  std::vector<uint64_t> sequences(ids.size());
  LOYALTY_RETURN_IF_ERROR(runs.Find(ids, 0, sequences));
  SharedBlock block;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (sequences[i] == 0) continue;
    LOYALTY_ASSIGN_OR_RETURN(batch->related[i].original, LoadOriginal(core, sequences[i], &block));
  }
  return {};
}

Status AnswerDuplicates(const Core& core, const ids::IdRuns& runs, Batch* batch) {
  std::vector<Id> ids;
  ids.reserve(batch->entries.size());
  for (const Entry& entry : batch->entries) ids.push_back(entry.id);
  std::vector<uint64_t> sequences(ids.size());
  LOYALTY_RETURN_IF_ERROR(runs.Find(ids, 0, sequences));
  size_t related = 0;
  SharedBlock block;  // duplicates come in runs: most are in the block of the one before
  for (size_t i = 0; i < ids.size(); ++i) {
    Entry& asked = batch->entries[i];
    while (related < batch->related.size() && batch->related[related].row < i) ++related;
    if (sequences[i] == 0 || IsFinal(asked.status)) continue;
    const uint64_t sequence = sequences[i];
    if (!block.bytes || sequence < block.view.first_sequence() ||
        sequence > block.view.last_sequence()) {
      LOYALTY_ASSIGN_OR_RETURN(block, core.FindBlock(sequence));
    }
    const size_t row = sequence - block.view.first_sequence();
    const Entry original = block.view.EntryAt(row);
    const Details original_details = block.view.DetailsAt(row);
    const bool about = related < batch->related.size() && batch->related[related].row == i;
    asked.status = CompareWithOriginal(
        core.state->merges, sequence, asked, journal::DetailsOf(batch->details, uint32_t(i)),
        about ? batch->related[related].original.sequence : 0, original, original_details);
    batch->replies[i] = MakeReply(asked.status, sequence, original, original_details);
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
  batch->rules = core.state->rules();
  CheckForms(*core.state, postings, batch.get());
  CheckLinks(postings, batch.get());
  if (batch->erases) {
    batch->ids_checked = 0;  // the writer looks up all that depends on members
  } else if (runs->size() > 0) {
    if (!batch->related.empty()) LOYALTY_RETURN_IF_ERROR(FindRelated(core, *runs, batch.get()));
    LOYALTY_RETURN_IF_ERROR(AnswerDuplicates(core, *runs, batch.get()));
  }
  return batch;
}

}  // namespace loyalty::engine

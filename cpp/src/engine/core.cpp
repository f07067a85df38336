#include "engine/core.h"

namespace loyalty::engine {

journal::Head Durable::head() const {
  MutexLock lock(mutex_);
  return head_;
}

void Durable::Advance(const journal::Head& head) {
  MutexLock lock(mutex_);
  head_ = head;
  sequence_.store(head.sequence, std::memory_order_release);
  changed_.NotifyAll();
}

bool Durable::WaitFor(uint64_t sequence) {
  MutexLock lock(mutex_);
  while (head_.sequence < sequence && failure_.ok()) changed_.Wait(mutex_);
  return head_.sequence >= sequence;
}

void Durable::Fail(Status fault) {
  MutexLock lock(mutex_);
  if (failure_.ok()) failure_ = std::move(fault);
  failed_.store(true, std::memory_order_release);
  changed_.NotifyAll();
}

Status Durable::failure() const {
  if (!failed_.load(std::memory_order_acquire)) return {};
  MutexLock lock(mutex_);
  return failure_;
}

Result<SharedBlock> Core::FindBlock(uint64_t sequence) const {
  if (auto block = tail.Find(sequence)) return *block;
  return journal.Find(sequence);
}

Result<ledger::Original> LoadOriginal(const Core& core, uint64_t sequence) {
  LOYALTY_ASSIGN_OR_RETURN(const SharedBlock block, core.FindBlock(sequence));
  const size_t row = sequence - block.view.first_sequence();
  return ledger::Original{sequence, block.view.EntryAt(row), block.view.MovementsOf(row)};
}

PostingStatus CompareWithOriginal(const Entry& asked, uint64_t related, const Entry& original) {
  if (original.status != PostingStatus::kPosted) return PostingStatus::kIdAlreadyFailed;
  const bool reversal = asked.kind == Kind::kReverse;
  if (asked.kind != original.kind) return PostingStatus::kExistsWithDifferentKind;
  if (asked.member != original.member) return PostingStatus::kExistsWithDifferentMember;
  if (asked.currency != original.currency) return PostingStatus::kExistsWithDifferentCurrency;
  if (!reversal && asked.points != original.points)
    return PostingStatus::kExistsWithDifferentPoints;
  if (asked.money != original.money) return PostingStatus::kExistsWithDifferentMoney;
  if (asked.effective_us != original.effective_us) {
    return PostingStatus::kExistsWithDifferentEffectiveTime;
  }
  if (asked.expires_us != original.expires_us) return PostingStatus::kExistsWithDifferentExpiry;
  if (reversal && related != original.related) return PostingStatus::kExistsWithDifferentRelated;
  if (asked.codes != original.codes) return PostingStatus::kExistsWithDifferentCodes;
  if (asked.tag != original.tag) return PostingStatus::kExistsWithDifferentTag;
  return PostingStatus::kAlreadyExists;
}

}  // namespace loyalty::engine

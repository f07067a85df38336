#include "engine/core.h"

#include <algorithm>

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

bool Durable::WaitFor(uint64_t sequence) const {
  MutexLock lock(mutex_);
  while (head_.sequence < sequence && failure_.ok()) changed_.Wait(mutex_);
  return head_.sequence >= sequence;
}

void Durable::WaitUntil(uint64_t sequence, std::chrono::steady_clock::time_point until,
                        const std::atomic<bool>& gives_up) const {
  MutexLock lock(mutex_);
  bool in_time = true;
  while (in_time && head_.sequence < sequence && failure_.ok() && !gives_up) {
    in_time = changed_.WaitUntil(mutex_, until);
  }
}

void Durable::GiveUp() const {
  MutexLock lock(mutex_);
  changed_.NotifyAll();
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

Status Core::ReadsOnly() const {
  return {StatusCode::kReadOnly,
          directory +
              ": was opened read-only; to post, or to run what is journaled, open it without "
              "that, or ask the process that has it open"};
}

// That a key is gone must be durable before it is told.
Result<uint32_t> Core::FindMember(const MemberKey& key) const {
  return ReadDurable([&](const ledger::State& from, uint64_t* needs) {
    const uint32_t slot = from.keys.Find(key);
    if (slot == Entry::kNoMember) *needs = from.keys.erased_sequence();
    return slot;
  });
}

Result<OwnedKey> Core::KeyOf(uint32_t slot) const {
  return ReadDurable([&](const ledger::State& from, uint64_t* needs) {
    if (slot >= from.keys.size()) return OwnedKey();
    OwnedKey key = from.keys.At(slot);
    if (key.sort == OwnedKey::kErased) *needs = from.keys.erased_sequence();
    return key;
  });
}

Result<std::vector<OwnedKey>> Core::KeysOfAll(uint32_t slots) const {
  return ReadDurable([&](const ledger::State& from, uint64_t* needs) {
    constexpr uint32_t kTogether = 1u << 14;  // the writer may have to wait for them
    const uint32_t end = std::min(slots, from.keys.size());
    std::vector<OwnedKey> keys;
    keys.reserve(end);
    for (uint32_t first = 0; first < end; first += kTogether) {
      from.keys.ForEach(first, std::min(first + kTogether, end), [&](const MemberKey* key) {
        keys.push_back(key ? OwnedKey(*key) : OwnedKey());
      });
    }
    *needs = from.keys.erased_sequence();
    return keys;
  });
}

Result<SharedBlock> Core::FindBlock(uint64_t sequence) const {
  if (auto block = tail.Find(sequence)) return *block;
  return journal.Find(sequence);
}

Result<ledger::Original> LoadOriginal(const Core& core, uint64_t sequence, SharedBlock* block) {
  if (!block->bytes || sequence < block->view.first_sequence() ||
      sequence > block->view.last_sequence()) {
    LOYALTY_ASSIGN_OR_RETURN(*block, core.FindBlock(sequence));
  }
  const size_t row = sequence - block->view.first_sequence();
  return ledger::Original{sequence, block->view.EntryAt(row), block->view.DetailsAt(row),
                          block->view.MovementsOf(row), block->view.program_version()};
}

Reply MakeReply(PostingStatus status, uint64_t sequence, const Entry& entry,
                const Details& details) {
  const int64_t points = IsPosted(entry.status) ? entry.points : 0;
  return {status, sequence,       ledger::RecordedParts(entry, details),
          points, details.repaid, details.limit};
}

PostingStatus CompareWithOriginal(const ledger::Merges& merges, uint64_t sequence,
                                  const Entry& asked, const Details& asked_details,
                                  uint64_t related, const Entry& original,
                                  const Details& original_details) {
  // Any key that led to the member then is the same.
  const auto same = [&](int64_t a, int64_t b) {
    return a == b || (a >= 0 && b >= 0 &&
                      merges.SurvivorOf(uint32_t(a), sequence - 1) ==
                          merges.SurvivorOf(uint32_t(b), sequence - 1));
  };
  const Terms& terms = asked_details.terms;
  const Terms& then = original_details.terms;
  using enum PostingStatus;
  if (!IsPosted(original.status)) return kIdAlreadyFailed;
  if (asked.kind != original.kind) return kExistsWithDifferentKind;
  // The key of who was erased leads nowhere, or to another member.
  const bool has_member = asked.kind != Kind::kEraseMember;
  if (has_member && !same(asked.member, original.member)) return kExistsWithDifferentMember;
  if (asked.currency != original.currency) return kExistsWithDifferentCurrency;
  // Where both left a value to the programme, it is the same: the programme's of then.
  const uint8_t by_program = asked.by_program & original.by_program;
  const uint8_t one_only = asked.by_program ^ original.by_program;
  if ((one_only & kPointsByRule) ||
      (!(by_program & kPointsByRule) && ledger::AskedPoints(asked, asked_details) !=
                                            ledger::AskedPoints(original, original_details))) {
    return kExistsWithDifferentPoints;
  }
  if (asked.money != original.money) return kExistsWithDifferentMoney;
  if (asked.effective_us != original.effective_us) return kExistsWithDifferentEffectiveTime;
  if ((one_only & kExpiryByProgram) ||
      (!(by_program & kExpiryByProgram) && ledger::SaysExpiry(asked.kind, asked.points) &&
       asked.expires_us != original.expires_us)) {
    return kExistsWithDifferentExpiry;
  }
  if (related != original.related) return kExistsWithDifferentRelated;
  if (asked.codes != original.codes) return kExistsWithDifferentCodes;
  if (asked.tag != original.tag) return kExistsWithDifferentTag;
  const bool timed = !(by_program & kActivationByProgram);
  if ((one_only & kActivationByProgram) || (timed && terms.activates_us != then.activates_us)) {
    return kExistsWithDifferentActivation;
  }
  if (timed && terms.deadline_us != then.deadline_us) return kExistsWithDifferentDeadline;
  if (terms.floor != then.floor || terms.ceiling != then.ceiling) return kExistsWithDifferentLimits;
  if (ledger::NamesOther(asked.kind) && !same(asked_details.other, original_details.other)) {
    return kExistsWithDifferentOtherMember;
  }
  if (terms.ladder != then.ladder || terms.level != then.level) return kExistsWithDifferentLevel;
  return kAlreadyExists;
}

}  // namespace loyalty::engine

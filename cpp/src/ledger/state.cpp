#include "ledger/state.h"

#include <sched.h>

#include <algorithm>
#include <mutex>

namespace loyalty::ledger {

bool Dictionary::Find(std::string_view text, uint32_t* code) const {
  std::shared_lock lock(mutex_);
  const auto found = codes_.find(text);
  if (found == codes_.end()) return false;
  *code = found->second;
  return true;
}

std::string Dictionary::At(uint32_t code) const {
  std::shared_lock lock(mutex_);
  return texts_[code];
}

uint32_t Dictionary::Add(std::string_view text) {
  std::unique_lock lock(mutex_);
  const auto code = uint32_t(texts_.size());
  texts_.emplace_back(text);
  codes_.emplace(texts_.back(), code);
  size_.store(code + 1, std::memory_order_release);
  return code;
}

State::~State() {
  for (std::atomic<Chunk*>& chunk : *directory_) delete chunk.load(std::memory_order_relaxed);
}

template <typename Read>
auto State::ReadBesideWriter(const PageSlot& slot, Read read) {
  for (;;) {
    {
      SpinLockHolder lock(slot.lock);
      const uint32_t version = slot.version.load(std::memory_order_acquire);
      const auto value = read(*slot.page.get());
      if (version % 2 == 0 && slot.version.load(std::memory_order_relaxed) == version) return value;
    }
    sched_yield();  // without the lock: the writer may need it to end its change
  }
}

Account State::ReadAccount(uint32_t member, uint16_t currency) const {
  return ReadBesideWriter(SlotOf(member), [&](const Page& page) {
    const Account& account = page.GetAccount(member, currency);
    Account read;
    read.total = LoadBesideWriter(account.total);
    read.lifetime_earned = LoadBesideWriter(account.lifetime_earned);
    read.lifetime_redeemed = LoadBesideWriter(account.lifetime_redeemed);
    read.sequence = LoadBesideWriter(account.sequence);
    read.first_expiry = LoadBesideWriter(account.first_expiry);
    read.extra = LoadBesideWriter(account.extra);
    return read;
  });
}

uint64_t State::PageSequence(uint32_t member) const {
  return ReadBesideWriter(SlotOf(member),
                          [](const Page& page) { return LoadBesideWriter(page.sequence); });
}

void State::EndOneChange() {
  in_one_change_ = false;
  for (PageSlot* slot : changed_together_) slot->version.fetch_add(1, std::memory_order_release);
  changed_together_.clear();
}

void State::MakeWritable(PageSlot* slot, uint16_t currency) {
  SpinLockHolder lock(slot->lock);
  if (!slot->page.unique()) slot->page = PagePtr(std::make_unique<Page>(*slot->page.get()));
  slot->page.get()->MutableAccount(0, currency);
}

void State::DropAccounts(uint32_t member, uint16_t currency) {
  PageSlot& slot = SlotOf(member);
  SpinLockHolder lock(slot.lock);
  slot.page.get()->accounts[currency].reset();
}

template <typename Change>
void State::ChangePage(uint32_t member, uint64_t at, Change change) {
  PageSlot& slot = SlotOf(member);
  SpinLockHolder lock(slot.lock);
  if (!slot.page.unique()) slot.page = PagePtr(std::make_unique<Page>(*slot.page.get()));
  Page& page = *slot.page.get();
  change(page);
  StoreForReaders(&page.sequence, std::max(page.sequence, at));
}

void State::SetOpening(uint32_t member, int64_t opened_us, uint64_t at) {
  ChangePage(member, at, [&](Page& page) {
    page.opening_minutes[member % kPageMembers] = OpeningMinute(opened_us);
  });
}

void State::SetClosed(uint32_t member, bool is_closed, uint64_t at) {
  ChangePage(member, at, [&](Page& page) { page.SetClosed(member, is_closed); });
}

void State::SetLevel(uint32_t member, const LevelChange& change, uint64_t at) {
  ChangePage(member, at, [&](Page& page) {
    page.SetLevel({member, change.ladder, at, change.to});
  });
}

int64_t State::OpeningOf_us(uint32_t member) const {
  return ReadMembership(member / kPageMembers, [&](const Page& page) {
    return ledger::OpeningOf_us(page.opening_minutes[member % kPageMembers]);
  });
}

std::optional<MemberLevel> State::LevelOn(uint32_t member, uint32_t ladder) const {
  return ReadMembership(member / kPageMembers, [&](const Page& page) {
    const MemberLevel* const level = page.FindLevel(member, ladder);
    return level ? std::optional(*level) : std::nullopt;
  });
}

std::vector<MemberLevel> State::LevelsOf(uint32_t member) const {
  return ReadMembership(member / kPageMembers, [&](const Page& page) {
    std::vector<MemberLevel> levels;
    const auto first = std::lower_bound(
        page.levels.begin(), page.levels.end(), member,
        [](const MemberLevel& level, uint32_t wanted) { return level.member < wanted; });
    for (auto at = first; at != page.levels.end() && at->member == member; ++at) {
      levels.push_back(*at);
    }
    return levels;
  });
}

void State::EnsurePage(uint32_t member) {
  while (page_count_ <= member / kPageMembers) InstallPage(page_count_, std::make_unique<Page>());
}

void State::InstallPage(uint32_t number, std::unique_ptr<Page> page) {
  std::atomic<Chunk*>& chunk = (*directory_)[number / kChunkPages];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    chunk.store(new Chunk, std::memory_order_release);
  }
  PageSlot& slot = SlotOf(number * kPageMembers);
  open_holds += page->extras.CountHolds();
  SpinLockHolder lock(slot.lock);
  slot.page = PagePtr(std::move(page));
  if (page_count_ <= number) page_count_ = number + 1;
}

void State::ChangeRules(Rules rules) {
  auto changed = std::make_shared<const Rules>(std::move(rules));
  SpinLockHolder lock(rules_lock_);
  if (!versions_.empty() && versions_.back()->version() == changed->version()) {
    versions_.back() = std::move(changed);
  } else {
    versions_.push_back(std::move(changed));
  }
}

void State::AddCurrency(std::string_view name) {
  const Rules& now = RulesInForce();
  std::vector<std::string> names = now.currency_names();
  names.emplace_back(name);
  totals.emplace_back();
  ChangeRules(now.version() == 0
                  ? Rules(std::move(names))
                  : Rules(now.shared_program(), now.version(), std::move(names), codes));
}

Status State::AddProgram(std::string_view json) {
  LOYALTY_ASSIGN_OR_RETURN(auto program, program::Program::Parse(json));
  const Rules& now = RulesInForce();
  ChangeRules(Rules(std::move(program), now.version() + 1, now.currency_names(), codes));
  return {};
}

Summary State::Summarize() const {
  Summary summary{sequence, keys.size(), codes.size(), page_count_, RulesInForce().currency_names(),
                  totals,   {},          merges.All()};
  for (size_t version = 1; version < versions_.size(); ++version) {
    summary.programs.push_back(versions_[version]->program().json());
  }
  return summary;
}

Snapshot State::TakeSnapshot() const {
  Snapshot snapshot{Summarize(), {}};
  snapshot.pages.reserve(page_count_);
  for (uint32_t page = 0; page < page_count_; ++page) snapshot.pages.push_back(PageAt(page));
  return snapshot;
}

uint64_t State::ram_bytes() const {
  uint64_t bytes = keys.ram_bytes();
  for (uint32_t page = 0; page < page_count_; ++page) {
    bytes += SlotOf(page * kPageMembers).page.get()->ram_bytes() + sizeof(PageSlot);
  }
  return bytes;
}

}  // namespace loyalty::ledger

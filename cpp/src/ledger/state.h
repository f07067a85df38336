// The state in RAM: all that the journal has come to, as dense pages indexed by member slot.
//
// Thread safety: one writer changes it (Apply, and only that). ReadAccount and the members of MemberKeys,
// Dictionary and Merges marked so may run beside it from any thread; each account is read whole. Snapshot and
// everything else belong to the writer's thread, or to anyone once there is no writer.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "ledger/member_keys.h"
#include "ledger/merges.h"
#include "ledger/page.h"
#include "ledger/rules.h"

namespace loyalty::ledger {

// Texts of codes, each once; code 0 is the empty text. Find, At and size from any thread.
class Dictionary {
 public:
  Dictionary() { Add(""); }
  uint32_t size() const { return size_.load(std::memory_order_acquire); }
  bool Find(std::string_view text, uint32_t* code) const;
  std::string At(uint32_t code) const;  // requires code < size()
  uint32_t Add(std::string_view text);

 private:
  std::atomic<uint32_t> size_ = 0;
  mutable std::shared_mutex mutex_;
  std::deque<std::string> texts_;  // addresses are stable: codes_ points into it
  std::unordered_map<std::string_view, uint32_t> codes_;
};

// One currency's sums. members + issued + redeemed + expired + adjusted == 0.
struct CurrencyTotals {
  int64_t members = 0;
  int64_t issued = 0;
  int64_t redeemed = 0;
  int64_t expired = 0;
  int64_t adjusted = 0;
  bool operator==(const CurrencyTotals&) const = default;
};

// What there is of the state beside its pages, at one sequence.
struct Summary {
  uint64_t sequence = 0;
  uint32_t members = 0;
  uint32_t codes = 0;
  uint32_t page_count = 0;
  std::vector<std::string> currencies;
  std::vector<CurrencyTotals> totals;
  std::vector<std::string> programs;  // versions 1 to the one in force, as JSON
  std::vector<Merge> merges;
};

// A consistent picture that stays as it is while the state moves on; shares the pages.
struct Snapshot : Summary {
  std::vector<PagePtr> pages;
};

class State {
 public:
  State() : directory_(std::make_unique<Directory>()) { ChangeRules(Rules({})); }
  ~State();

  MemberKeys keys;
  Dictionary codes;
  Merges merges;
  std::vector<CurrencyTotals> totals;  // by currency
  uint64_t sequence = 0;               // of the last entry applied
  uint64_t open_holds = 0;             // follows from the pages

  // Any thread. Requires member < keys.size().
  Account ReadAccount(uint32_t member, uint16_t currency) const;
  // The last entry that changed anything in the member's page. Any thread.
  uint64_t PageSequence(uint32_t member) const;
  // Calls read(page) for what a page has for ladders: openings, who is closed, levels, and latest_us by
  // LoadBesideWriter. Any thread; the writer may have to wait. Requires that it has a member < keys.size().
  template <typename Read>
  auto ReadMembership(uint32_t page_number, Read read) const {
    const PageSlot& slot = SlotOf(page_number * kPageMembers);
    SpinLockHolder lock(slot.lock);
    return read(*slot.page.get());
  }
  // Of a member. Any thread. Requires member < keys.size().
  int64_t OpeningOf_us(uint32_t member) const;
  std::optional<MemberLevel> LevelOn(uint32_t member, uint32_t ladder) const;
  // On all ladders that he changed his level on.
  std::vector<MemberLevel> LevelsOf(uint32_t member) const;

  // How many. Writer only.
  uint16_t currency_count() const { return uint16_t(totals.size()); }

  // The programme in force. Any thread.
  std::shared_ptr<const Rules> rules() const {
    SpinLockHolder lock(rules_lock_);
    return versions_.back();
  }
  // A version of it, 0 to rules()->version(). Any thread.
  std::shared_ptr<const Rules> RulesOf(uint32_t version) const {
    SpinLockHolder lock(rules_lock_);
    return versions_[version];
  }

  // Writer only from here on.
  const Rules& RulesInForce() const { return *versions_.back(); }
  void AddCurrency(std::string_view name);
  // The next version, of which all currencies and the rules' names as codes are there.
  Status AddProgram(std::string_view json);
  const Page* PageOf(uint32_t member) const { return SlotOf(member).page.get(); }
  // Calls change(page, account) with both free to change; the page is copied first when a snapshot shares
  // it. What readers read of an account is changed by StoreForReaders only.
  template <typename Change>
  void ChangeAccount(uint32_t member, uint16_t currency, Change change) {
    PageSlot& slot = SlotOf(member);
    if (!slot.page.unique() || !slot.page.get()->accounts[currency]) MakeWritable(&slot, currency);
    const uint32_t version = slot.version.load(std::memory_order_relaxed);
    if (version % 2 == 0) slot.version.store(version + 1, std::memory_order_relaxed);
    change(*slot.page.get(), slot.page.get()->MutableAccount(member, currency));
    if (!in_one_change_) {
      slot.version.store((version | 1) + 1, std::memory_order_release);
    } else if (version % 2 == 0) {
      changed_together_.push_back(&slot);
    }
  }
  // Of a currency that nobody in the member's page has used. The page is not shared.
  void DropAccounts(uint32_t member, uint16_t currency);
  // What is changed between the two, readers see as one change.
  void BeginOneChange() { in_one_change_ = true; }
  void EndOneChange();
  // At sequence `at` a member was opened, closed or reopened, or changed his level.
  void SetOpening(uint32_t member, int64_t opened_us, uint64_t at);
  void SetClosed(uint32_t member, bool is_closed, uint64_t at);
  void SetLevel(uint32_t member, const LevelChange& change, uint64_t at);
  // Makes room for slots up to `member`.
  void EnsurePage(uint32_t member);
  void InstallPage(uint32_t number, std::unique_ptr<Page> page);
  uint32_t page_count() const { return page_count_; }
  Summary Summarize() const;
  const PagePtr& PageAt(uint32_t number) const { return SlotOf(number * kPageMembers).page; }
  Snapshot TakeSnapshot() const;
  uint64_t ram_bytes() const;

  // Brings the memory near that a posting will touch, in four steps some entries apart, each of which
  // only reads what the one before has brought: a miss takes as long as deciding a posting or two.
  // Requires member < keys.size() and currency < kMaxCurrencies.
  void PrefetchPage(uint32_t member) const { Prefetch(PageOf(member)); }
  void PrefetchAccount(uint32_t member, uint16_t currency) const {
    const auto& accounts = PageOf(member)->accounts[currency];
    if (!accounts) return;
    const Account& account = (*accounts)[member % kPageMembers];
    Prefetch(&account);
    Prefetch(&account.tail);  // often on the next line
  }
  // Of a debit, which eats from the head, or of a credit, which goes behind the tail.
  void PrefetchLotChunk(uint32_t member, uint16_t currency, bool debit) const {
    const Page& page = *PageOf(member);
    const Account& account = page.GetAccount(member, currency);
    page.lots.PrefetchChunk(debit ? account.head : account.tail);
  }
  void PrefetchLot(uint32_t member, uint16_t currency, bool debit) const {
    const Page& page = *PageOf(member);
    const Account& account = page.GetAccount(member, currency);
    page.lots.PrefetchLot(debit ? account.head : account.tail);
    if (!debit) page.lots.PrefetchNext();
  }

 private:
  struct PageSlot {
    // Odd while the writer changes an account: readers look again. A lock taken for every posting would
    // also be a barrier that keeps the processor from overlapping one posting's cache misses with the
    // next one's.
    std::atomic<uint32_t> version = 0;
    mutable SpinLock
        lock;      // readers: while they look. The writer: to put another page or array in place
    PagePtr page;  // changed under the lock; the writer itself reads it without
  };
  static constexpr uint32_t kChunkPages = 1024;
  using Chunk = std::array<PageSlot, kChunkPages>;
  using Directory = std::array<std::atomic<Chunk*>, (1u << 22) / kChunkPages>;

  // What read(page) gives when the writer was not there meanwhile.
  template <typename Read>
  static auto ReadBesideWriter(const PageSlot& slot, Read read);
  // Puts rules in force: of the present version, or the next.
  void ChangeRules(Rules rules);
  void MakeWritable(PageSlot* slot, uint16_t currency);
  // Calls change(page) under the lock, with the page free to change.
  template <typename Change>
  void ChangePage(uint32_t member, uint64_t at, Change change);

  PageSlot& SlotOf(uint32_t member) const {
    const uint32_t page = member / kPageMembers;
    return (*(*directory_)[page / kChunkPages].load(std::memory_order_acquire))[page % kChunkPages];
  }

  bool in_one_change_ = false;
  std::vector<PageSlot*> changed_together_;  // their versions are odd
  mutable SpinLock rules_lock_;
  std::vector<std::shared_ptr<const Rules>> versions_;  // changed under the lock
  std::unique_ptr<Directory> directory_;
  uint32_t page_count_ = 0;
};

}  // namespace loyalty::ledger

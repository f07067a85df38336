// A page: the state of 1,024 members. Pages are shared with snapshots and copied on write.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/lots.h"
#include "loyalty/status.h"

namespace loyalty::ledger {

constexpr uint32_t kPageMembers = 1024;
constexpr size_t kMaxCurrencies = 16;

struct Reversal {
  uint64_t original = 0;  // sequence of the reversed posting
  int64_t points = 0;     // what was reversed of it so far, unsigned
  int64_t money = 0;      // what was paid back; as much as 64 bits hold

  void Add(const Reversal& other);
};

// When a member was opened, for ladders: in whole minutes since 1900, rounded down.
constexpr int64_t kMinute_us = 60'000'000;
constexpr uint32_t OpeningMinute(int64_t at_us) {
  return uint32_t((at_us - kMinTime_us) / kMinute_us);
}
constexpr int64_t OpeningOf_us(uint32_t minute) { return kMinTime_us + minute * kMinute_us; }
static_assert(OpeningOf_us(OpeningMinute(kMaxTime_us - 1)) == kMaxTime_us - kMinute_us);

// Where a member stands on a ladder that he has changed his level on.
struct MemberLevel {
  uint32_t member = 0;
  uint32_t ladder = 0;    // code of its name
  uint64_t sequence = 0;  // of the change
  LevelStanding standing;
};

// The extras of a page's accounts, by index.
class ExtraPool {
 public:
  const Extra& Of(const Account& account) const {
    static const Extra kNothing;
    return account.extra == kNoIndex ? kNothing : extras_[account.extra];
  }
  // Makes one when there is none.
  Extra& Mutable(Account* account);
  // Takes an empty one away.
  void Tidy(Account* account);
  uint64_t CountHolds() const;
  uint64_t ram_bytes() const;

 private:
  std::vector<Extra> extras_;
  std::vector<uint32_t> free_;
};

// What every posting reads comes first, in one cache line.
struct alignas(64) Page {
  using Accounts = std::array<Account, kPageMembers>;
  struct FreeAccounts {
    void operator()(Accounts* freed) const;
  };
  using AccountsPtr = std::unique_ptr<Accounts, FreeAccounts>;
  static AccountsPtr NewAccounts(const Accounts& from);

  Page() = default;
  Page(const Page& other)
      : sequence(other.sequence),
        lots(other.lots),
        extras(other.extras),
        reversals(other.reversals),
        closed(other.closed),
        levels(other.levels),
        latest_us(other.latest_us),
        opening_minutes(other.opening_minutes) {
    for (size_t c = 0; c < kMaxCurrencies; ++c) {
      if (other.accounts[c]) accounts[c] = NewAccounts(*other.accounts[c]);
    }
  }
  Page& operator=(const Page&) = delete;

  uint64_t sequence = 0;  // of the last entry that changed anything here
  LotPool lots;
  std::atomic<uint32_t> references = 0;              // PagePtr's
  std::array<AccountsPtr, kMaxCurrencies> accounts;  // null until first used
  ExtraPool extras;
  std::vector<Reversal> reversals;  // by original
  std::vector<uint32_t> closed;     // slots of the members that are closed, in order
  std::vector<MemberLevel> levels;  // by member, ladder
  int64_t latest_us =
      kMinTime_us;  // the greatest effective time of all that was posted to accounts
  std::array<uint32_t, kPageMembers> opening_minutes = {};

  // The account to change; makes the currency's array when it is the first.
  Account& MutableAccount(uint32_t member, uint16_t currency) {
    auto& array = accounts[currency];
    if (!array) array = NewAccounts({});
    return (*array)[member % kPageMembers];
  }
  const Account& GetAccount(uint32_t member, uint16_t currency) const {
    static const Account kEmpty;
    const auto& array = accounts[currency];
    return array ? (*array)[member % kPageMembers] : kEmpty;
  }
  bool IsClosed(uint32_t member) const {
    return !closed.empty() && std::binary_search(closed.begin(), closed.end(), member);
  }
  void SetClosed(uint32_t member, bool is_closed);
  // Null: he never changed his level on it.
  const MemberLevel* FindLevel(uint32_t member, uint32_t ladder) const;
  void SetLevel(const MemberLevel& level);
  // What the account has at an instant, if nothing is posted until then.
  BalanceParts PartsAt(const Account& account, int64_t at_us) const {
    if (account.IsPlainAt(at_us)) return {account.total, 0, 0, 0};
    return SumParts(account, at_us);
  }
  // How much of the posting at `original` was reversed; null if it never was.
  const Reversal* FindReversal(uint64_t original) const;
  void Add(const Reversal& reversal);
  // As it was before; nothing: it never was reversed.
  void SetReversal(uint64_t original, const std::optional<Reversal>& reversal);
  uint64_t ram_bytes() const;

 private:
  BalanceParts SumParts(const Account& account, int64_t at_us) const;
};

// A counted reference. One thread at a time may write through a page, and only while unique().
class PagePtr {
 public:
  PagePtr() = default;
  explicit PagePtr(std::unique_ptr<Page> page) : page_(page.release()) { Hold(); }
  PagePtr(const PagePtr& other) : page_(other.page_) { Hold(); }
  PagePtr(PagePtr&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  PagePtr& operator=(PagePtr other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PagePtr() {
    if (page_ && page_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete page_;
  }

  const Page* get() const { return page_; }
  Page* get() { return page_; }
  explicit operator bool() const { return page_ != nullptr; }
  // Acquire: what other holders read, they read before this thread goes on to write.
  bool unique() const { return page_->references.load(std::memory_order_acquire) == 1; }

 private:
  void Hold() {
    if (page_) page_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Page* page_ = nullptr;
};

// The stored form: canonical, so that equal content gives equal bytes whatever way it came about.
// Layout in docs/storage_format.md.
std::string EncodePage(const Page& page);
Result<std::unique_ptr<Page>> DecodePage(std::string_view bytes);

}  // namespace loyalty::ledger

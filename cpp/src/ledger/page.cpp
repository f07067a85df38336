#include "ledger/page.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "base/hash.h"
#include "journal/columns.h"

namespace loyalty::ledger {
namespace {

using journal::ColumnView;
using journal::EncodeColumn;

constexpr std::string_view kMagic = "LYP1";

Status Damaged(const char* what) {
  return {StatusCode::kCorruption, std::string("state page: ") + what};
}

// The lots of one currency's accounts in order of member, then of spending.
std::vector<LotMovement> LotsInOrder(const Page& page, const Page::Accounts& accounts,
                                     std::vector<uint32_t>* counts) {
  std::vector<LotMovement> lots;
  counts->assign(kPageMembers, 0);
  page.lots.PrefetchAll();
  for (uint32_t m = 0; m < kPageMembers; ++m) {
    page.lots.ForEach(accounts[m], [&](const Lot& lot) {
      const LotOrder order = lot.order();
      lots.push_back({lot.points, order.expires_us, order.effective_us, order.source});
      ++(*counts)[m];
      return true;
    });
  }
  return lots;
}

void EncodeAccounts(const Page& page, const Page::Accounts& a, std::string* out) {
  EncodeColumn<int64_t>(kPageMembers, out, [&](size_t i) { return a[i].active; });
  EncodeColumn<int64_t>(kPageMembers, out, [&](size_t i) { return a[i].lifetime_earned; });
  EncodeColumn<int64_t>(kPageMembers, out, [&](size_t i) { return a[i].lifetime_redeemed; });
  EncodeColumn<uint64_t>(kPageMembers, out, [&](size_t i) { return a[i].sequence; });
  std::vector<uint32_t> counts;
  const std::vector<LotMovement> lots = LotsInOrder(page, a, &counts);
  EncodeColumn<uint64_t>(kPageMembers, out, [&](size_t i) { return counts[i]; });
  journal::AppendMovements(lots, out);
}

Status DecodeAccounts(std::string_view* bytes, uint16_t currency, Page* page) {
  ColumnView columns[5];
  for (ColumnView& column : columns) {
    if (!column.Parse(kPageMembers, bytes)) return Damaged("an account column is cut short");
  }
  Account* const to = &page->MutableAccount(0, currency);
  columns[0].ForEach([=](size_t m, uint64_t v) { to[m].active = int64_t(v); });
  columns[1].ForEach([=](size_t m, uint64_t v) { to[m].lifetime_earned = int64_t(v); });
  columns[2].ForEach([=](size_t m, uint64_t v) { to[m].lifetime_redeemed = int64_t(v); });
  columns[3].ForEach([=](size_t m, uint64_t v) { to[m].sequence = v; });
  std::vector<uint64_t> counts(kPageMembers);
  columns[4].ForEach([&](size_t m, uint64_t v) { counts[m] = v; });

  journal::MovementColumns stored;
  if (!stored.Parse(std::accumulate(counts.begin(), counts.end(), uint64_t(0)), bytes)) {
    return Damaged("a lot column is cut short");
  }
  std::vector<LotMovement> lots;
  stored.Read(&lots);
  const LotMovement* lot = lots.data();
  for (uint32_t m = 0; m < kPageMembers; ++m) {
    for (uint64_t k = counts[m]; k > 0; --k, ++lot) {
      const LotOrder order{lot->expires_us, lot->effective_us, lot->source};
      if (!page->lots.Move(&to[m], order, lot->points)) return Damaged("a lot is wrong");
    }
  }
  return {};
}

}  // namespace

// As LotPool::Chunks().
static Slab& AccountBlocks() {
  static Slab* const slab = new Slab(sizeof(Page::Accounts));
  return *slab;
}

Page::AccountsPtr Page::NewAccounts(const Accounts& from) {
  return AccountsPtr(new (AccountBlocks().Allocate()) Accounts(from));
}

void Page::FreeAccounts::operator()(Accounts* freed) const { AccountBlocks().Free(freed); }

const Reversal* Page::FindReversal(uint64_t original) const {
  const auto at = std::lower_bound(reversals.begin(), reversals.end(), original,
                                   [](const Reversal& reversal, uint64_t sequence_of) {
                                     return reversal.original < sequence_of;
                                   });
  return at != reversals.end() && at->original == original ? &*at : nullptr;
}

void Page::AddReversal(uint64_t original, int64_t points) {
  auto at = std::lower_bound(reversals.begin(), reversals.end(), original,
                             [](const Reversal& reversal, uint64_t sequence_of) {
                               return reversal.original < sequence_of;
                             });
  if (at == reversals.end() || at->original != original) at = reversals.insert(at, {original, 0});
  at->points += points;
}

uint64_t Page::ram_bytes() const {
  uint64_t bytes = sizeof(Page) + lots.ram_bytes() + reversals.capacity() * sizeof(Reversal);
  for (const auto& array : accounts) bytes += array ? sizeof(Accounts) : 0;
  return bytes;
}

std::string EncodePage(const Page& page) {
  std::string out(kMagic);
  AppendLittle(&out, uint64_t(0));  // the checksum's place
  AppendLittle(&out, page.sequence);
  uint32_t present = 0;
  for (size_t c = 0; c < kMaxCurrencies; ++c) present |= page.accounts[c] ? 1u << c : 0;
  AppendLittle(&out, present);
  for (size_t c = 0; c < kMaxCurrencies; ++c) {
    if (page.accounts[c]) EncodeAccounts(page, *page.accounts[c], &out);
  }
  const std::vector<Reversal>& r = page.reversals;
  AppendLittle(&out, uint32_t(r.size()));
  EncodeColumn<uint64_t>(r.size(), &out, [&](size_t i) { return r[i].original; });
  EncodeColumn<int64_t>(r.size(), &out, [&](size_t i) { return r[i].points; });
  const uint64_t checksum = Checksum(std::string_view(out).substr(12));
  std::memcpy(out.data() + 4, &checksum, sizeof checksum);
  return out;
}

Result<std::unique_ptr<Page>> DecodePage(std::string_view bytes) {
  if (bytes.size() < 24 || bytes.substr(0, 4) != kMagic) return Damaged("unknown form");
  if (LoadLittle<uint64_t>(bytes.data() + 4) != Checksum(bytes.substr(12))) {
    return Damaged("checksum does not match");
  }
  auto page = std::make_unique<Page>();
  page->sequence = LoadLittle<uint64_t>(bytes.data() + 12);
  const auto present = LoadLittle<uint32_t>(bytes.data() + 20);
  bytes.remove_prefix(24);
  for (uint16_t c = 0; c < kMaxCurrencies; ++c) {
    if (present >> c & 1) LOYALTY_RETURN_IF_ERROR(DecodeAccounts(&bytes, c, page.get()));
  }
  if (bytes.size() < 4) return Damaged("cut short");
  const auto reversals = LoadLittle<uint32_t>(bytes.data());
  bytes.remove_prefix(4);
  ColumnView columns[2];
  for (ColumnView& column : columns) {
    if (!column.Parse(reversals, &bytes)) return Damaged("a reversal column is cut short");
  }
  for (uint32_t i = 0; i < reversals; ++i) {
    page->reversals.push_back({columns[0][i], int64_t(columns[1][i])});
  }
  return page;
}

}  // namespace loyalty::ledger

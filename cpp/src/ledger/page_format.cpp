// The stored form of a page. Layout in docs/storage_format.md.
#include <algorithm>
#include <numeric>
#include <span>

#include "base/bytes.h"
#include "base/hash.h"
#include "journal/columns.h"
#include "ledger/page.h"

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
    page.lots.ForEachStored(accounts[m], [&](const Lot& lot) {
      const LotOrder order = lot.order();
      lots.push_back({lot.points, order.expires_us, order.effective_us, order.source});
      ++(*counts)[m];
      return true;
    });
  }
  return lots;
}

void EncodeAccounts(const Page& page, const Page::Accounts& a, std::string* out) {
  EncodeColumn<int64_t>(kPageMembers, out, [&](size_t i) { return a[i].total; });
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
  columns[0].ForEach([=](size_t m, uint64_t v) { to[m].total = int64_t(v); });
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

bool TakeCount(std::string_view* bytes, uint32_t* count) {
  if (bytes->size() < sizeof *count) return false;
  *count = LoadLittle<uint32_t>(bytes->data());
  bytes->remove_prefix(sizeof *count);
  return true;
}

// The accounts that have extras, by currency and member.
struct AccountExtra {
  uint32_t place;  // currency * kPageMembers + member
  const Extra* extra;
};

std::vector<AccountExtra> ExtrasInOrder(const Page& page) {
  std::vector<AccountExtra> extras;
  for (uint32_t c = 0; c < kMaxCurrencies; ++c) {
    for (uint32_t m = 0; page.accounts[c] && m < kPageMembers; ++m) {
      const Account& account = (*page.accounts[c])[m];
      if (account.extra != kNoIndex) {
        extras.push_back({c * kPageMembers + m, &page.extras.Of(account)});
      }
    }
  }
  return extras;
}

// Columns of the extras, then of all their pending lots, their holds, their pool members, and what the holds
// took.
void EncodeExtras(const Page& page, std::string* out) {
  const std::vector<AccountExtra> e = ExtrasInOrder(page);
  std::vector<PendingLot> p;
  std::vector<const Hold*> h;
  std::vector<LotMovement> taken;
  std::vector<PoolMember> s;  // who may spend
  for (const auto& [place, extra] : e) {
    s.insert(s.end(), extra->pool.begin(), extra->pool.end());
    p.insert(p.end(), extra->pending.begin(), extra->pending.end());
    for (const Hold& hold : extra->holds) {
      h.push_back(&hold);
      taken.insert(taken.end(), hold.taken.begin(), hold.taken.end());
    }
  }
  for (size_t count : {e.size(), p.size(), h.size(), s.size(), taken.size()}) {
    AppendLittle(out, uint32_t(count));
  }
  if (e.empty()) return;
  EncodeColumn<uint64_t>(e.size(), out, [&](size_t i) { return e[i].place; });
  EncodeColumn<int64_t>(e.size(), out, [&](size_t i) { return e[i].extra->arrears; });
  EncodeColumn<int64_t>(e.size(), out, [&](size_t i) { return e[i].extra->floor; });
  EncodeColumn<int64_t>(e.size(), out, [&](size_t i) { return e[i].extra->ceiling; });
  EncodeColumn<uint64_t>(e.size(), out, [&](size_t i) { return e[i].extra->pending.size(); });
  EncodeColumn<uint64_t>(e.size(), out, [&](size_t i) { return e[i].extra->holds.size(); });
  EncodeColumn<uint64_t>(e.size(), out, [&](size_t i) { return e[i].extra->pool.size(); });
  EncodeColumn<uint64_t>(p.size(), out, [&](size_t i) { return p[i].source; });
  EncodeColumn<int64_t>(p.size(), out, [&](size_t i) { return p[i].activates_us; });
  EncodeColumn<int64_t>(p.size(), out, [&](size_t i) { return p[i].deadline_us; });
  EncodeColumn<uint64_t>(p.size(), out, [&](size_t i) { return uint64_t(p[i].kind); });
  EncodeColumn<uint64_t>(h.size(), out, [&](size_t i) { return h[i]->sequence; });
  EncodeColumn<int64_t>(h.size(), out, [&](size_t i) { return h[i]->until_us; });
  EncodeColumn<int64_t>(h.size(), out, [&](size_t i) { return h[i]->points; });
  EncodeColumn<int64_t>(h.size(), out, [&](size_t i) { return h[i]->spender; });
  EncodeColumn<uint64_t>(h.size(), out, [&](size_t i) { return h[i]->taken.size(); });
  EncodeColumn<uint64_t>(s.size(), out, [&](size_t i) { return s[i].member; });
  EncodeColumn<int64_t>(s.size(), out, [&](size_t i) { return s[i].limit; });
  EncodeColumn<int64_t>(s.size(), out, [&](size_t i) { return s[i].spent; });
  journal::AppendMovements(taken, out);
}

Status DecodeExtras(std::string_view* bytes, Page* page) {
  uint32_t counts[5];  // extras, pending lots, holds, pool members, movements
  for (uint32_t& count : counts) {
    if (!TakeCount(bytes, &count)) return Damaged("cut short");
  }
  if (counts[0] == 0) return {};
  ColumnView extras[7];
  ColumnView pending[4];
  ColumnView holds[5];
  ColumnView spenders[3];
  const auto parse = [&](std::span<ColumnView> columns, uint32_t count) {
    return std::all_of(columns.begin(), columns.end(),
                       [&](ColumnView& column) { return column.Parse(count, bytes); });
  };
  journal::MovementColumns taken;
  if (!parse(extras, counts[0]) || !parse(pending, counts[1]) || !parse(holds, counts[2]) ||
      !parse(spenders, counts[3]) || !taken.Parse(counts[4], bytes)) {
    return Damaged("a column of extras is cut short");
  }
  size_t p = 0;
  size_t h = 0;
  size_t s = 0;
  size_t m = 0;
  for (uint32_t i = 0; i < counts[0]; ++i) {
    const auto place = uint32_t(extras[0][i]);
    if (place >= kMaxCurrencies * kPageMembers || p + extras[4][i] > counts[1] ||
        h + extras[5][i] > counts[2] || s + extras[6][i] > counts[3]) {
      return Damaged("extras do not add up");
    }
    Account& account = page->MutableAccount(place % kPageMembers, uint16_t(place / kPageMembers));
    Extra& extra = page->extras.Mutable(&account);
    extra.arrears = int64_t(extras[1][i]);
    extra.floor = int64_t(extras[2][i]);
    extra.ceiling = int64_t(extras[3][i]);
    for (uint64_t k = extras[4][i]; k > 0; --k, ++p) {
      extra.pending.push_back(
          {pending[0][p], int64_t(pending[1][p]), int64_t(pending[2][p]), Kind(pending[3][p])});
    }
    for (uint64_t k = extras[6][i]; k > 0; --k, ++s) {
      extra.pool.push_back(
          {uint32_t(spenders[0][s]), int64_t(spenders[1][s]), int64_t(spenders[2][s])});
    }
    for (uint64_t k = extras[5][i]; k > 0; --k, ++h) {
      Hold& hold = extra.holds.emplace_back();
      hold = {holds[0][h], int64_t(holds[1][h]), int64_t(holds[2][h]), int64_t(holds[3][h]), {}};
      if (m + holds[4][h] > counts[4]) return Damaged("extras do not add up");
      for (uint64_t t = holds[4][h]; t > 0; --t, ++m) hold.taken.push_back(taken[m]);
    }
  }
  return {};
}

void EncodeLevels(const std::vector<MemberLevel>& l, std::string* out) {
  AppendLittle(out, uint32_t(l.size()));
  EncodeColumn<uint64_t>(l.size(), out, [&](size_t i) { return l[i].member; });
  EncodeColumn<uint64_t>(l.size(), out, [&](size_t i) { return l[i].ladder; });
  EncodeColumn<uint64_t>(l.size(), out, [&](size_t i) { return l[i].sequence; });
  EncodeColumn<uint64_t>(l.size(), out, [&](size_t i) { return l[i].standing.level; });
  EncodeColumn<int64_t>(l.size(), out, [&](size_t i) { return l[i].standing.since_us; });
  EncodeColumn<int64_t>(l.size(), out, [&](size_t i) { return l[i].standing.until_us; });
  EncodeColumn<uint64_t>(l.size(), out, [&](size_t i) { return l[i].standing.kept; });
  EncodeColumn<int64_t>(l.size(), out, [&](size_t i) { return l[i].standing.kept_until_us; });
  EncodeColumn<int64_t>(l.size(), out, [&](size_t i) { return l[i].standing.lifetime_from_us; });
  EncodeColumn<uint64_t>(l.size(), out, [&](size_t i) { return l[i].standing.for_life; });
}

Status DecodeLevels(std::string_view* bytes, Page* page) {
  uint32_t count = 0;
  if (!TakeCount(bytes, &count)) return Damaged("cut short");
  ColumnView c[10];
  for (ColumnView& column : c) {
    if (!column.Parse(count, bytes)) return Damaged("a column of levels is cut short");
  }
  page->levels.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    page->levels.push_back(
        {uint32_t(c[0][i]),
         uint32_t(c[1][i]),
         c[2][i],
         {uint32_t(c[3][i]), int64_t(c[4][i]), int64_t(c[5][i]), uint32_t(c[6][i]),
          int64_t(c[7][i]), uint32_t(c[9][i]), int64_t(c[8][i])}});
  }
  return {};
}

}  // namespace

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
  EncodeExtras(page, &out);
  const std::vector<Reversal>& r = page.reversals;
  AppendLittle(&out, uint32_t(r.size()));
  EncodeColumn<uint64_t>(r.size(), &out, [&](size_t i) { return r[i].original; });
  EncodeColumn<int64_t>(r.size(), &out, [&](size_t i) { return r[i].points; });
  EncodeColumn<int64_t>(r.size(), &out, [&](size_t i) { return r[i].money; });
  AppendLittle(&out, uint32_t(page.closed.size()));
  EncodeColumn<uint64_t>(page.closed.size(), &out, [&](size_t i) { return page.closed[i]; });
  AppendLittle(&out, page.latest_us);
  EncodeColumn<uint64_t>(kPageMembers, &out, [&](size_t i) { return page.opening_minutes[i]; });
  EncodeLevels(page.levels, &out);
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
  LOYALTY_RETURN_IF_ERROR(DecodeExtras(&bytes, page.get()));
  uint32_t reversals = 0;
  if (!TakeCount(&bytes, &reversals)) return Damaged("cut short");
  ColumnView columns[3];
  for (ColumnView& column : columns) {
    if (!column.Parse(reversals, &bytes)) return Damaged("a reversal column is cut short");
  }
  for (uint32_t i = 0; i < reversals; ++i) {
    page->reversals.push_back({columns[0][i], int64_t(columns[1][i]), int64_t(columns[2][i])});
  }
  uint32_t closed = 0;
  ColumnView members;
  if (!TakeCount(&bytes, &closed) || !members.Parse(closed, &bytes)) return Damaged("cut short");
  members.ForEach([&](size_t, uint64_t member) { page->closed.push_back(uint32_t(member)); });
  ColumnView openings;
  if (bytes.size() < sizeof page->latest_us) return Damaged("cut short");
  page->latest_us = LoadLittle<int64_t>(bytes.data());
  bytes.remove_prefix(sizeof page->latest_us);
  if (!openings.Parse(kPageMembers, &bytes)) return Damaged("the openings are cut short");
  openings.ForEach([&](size_t i, uint64_t minute) { page->opening_minutes[i] = uint32_t(minute); });
  LOYALTY_RETURN_IF_ERROR(DecodeLevels(&bytes, page.get()));
  return page;
}

}  // namespace loyalty::ledger

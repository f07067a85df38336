#include "ledger/merge.h"

#include <tuple>

#include "ledger/mover.h"

namespace loyalty::ledger {

PostingStatus CheckMerge(const State& state, const Entry& merge, int64_t other) {
  if (merge.member == Entry::kNoMember) return PostingStatus::kMemberNotFound;
  if (state.PageOf(merge.member)->IsClosed(merge.member)) return PostingStatus::kMemberClosed;
  if (other < 0) return PostingStatus::kOtherMemberNotFound;
  if (other == int64_t(merge.member)) return PostingStatus::kSameMember;
  const auto slot = uint32_t(other);
  const Page& page = *state.PageOf(slot);
  if (page.IsClosed(slot)) return PostingStatus::kOtherMemberClosed;
  for (uint16_t c = 0; c < state.currency_count(); ++c) {
    if (!page.extras.Of(page.GetAccount(slot, c)).pool.empty()) {
      return PostingStatus::kOtherMemberIsPool;
    }
  }
  return PostingStatus::kPosted;
}

std::vector<Move> MovesOver(const State& state, const Entry& merge, uint32_t other,
                            uint64_t sequence) {
  std::vector<Move> moves;
  for (uint16_t c = 0; c < state.currency_count(); ++c) {
    Mover mover(state, merge, other, merge.member, c, &moves);
    if (mover.account().sequence == 0) continue;  // never used
    for (const Hold& hold : mover.extra().holds) mover.MoveHold(hold);
    Parcel rest{.related = sequence,
                .related_kind = Kind::kMergeMembers,
                .debt = mover.extra().arrears,
                .earned = mover.account().lifetime_earned,
                .redeemed = mover.account().lifetime_redeemed};
    std::map<uint64_t, Parcel> waiting;
    for (const PendingLot& lot : mover.extra().pending) {
      waiting[lot.source] = {
          .related = lot.source,
          .related_kind = lot.kind,
          .terms = {.activates_us = lot.activates_us, .deadline_us = lot.deadline_us}};
    }
    mover.lots().ForEach(mover.account(), [&](const Lot& lot, int64_t) {
      const LotOrder order = lot.order();
      const auto waits = waiting.find(order.source);
      Parcel& parcel = waits != waiting.end() ? waits->second : rest;
      parcel.taken.push_back({-lot.points, order.expires_us, order.effective_us, order.source});
      parcel.given.push_back({lot.points, order.expires_us, order.effective_us, order.source});
      return true;
    });
    if (rest.debt > 0) rest.taken.push_back({rest.debt, kNever_us, 0, 0});
    for (const auto& [source, parcel] : waiting) mover.MoveParcel(parcel);
    mover.MoveParcel(rest);
  }
  return moves;
}

bool Fit(const State& state, std::span<const Move> moves) {
  struct Sums {
    int64_t points, arrears, earned, redeemed;
    bool fit = true;
  };
  const auto add = [](int64_t* sum, int64_t change, bool* fit) {
    *fit = *fit && !__builtin_add_overflow(*sum, change, sum) && *sum != INT64_MIN;
  };
  std::map<std::tuple<uint32_t, uint16_t>, Sums> accounts;
  for (const Move& move : moves) {
    const Entry& entry = move.entry;
    const auto [at, is_new] = accounts.try_emplace({entry.member, entry.currency});
    Sums& sums = at->second;
    if (is_new) {
      const Page& page = *state.PageOf(entry.member);
      const Account& account = page.GetAccount(entry.member, entry.currency);
      const Extra& extra = page.extras.Of(account);
      sums = {account.total, extra.arrears, account.lifetime_earned, account.lifetime_redeemed};
      for (const Hold& hold : extra.holds) add(&sums.points, hold.points, &sums.fit);
    }
    int64_t lots = entry.points;
    for (const LotMovement& m : move.movements) {
      if (m.source != 0) continue;
      add(&sums.arrears, -m.points, &sums.fit);
      add(&lots, -m.points, &sums.fit);
    }
    add(&sums.points, lots, &sums.fit);
    add(&sums.earned, move.details.earned, &sums.fit);
    add(&sums.redeemed, move.details.redeemed, &sums.fit);
    if (!sums.fit) return false;
  }
  return true;
}

}  // namespace loyalty::ledger

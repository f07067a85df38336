// Balances, statements and totals as of an effective time, a recorded time and a sequence.
#include <algorithm>
#include <map>
#include <random>

#include "engine/ledger_fixture.h"

namespace loyalty {

inline void PrintTo(const Balance& b, std::ostream* out) {
  PrintTo(b.parts, out);
  *out << " expiring " << b.expiring_points << " at " << b.expiring_us << " earned "
       << b.lifetime_earned << " redeemed " << b.lifetime_redeemed << " last " << b.sequence;
}

}  // namespace loyalty

namespace loyalty::engine {
namespace {

using enum PostingStatus;

constexpr int64_t kHour_us = 3'600'000'000;
constexpr int64_t Hour(int64_t hours) { return kNoon_us + hours * kHour_us; }

class AsOfTest : public LedgerTest {
 protected:
  void SetUp() override {
    options_.segment_entries = 40;
    LedgerTest::SetUp();
    actor_ = *Intern("auditor");
    Post({At(Open(1, 7), 0)});
  }
  Posting At(Posting posting, int64_t hour) {
    posting.effective_us = Hour(hour);
    return posting;
  }
  Posting Expiring(Posting posting, int64_t hour) {
    posting.expires_us = Hour(hour);
    return posting;
  }
  Posting WithTerms(Posting posting, const Terms& terms) {
    terms_.push_back(std::make_unique<Terms>(terms));
    posting.terms = terms_.back().get();
    return posting;
  }
  Posting Hold(uint64_t id, int64_t points, int64_t hour, int64_t until) {
    return WithTerms(At(Request(Kind::kHold, id, MemberKey(int64_t(7)), points), hour),
                     {.deadline_us = Hour(until)});
  }
  Posting About(Kind kind, uint64_t id, uint64_t of, int64_t hour, int64_t points = 0) {
    Posting posting = At(Reverse(id, 7, of), hour);
    posting.kind = kind;
    posting.points = points;
    return posting;
  }
  Balance Of(const AsOf& as_of, int64_t member = 7) {
    const MemberKey key(member);
    Balance balance;
    const Status status = ledger_->BalancesAsOf({&key, 1}, 0, as_of, {&balance, 1});
    EXPECT_TRUE(status.ok()) << status.message();
    return balance;
  }
  // As of an effective time.
  BalanceParts At(int64_t hour) { return Of({.effective_us = Hour(hour)}).parts; }
  int64_t RecordedAt(uint64_t sequence) { return ledger_->Changes(sequence, 1)->at(0).recorded_us; }
  std::string Refusal(const AsOf& as_of) {
    const auto refused = ledger_->TrialBalanceAsOf(as_of, nullptr);
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
    return refused.status().message();
  }

  uint32_t actor_ = 0;
  std::vector<std::unique_ptr<Terms>> terms_;
};

TEST_F(AsOfTest, AnEffectiveTimeCountsWhatWasRecordedLate) {
  Post({At(Earn(2, 7, 10), 2), At(Redeem(3, 7, 4), 5)});
  Post({At(Earn(4, 7, 100), 1)});  // recorded last
  EXPECT_EQ(At(0).active, 0);
  EXPECT_EQ(At(1).active, 100);
  EXPECT_EQ(At(2).active, 110);
  EXPECT_EQ(At(5).active, 106);
  const Balance now = Of({.effective_us = Hour(9)});
  EXPECT_EQ(now.lifetime_earned, 110);
  EXPECT_EQ(now.lifetime_redeemed, 4);
}

TEST_F(AsOfTest, ASequenceAndARecordedTimeKnowNothingLater) {
  const auto first = Post({At(Earn(2, 7, 10), 2), At(Earn(3, 7, 5), 3)});
  const uint64_t before = first[1].sequence;
  Post({At(Earn(4, 7, 100), 1)});
  EXPECT_EQ(Of({.sequence = before}).parts.active, 15);
  EXPECT_EQ(Of({.sequence = before - 1}).parts.active, 10);
  EXPECT_EQ(Of({.sequence = before + 1}).parts.active, 115);
  EXPECT_EQ(Of({.recorded_us = RecordedAt(before)}).parts.active, 15);
  EXPECT_EQ(Of({.recorded_us = RecordedAt(before + 1) - 1}).parts.active, 15);
  EXPECT_EQ(Of({.recorded_us = RecordedAt(before + 1)}).parts.active, 115);
  // What was known then about an earlier time.
  EXPECT_EQ(Of({.effective_us = Hour(2), .sequence = before}).parts.active, 10);
  EXPECT_EQ(Of({.effective_us = Hour(2), .recorded_us = RecordedAt(before)}).parts.active, 10);
  EXPECT_EQ(Of({.effective_us = Hour(2)}).parts.active, 110);
}

TEST_F(AsOfTest, AMemberIsFoundFromHisFirstEntryOn) {
  const auto opened = Post({At(Open(2, 8), 10), At(Earn(3, 8, 5), 6)});
  EXPECT_FALSE(Of({.effective_us = Hour(5)}, 8).found);
  EXPECT_TRUE(Of({.effective_us = Hour(6)}, 8).found);
  EXPECT_FALSE(Of({.sequence = opened[0].sequence - 1}, 8).found);
  EXPECT_TRUE(Of({.sequence = opened[0].sequence}, 8).found);
  EXPECT_FALSE(Of({.effective_us = Hour(6)}, 9).found);
  EXPECT_FALSE(Of({.recorded_us = kMinTime_us}).found);
  const auto all = ledger_->AllBalancesAsOf(0, {.effective_us = Hour(5)}, nullptr);
  ASSERT_OK(all.status());
  ASSERT_EQ(all->members.size(), 1u);
  EXPECT_EQ(all->members[0].number, 7);
}

TEST_F(AsOfTest, HoldsAreHeldUntilTheyEnd) {
  Post({At(Earn(2, 7, 100), 1), Hold(3, 30, 2, 9), Hold(4, 20, 3, 5), Hold(5, 10, 3, 9)});
  Post({About(Kind::kCapture, 6, 3, 7, 25), About(Kind::kRelease, 7, 5, 6)});
  EXPECT_EQ(At(2), (BalanceParts{70, 0, 30, 0}));
  EXPECT_EQ(At(3), (BalanceParts{40, 0, 60, 0}));
  EXPECT_EQ(At(5), (BalanceParts{60, 0, 40, 0}));  // one has timed out
  EXPECT_EQ(At(6), (BalanceParts{70, 0, 30, 0}));
  EXPECT_EQ(At(7), (BalanceParts{75, 0, 0, 0}));
  EXPECT_EQ(At(99), (BalanceParts{75, 0, 0, 0}));
}

TEST_F(AsOfTest, AnEntryAboutAnotherCountsFromTheLaterOfBothTimes) {
  Post({At(Earn(2, 7, 100), 1), Hold(3, 30, 6, 9), About(Kind::kCapture, 4, 3, 4)});
  Post({About(Kind::kReverse, 5, 4, 2)});  // of the capture
  EXPECT_EQ(At(5), (BalanceParts{100, 0, 0, 0}));
  EXPECT_EQ(Of({.effective_us = Hour(5)}).lifetime_redeemed, 0);
  EXPECT_EQ(At(6), (BalanceParts{100, 0, 0, 0}));
  EXPECT_EQ(
      ledger_->Statement(MemberKey(int64_t(7)), {.as_of = AsOf{Hour(5), {}, {}}})->records.size(),
      2u);
}

TEST_F(AsOfTest, ReversalsInPartsAndArrears) {
  Post({At(Earn(2, 7, 100), 1), At(Redeem(3, 7, 80), 2)});
  Post({About(Kind::kReverse, 4, 3, 3, 30), About(Kind::kReverse, 5, 2, 4)});
  EXPECT_EQ(At(2), (BalanceParts{20, 0, 0, 0}));
  EXPECT_EQ(At(3), (BalanceParts{50, 0, 0, 0}));
  EXPECT_EQ(At(4), (BalanceParts{0, 0, 0, 50}));
  Post({At(Earn(6, 7, 60), 6)});
  EXPECT_EQ(At(5).arrears, 50);
  EXPECT_EQ(At(6), (BalanceParts{10, 0, 0, 0}));
  const Balance then = Of({.effective_us = Hour(5)});
  EXPECT_EQ(then.lifetime_earned, 0);
  EXPECT_EQ(then.lifetime_redeemed, 50);
}

TEST_F(AsOfTest, PendingPointsWaitUntilTheirTime) {
  Post({WithTerms(At(Earn(2, 7, 10), 1), {.activates_us = Hour(5)}),
        WithTerms(At(Earn(3, 7, 20), 1), {.activates_us = kNever_us, .deadline_us = Hour(6)}),
        WithTerms(At(Earn(4, 7, 40), 1), {.activates_us = kNever_us, .deadline_us = Hour(6)}),
        About(Kind::kConfirm, 5, 3, 3)});
  EXPECT_EQ(At(1), (BalanceParts{0, 70, 0, 0}));
  EXPECT_EQ(At(3), (BalanceParts{20, 50, 0, 0}));
  EXPECT_EQ(At(5), (BalanceParts{30, 40, 0, 0}));
  EXPECT_EQ(At(6), (BalanceParts{30, 0, 0, 0}));
}

TEST_F(AsOfTest, AnExpiryRunChangesNoAnswer) {
  Post({Expiring(At(Earn(2, 7, 10), 1), 5), Expiring(At(Earn(3, 7, 20), 1), 8),
        At(Redeem(4, 7, 4), 2), WithTerms(At(Earn(5, 7, 9), 1), {.activates_us = Hour(4)})});
  std::vector<Balance> before;
  for (int64_t hour = 0; hour < 10; ++hour) before.push_back(Of({.effective_us = Hour(hour)}));
  EXPECT_EQ(before[4].expiring_points, 6);
  EXPECT_EQ(before[4].expiring_us, Hour(5));
  const uint64_t last = ledger_->GetInfo()->sequence;
  ASSERT_OK(ledger_->Expire(Hour(6), false, nullptr).status());
  for (int64_t hour = 0; hour < 10; ++hour) {
    const Balance after = Of({.effective_us = Hour(hour)});
    EXPECT_EQ(after.parts, before[size_t(hour)].parts) << "hour " << hour;
    EXPECT_EQ(after.expiring_points, before[size_t(hour)].expiring_points);
    EXPECT_EQ(Of({.effective_us = Hour(hour), .sequence = last}), before[size_t(hour)]);
  }
}

TEST_F(AsOfTest, AJudgementOfTheFutureIsRefused) {
  const uint64_t last = ledger_->GetInfo()->sequence;
  EXPECT_NE(Refusal({.sequence = last + 1}).find("sequence " + std::to_string(last + 1)),
            std::string::npos);
  EXPECT_NE(Refusal({.sequence = 0}).find("sequence 0"), std::string::npos);
  EXPECT_NE(Refusal({.recorded_us = kMaxTime_us}).find("recorded time"), std::string::npos);
  EXPECT_NE(Refusal({.effective_us = kMaxTime_us}).find("effective time"), std::string::npos);
  EXPECT_NE(Refusal({}).find("give an effective time"), std::string::npos);
  ASSERT_OK(ledger_->TrialBalanceAsOf({.sequence = last}, nullptr).status());
}

TEST_F(AsOfTest, ReadingAllStopsWhenTold) {
  const auto stop = [](uint64_t, uint64_t) { return false; };
  EXPECT_EQ(ledger_->AllBalancesAsOf(0, {.sequence = 3}, stop).status().code(),
            StatusCode::kInterrupted);
}

// Random postings of every kind, by a clock that goes on; what the present said is what the past says later.
class PastTest : public AsOfTest, public testing::WithParamInterface<uint64_t> {
 protected:
  static constexpr int64_t kMembers = 12;

  int64_t Random(int64_t below) { return int64_t(random_() % uint64_t(below)); }
  Id OneOf(const std::vector<Id>& ids) {
    return ids.empty()
               ? Id{}
               : ids[ids.size() - 1 - size_t(Random(int64_t(std::min<size_t>(ids.size(), 40))))];
  }
  Posting RandomPosting() {
    static constexpr Kind kKinds[] = {
        Kind::kEarn,   Kind::kEarn,     Kind::kEarn,     Kind::kEarn,    Kind::kRedeem,
        Kind::kRedeem, Kind::kAdjust,   Kind::kReverse,  Kind::kReverse, Kind::kHold,
        Kind::kHold,   Kind::kCapture,  Kind::kRelease,  Kind::kConfirm, Kind::kCancel,
        Kind::kExtend, Kind::kTransfer, Kind::kSetLimits};
    const Kind kind = kKinds[size_t(Random(std::size(kKinds)))];
    Posting posting = Request(kind, ++next_id_, MemberKey(Random(kMembers)), 1 + Random(60));
    posting.effective_us = Hour(hour_) - Random(12) * kHour_us;
    posting.codes.actor = posting.codes.reason = actor_;
    const int64_t soon_us = posting.effective_us + (1 + Random(48)) * kHour_us;
    if (kind == Kind::kEarn) {
      credits_.push_back(posting.id);
      of_[posting.id.lo] = posting.member.number;
      posting.expires_us = Random(4) ? soon_us + 48 * kHour_us : kNever_us;
      if (Random(4) == 0) posting = WithTerms(posting, {.activates_us = soon_us});
      if (Random(6) == 0) {
        posting = WithTerms(posting, {.activates_us = kNever_us, .deadline_us = soon_us});
      }
      debits_.push_back(posting.id);  // reversible as well
    } else if (kind == Kind::kRedeem) {
      debits_.push_back(posting.id);
      of_[posting.id.lo] = posting.member.number;
    } else if (kind == Kind::kAdjust) {
      if (Random(2)) posting.points = -posting.points;
    } else if (kind == Kind::kHold) {
      holds_.push_back(posting.id);
      of_[posting.id.lo] = posting.member.number;
      posting = WithTerms(posting, {.deadline_us = soon_us});
    } else if (kind == Kind::kTransfer) {
      others_.push_back(std::make_unique<MemberKey>(Random(kMembers)));
      posting.other = others_.back().get();
    } else if (kind == Kind::kSetLimits) {
      posting = WithTerms(posting, {.floor = -Random(50), .ceiling = kNoCeiling});
      posting.points = 0;
    } else {
      posting = AboutOneOf(std::move(posting));
    }
    return posting;
  }
  Posting AboutOneOf(Posting posting) {
    const bool of_hold = posting.kind == Kind::kCapture || posting.kind == Kind::kRelease;
    posting.related = OneOf(of_hold ? holds_ : posting.kind == Kind::kReverse ? debits_ : credits_);
    posting.member = MemberKey(of_[posting.related.lo]);
    if (posting.kind == Kind::kExtend) posting.expires_us = posting.effective_us + 300 * kHour_us;
    const bool in_part = posting.kind == Kind::kCapture || posting.kind == Kind::kReverse;
    posting.points = in_part && Random(2) ? 1 + Random(10) : 0;
    if (posting.kind == Kind::kCapture) {
      debits_.push_back(posting.id);
      of_[posting.id.lo] = posting.member.number;
    }
    return posting;
  }

  struct Then {
    AsOf as_of;
    Ledger::Snapshot snapshot;
    std::vector<Totals> totals;
  };
  Then Remember() {
    const auto all = ledger_->AllBalances({.at_us = Hour(hour_), .expiring = true});
    return {
        {.effective_us = Hour(hour_), .sequence = all->sequence}, *all, *ledger_->TrialBalance()};
  }
  void ExpectSame(const Then& then) {
    const auto all = ledger_->AllBalancesAsOf(0, then.as_of, nullptr);
    ASSERT_OK(all.status());
    ASSERT_EQ(all->members, then.snapshot.members);
    EXPECT_EQ(all->balances, then.snapshot.balances) << "at sequence " << *then.as_of.sequence;
    std::vector<Balance> some(all->members.size());
    std::vector<MemberKey> keys;
    for (const OwnedKey& key : all->members) keys.emplace_back(key.number);
    ASSERT_OK(ledger_->BalancesAsOf(keys, 0, then.as_of, some));
    EXPECT_EQ(some, all->balances);
    const auto totals = ledger_->TrialBalanceAsOf(then.as_of, nullptr);
    ASSERT_OK(totals.status());
    EXPECT_EQ(totals->at(0).members, then.totals[0].members);
    EXPECT_EQ(totals->at(0).issued, then.totals[0].issued);
    EXPECT_EQ(totals->at(0).redeemed, then.totals[0].redeemed);
    EXPECT_EQ(totals->at(0).expired, then.totals[0].expired);
    EXPECT_EQ(totals->at(0).adjusted, then.totals[0].adjusted);
    ExpectCohortsAddUp(then.as_of, all->balances, totals->at(0));
  }
  // Each cohort by itself, and all of them to what the accounts have.
  void ExpectCohortsAddUp(const AsOf& as_of, const std::vector<Balance>& balances,
                          const Totals& totals) {
    const auto liability = ledger_->LiabilityAsOf(as_of, {}, nullptr);
    ASSERT_OK(liability.status());
    BalanceParts parts{.arrears = liability->arrears[0]};
    int64_t expired = 0;
    for (const Cohort& c : liability->cohorts) {
      ASSERT_EQ(c.currency, 0);
      EXPECT_EQ(c.issued - c.redeemed - c.expired - c.other, c.active + c.pending + c.held);
      parts.active += c.active;
      parts.pending += c.pending;
      parts.held += c.held;
      expired += c.expired;
    }
    BalanceParts of_accounts;
    for (const Balance& balance : balances) {
      of_accounts.active += balance.parts.active;
      of_accounts.pending += balance.parts.pending;
      of_accounts.held += balance.parts.held;
      of_accounts.arrears += balance.parts.arrears;
    }
    EXPECT_EQ(parts, of_accounts);
    EXPECT_GE(expired, totals.expired);  // more: what is not journaled yet
  }

  std::mt19937_64 random_{GetParam()};
  uint64_t next_id_ = 1000;
  int64_t hour_ = 0;
  std::vector<Id> credits_, debits_, holds_;
  std::map<uint64_t, int64_t> of_;  // members, by id
  std::vector<std::unique_ptr<MemberKey>> others_;
};

TEST_P(PastTest, ThePastIsWhatThePresentWas) {
  std::vector<Posting> opening;
  for (int64_t m = 0; m < kMembers; ++m) {
    if (m != 7) opening.push_back(At(Open(++next_id_, m), 0));
  }
  Post(opening);
  std::vector<Then> remembered;
  size_t posted = 0;
  for (int round = 0; round < 40; ++round) {
    hour_ += 1 + Random(10);
    std::vector<Posting> batch;
    for (int64_t i = Random(25); i >= 0; --i) batch.push_back(RandomPosting());
    for (const Reply& reply : Post(batch)) posted += IsPosted(reply.status);
    if (Random(4) == 0) {
      ASSERT_OK(ledger_->Expire(Hour(hour_) - Random(20) * kHour_us, false, nullptr).status());
    }
    if (Random(8) == 0) Reopen();
    remembered.push_back(Remember());
  }
  EXPECT_GT(posted, 150u);
  EXPECT_GT(ledger_->GetInfo()->segments, 0u);
  for (const Then& then : remembered) ExpectSame(then);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PastTest, testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace loyalty::engine

// Random batches against a plain model, with reopenings and checkpoints in between.
#include <map>
#include <random>

#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

// Balances (less than 0: arrears) and ids only, written as simply as can be: nothing here expires. The rest
// of the rules is tests/python's to model.
class Model {
 public:
  PostingStatus Post(const Posting& p) {
    const auto seen = ids_.find(p.id.lo);
    if (seen != ids_.end()) return Again(p, seen->second);
    const PostingStatus status = Decide(p);
    ids_[p.id.lo] = {p, status, false};
    return status;
  }
  const std::map<int64_t, int64_t>& balances() const { return balances_; }

 private:
  struct Seen {
    Posting posting;
    PostingStatus status;
    bool reversed;
  };
  static PostingStatus Again(const Posting& p, const Seen& seen) {
    if (seen.status != kPosted) return kIdAlreadyFailed;
    if (p.kind != seen.posting.kind) return kExistsWithDifferentKind;
    if (p.member.number != seen.posting.member.number) return kExistsWithDifferentMember;
    if (p.points != seen.posting.points) return kExistsWithDifferentPoints;
    if (p.related != seen.posting.related) return kExistsWithDifferentRelated;
    return kAlreadyExists;
  }
  PostingStatus Decide(const Posting& p) {
    const bool open = balances_.count(p.member.number);
    if (p.kind == Kind::kOpenMember) {
      if (open) return kMemberAlreadyOpen;
      balances_[p.member.number] = 0;
      return kPosted;
    }
    if (!open) return kMemberNotFound;
    int64_t& balance = balances_[p.member.number];
    if (p.kind == Kind::kEarn) {
      balance += p.points;
      return kPosted;
    }
    if (p.kind == Kind::kRedeem) {
      if (balance < p.points) return kInsufficientPoints;
      balance -= p.points;
      return kPosted;
    }
    return Reverse(p, &balance);
  }
  PostingStatus Reverse(const Posting& p, int64_t* balance) {
    const auto found = ids_.find(p.related.lo);
    if (found == ids_.end()) return kRelatedNotFound;
    Seen& of = found->second;
    const bool earn = of.posting.kind == Kind::kEarn;
    if (of.status != kPosted || (!earn && of.posting.kind != Kind::kRedeem)) {
      return kRelatedNotReversible;
    }
    if (of.posting.member.number != p.member.number) return kRelatedOfOtherMember;
    if (of.reversed) return kRelatedAlreadyReversed;
    *balance += earn ? -of.posting.points : of.posting.points;
    of.reversed = true;
    return kPosted;
  }

  std::map<uint64_t, Seen> ids_;
  std::map<int64_t, int64_t> balances_;
};

class ModelTest : public LedgerTest, public testing::WithParamInterface<uint64_t> {};

Posting RandomPosting(std::mt19937_64* random, uint64_t* next_id) {
  // Now and then an id of before, so that duplicates of every kind come up.
  const uint64_t id = (*random)() % 10 == 0 ? 1 + (*random)() % *next_id : ++*next_id;
  const auto member = int64_t((*random)() % 40);
  const auto points = int64_t((*random)() % 4) * 25;
  Posting posting;
  switch ((*random)() % 10) {
    case 0: posting = Open(id, member); break;
    case 1:
    case 2:
    case 3: posting = Redeem(id, member, points + 1); break;
    case 4:
    case 5: posting = Reverse(id, member, 1 + (*random)() % *next_id); break;
    default: posting = Earn(id, member, points);
  }
  posting.effective_us = kNoon_us + int64_t(id * 2654435761 % 1'000'000) * 1'000'000;
  if (posting.kind == Kind::kEarn && id % 3) {
    posting.expires_us = posting.effective_us + int64_t(id % 7 + 20) * 86'400'000'000;
  }
  return posting;
}

TEST_P(ModelTest, EveryStatusAndBalanceAgrees) {
  options_.segment_entries = 150;
  options_.checkpoint_entries = 400;
  Reopen();
  std::mt19937_64 random(GetParam());
  Model model;
  uint64_t next_id = 1;
  for (int round = 0; round < 60; ++round) {
    std::vector<Posting> batch;
    for (size_t i = random() % 60; i > 0; --i) batch.push_back(RandomPosting(&random, &next_id));
    const auto replies = Post(batch);
    for (size_t i = 0; i < batch.size(); ++i) {
      const PostingStatus expected = model.Post(batch[i]);
      // Times and expiries follow from the id, so content differs only where the model looks.
      ASSERT_EQ(ToString(replies[i].status), ToString(expected))
          << "seed " << GetParam() << " round " << round << " row " << i;
    }
    if (random() % 12 == 0) {
      ASSERT_OK(ledger_->Checkpoint());
    }
    if (random() % 8 == 0) Reopen();
    for (const auto& [member, balance] : model.balances()) {
      ASSERT_EQ(BalanceOf(member), std::max<int64_t>(balance, 0));
    }
  }
  ExpectVerified();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace loyalty::engine

// A member's key goes, from memory and from every file; all that he did stays.
#include <random>
#include <thread>

#include "base/bytes.h"
#include "base/hash.h"
#include "engine/directory.h"
#include "engine/ledger_fixture.h"
#include "files_holding.h"
#include "storage/faulty_environment.h"

namespace loyalty::engine {
namespace {

using enum PostingStatus;

const std::string kAda = "ada-Jw8kq2Vx-lovelace";
const std::string kBen = "ben-T5rZn9Lp-franklin";

class EraseTest : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    who_ = *Intern("clerk");
  }
  Posting Erase(uint64_t id, MemberKey member) const {
    Posting posting = Request(Kind::kEraseMember, id, member);
    posting.codes.actor = posting.codes.reason = who_;
    return posting;
  }
  static Posting OpenText(uint64_t id, std::string_view member) {
    return Request(Kind::kOpenMember, id, MemberKey(member));
  }
  static Posting EarnText(uint64_t id, std::string_view member, int64_t points) {
    return Request(Kind::kEarn, id, MemberKey(member), points);
  }
  bool IsFound(MemberKey key) const {
    Balance balance;
    EXPECT_TRUE(ledger_->Balances({&key, 1}, {.at_us = kNoon_us}, {&balance, 1}).ok());
    return balance.found;
  }
  // That no file has Ada's key, and some have Ben's.
  void ExpectNoFileHasAda() {
    EXPECT_EQ(FilesHolding(path_, kAda), std::vector<std::string>());
    EXPECT_FALSE(FilesHolding(path_, kBen).empty());
  }
  std::vector<std::string> ProblemsOf() const {
    const auto report = ledger_->Verify(nullptr);
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report.ok() ? report->problems : std::vector<std::string>{"not verified"};
  }

  uint32_t who_ = 0;
};

TEST_F(EraseTest, TheKeyGoesAndAllElseStays) {
  Post({OpenText(1, kAda), OpenText(2, kBen), EarnText(3, kAda, 50), EarnText(4, kBen, 7)});
  const auto before = ledger_->Changes(1, 100);
  const Totals totals = ledger_->TrialBalance()->at(0);
  const Reply reply = PostOne(Erase(5, MemberKey(kAda)));
  EXPECT_EQ(reply.status, kPosted);
  EXPECT_FALSE(IsFound(MemberKey(kAda)));
  EXPECT_TRUE(IsFound(MemberKey(kBen)));
  EXPECT_EQ(ledger_->Statement(MemberKey(kAda), {}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(PostOne(EarnText(6, kAda, 1)).status, kMemberNotFound);
  EXPECT_EQ(PostOne(Erase(7, MemberKey(kAda))).status, kMemberNotFound);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).members, totals.members);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).issued, totals.issued);
  const auto all = ledger_->AllBalances({.at_us = kNoon_us});
  ASSERT_EQ(all->members.size(), 2u);
  EXPECT_EQ(all->members[0], OwnedKey());
  EXPECT_EQ(all->members[1], OwnedKey(MemberKey(kBen)));
  EXPECT_EQ(all->balances[0].parts.active, 50);
  EXPECT_EQ(ToString(*ledger_->KeyOf(0)), "");
  // The entries before are what they were, but for the text.
  const auto after = ledger_->Changes(1, 100);
  size_t texts = 0;
  for (size_t i = 0; i < before->size(); ++i) {
    const Record& then = before->at(i);
    EXPECT_EQ(after->at(i).entry.member, then.entry.member);
    EXPECT_EQ(after->at(i).entry.points, then.entry.points);
    EXPECT_EQ(after->at(i).text, then.text == kAda ? "" : then.text);
    texts += then.text == kAda;
  }
  EXPECT_EQ(texts, 1u);
  ExpectVerified();
}

TEST_F(EraseTest, EntriesBeforeItKeepTheirDigest) {
  Post({OpenText(1, kAda), EarnText(2, kAda, 50)});
  const Info before = *ledger_->GetInfo();
  Post({Erase(3, MemberKey(kAda))});
  ledger_.reset();
  auto store = storage::Store::Open(StorePath(path_), {false, nullptr});
  ASSERT_OK(store.status());
  Digest at_its_end{};
  ASSERT_OK(journal::Journal(store->get())
                .Scan(1, UINT64_MAX, nullptr,
                      [&](const journal::BlockView& view, std::string_view bytes) -> Status {
                        if (view.last_sequence() == before.sequence) {
                          at_its_end = journal::ChainHash(bytes);
                        }
                        return {};
                      })
                .status());
  EXPECT_EQ(ToHex(at_its_end), ToHex(before.digest));
}

TEST_F(EraseTest, TheKeyMayBeOpenedAgain) {
  Post({OpenText(1, kAda), EarnText(2, kAda, 50), Erase(3, MemberKey(kAda))});
  EXPECT_EQ(PostOne(OpenText(4, kAda)).status, kPosted);
  EXPECT_EQ(PostOne(EarnText(5, kAda, 8)).balance.active, 8);
  EXPECT_EQ(ledger_->AllBalances({.at_us = kNoon_us})->balances[0].parts.active, 50);
  for (int round = 0; round < 2; ++round) {
    Reopen();
    EXPECT_EQ(*ledger_->KeyOf(0), OwnedKey());
    EXPECT_EQ(*ledger_->KeyOf(1), OwnedKey(MemberKey(kAda)));
    ExpectVerified();
    ASSERT_OK(ledger_->Checkpoint());
  }
  EXPECT_EQ(PostOne(EarnText(6, kAda, 1)).balance.active, 9);
}

TEST_F(EraseTest, AllInOneBatch) {
  const auto replies =
      Post({OpenText(1, kAda), EarnText(2, kAda, 50), Erase(3, MemberKey(kAda)),
            EarnText(4, kAda, 1), OpenText(5, kAda), EarnText(6, kAda, 8), OpenText(7, kBen),
            Erase(8, MemberKey(kAda)), OpenText(9, kAda), EarnText(2, kAda, 50)});
  EXPECT_EQ(replies[1].status, kPosted);
  EXPECT_EQ(replies[2].status, kPosted);
  EXPECT_EQ(replies[3].status, kMemberNotFound);
  EXPECT_EQ(replies[4].status, kPosted);
  EXPECT_EQ(replies[5].balance.active, 8);
  EXPECT_EQ(replies[7].status, kPosted);
  EXPECT_EQ(replies[8].status, kPosted);
  EXPECT_EQ(replies[9].status, kExistsWithDifferentMember);
  Reopen();
  ExpectVerified();
  EXPECT_EQ(ledger_->GetInfo()->members, 4u);
  EXPECT_EQ(PostOne(EarnText(10, kAda, 2)).balance.active, 2);
}

TEST_F(EraseTest, ARepeatedPostingInAMalformedChainAfterIt) {
  Post({OpenText(1, kAda), OpenText(2, kBen), EarnText(3, kBen, 7)});
  Posting repeated = EarnText(3, kBen, 7);
  repeated.linked = true;
  const auto replies = Post({Erase(4, MemberKey(kAda)), repeated, EarnText(5, kBen, -1)});
  EXPECT_EQ(replies[1].status, kAlreadyExists);
  EXPECT_EQ(replies[2].status, kPointsInvalid);
}

TEST_F(EraseTest, Refusals) {
  Posting without = Erase(1, MemberKey(kAda));
  without.codes.actor = 0;
  EXPECT_EQ(PostOne(without).status, kActorMissing);
  without = Erase(1, MemberKey(kAda));
  without.codes.reason = 0;
  EXPECT_EQ(PostOne(without).status, kReasonMissing);
  EXPECT_EQ(PostOne(Erase(2, MemberKey(kAda))).status, kMemberNotFound);
  EXPECT_EQ(PostOne(Erase(2, MemberKey(kAda))).status, kIdAlreadyFailed);
  Post({OpenText(3, kAda)});
  Posting linked = Erase(4, MemberKey(kAda));
  linked.linked = true;
  EXPECT_EQ(Post({linked, EarnText(5, kAda, 1)})[0].status, kLinkedNotAllowed);
  EXPECT_TRUE(IsFound(MemberKey(kAda)));
}

TEST_F(EraseTest, AClosedMemberToo) {
  Posting close = Request(Kind::kCloseMember, 2, MemberKey(kAda));
  close.codes.actor = close.codes.reason = who_;
  Post({OpenText(1, kAda), close, Erase(3, MemberKey(kAda))});
  EXPECT_EQ(PostOne(EarnText(4, kAda, 1)).status, kMemberNotFound);
  Reopen();
  ExpectVerified();
}

TEST_F(EraseTest, ItIsKnownAgain) {
  options_.segment_entries = 4;
  Reopen();
  Post({OpenText(1, kAda), EarnText(2, kAda, 50)});
  const Reply first = PostOne(Erase(3, MemberKey(kAda)));
  const auto check = [&] {
    const Reply again = PostOne(Erase(3, MemberKey(kAda)));
    EXPECT_EQ(again.status, kAlreadyExists);
    EXPECT_EQ(again.sequence, first.sequence);
    Posting later = Erase(3, MemberKey(kAda));
    ++later.effective_us;
    EXPECT_EQ(PostOne(later).status, kExistsWithDifferentEffectiveTime);
    EXPECT_EQ(PostOne(EarnText(2, kAda, 50)).status, kExistsWithDifferentMember);
    EXPECT_EQ(PostOne(OpenText(1, kAda)).status, kExistsWithDifferentMember);
  };
  check();
  ASSERT_OK(ledger_->Checkpoint());  // now they are sealed
  check();
  Reopen();
  check();
  EXPECT_FALSE(IsFound(MemberKey(kAda)));
}

TEST_F(EraseTest, HisLotsExpireAsTheyWould) {
  Posting earn = EarnText(2, kAda, 50);
  earn.expires_us = kNoon_us + 1'000'000;
  Post({OpenText(1, kAda), earn, Erase(3, MemberKey(kAda))});
  EXPECT_EQ(ledger_->AllBalances({.at_us = kNoon_us})->balances[0].parts.active, 50);
  const auto run = ledger_->Expire(earn.expires_us, false, nullptr);
  ASSERT_OK(run.status());
  ASSERT_EQ(run->lines.size(), 1u);
  EXPECT_EQ(run->lines[0].points, 50);
  EXPECT_EQ(ledger_->TrialBalance()->at(0).expired, 50);
  ExpectVerified();
}

TEST_F(EraseTest, APoolAndATransferWithHim) {
  const MemberKey ada(kAda);
  Posting join = Request(Kind::kJoinPool, 4, MemberKey(kBen));
  join.other = &ada;
  Posting transfer = Request(Kind::kTransfer, 5, MemberKey(kBen), 3);
  transfer.other = &ada;
  Post({OpenText(1, kAda), OpenText(2, kBen), EarnText(3, kBen, 10), join, transfer});
  Post({Erase(6, ada)});
  const auto spenders = ledger_->SpendersOf(MemberKey(kBen), 0);
  ASSERT_OK(spenders.status());
  ASSERT_EQ(spenders->size(), 1u);
  EXPECT_EQ(spenders->at(0).member, OwnedKey());
  transfer.id.lo = 7;
  EXPECT_EQ(PostOne(transfer).status, kOtherMemberNotFound);
  Posting leave = Request(Kind::kLeavePool, 8, MemberKey(kBen));
  leave.other = &ada;
  EXPECT_EQ(PostOne(leave).status, kOtherMemberNotFound);
  ExpectVerified();
}

TEST_F(EraseTest, NoFileHasTheKeyAfterACheckpoint) {
  Post({OpenText(1, kAda), OpenText(2, kBen), EarnText(3, kAda, 50)});
  ASSERT_OK(ledger_->Checkpoint());
  ASSERT_OK(ledger_->Checkpoint());
  Post({EarnText(4, kAda, 1)});
  const auto holding = FilesHolding(path_, kAda);
  EXPECT_GE(holding.size(), 2u) << "keys and state";
  Post({Erase(5, MemberKey(kAda))});
  ASSERT_OK(ledger_->Checkpoint());
  ExpectNoFileHasAda();
  // While it goes on.
  Post({OpenText(6, kAda)});
  EXPECT_FALSE(FilesHolding(path_, kAda).empty());
  Post({EarnText(7, kAda, 1), Erase(8, MemberKey(kAda))});
  ASSERT_OK(ledger_->Checkpoint());
  ExpectNoFileHasAda();
  ExpectVerified();
}

TEST_F(EraseTest, NoFileHasTheKeyAfterClose) {
  Post({OpenText(1, kAda), OpenText(2, kBen), EarnText(3, kAda, 50)});
  Reopen();
  EXPECT_FALSE(FilesHolding(path_, kAda).empty());
  Post({Erase(4, MemberKey(kAda))});
  ASSERT_OK(ledger_->Close());
  ExpectNoFileHasAda();
  Reopen();
  ExpectNoFileHasAda();
  ExpectVerified();
}

TEST_F(EraseTest, ItIsDoneInTheBackground) {
  Post({OpenText(1, kAda), OpenText(2, kBen)});
  ASSERT_OK(ledger_->Checkpoint());
  Post({Erase(3, MemberKey(kAda))});
  for (int i = 0; i < 1000 && !FilesHolding(path_, kAda).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ExpectNoFileHasAda();
}

TEST_F(EraseTest, OthersPostAndReadMeanwhile) {
  constexpr int64_t kMembers = 300;
  std::vector<Posting> openings;
  for (int64_t m = 0; m < kMembers; ++m) openings.push_back(Open(uint64_t(m) + 1, m));
  Post(openings);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (uint64_t t = 1; t <= 2; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (uint64_t id = t << 32; !stop; id += 2) {
        // The second posting must find the member if the first did: nobody is erased in between.
        const auto member = int64_t(random() % kMembers);
        const auto replies = Post({Earn(id, member, 1), Earn(id + 1, member, 1)});
        if (replies[0].status == kMemberNotFound) {
          EXPECT_EQ(replies[1].status, kMemberNotFound);
        } else {
          EXPECT_EQ(replies[1].status, kPosted);
        }
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      const auto all = ledger_->AllBalances({.at_us = kNoon_us});
      EXPECT_EQ(all->members.size() >= kMembers, true);
      (void)ledger_->Changes(1, 1000);
    }
  });
  for (int64_t m = 0; m < kMembers / 2; ++m) {
    Post({Erase(10'000 + uint64_t(m), MemberKey(m))});
    if (m % 3 == 0) Post({Open(20'000 + uint64_t(m), m)});
    if (m % 50 == 0) ASSERT_OK(ledger_->Checkpoint());
  }
  ExpectVerified();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  Reopen();
  ExpectVerified();
}

// On a disk that fails.
class EraseFaultTest : public EraseTest {
 protected:
  void SetUp() override {
    ASSERT_OK(CreateDirectory(path_, {"points"}, nullptr, disk_.environment()));
    OpenOnDisk();
    who_ = *Intern("clerk");
    Post({OpenText(1, kAda), OpenText(2, kBen), EarnText(3, kAda, 50)});
  }
  void TearDown() override { ledger_.reset(); }
  void OpenOnDisk() {
    ledger_.reset();
    auto opened = OpenLedger(path_, options_, disk_.environment());
    ASSERT_OK(opened.status());
    ledger_ = std::move(opened).value();
  }
  Status PostStatus(const Posting& posting) {
    Reply reply;
    return ledger_->Post({&posting, 1}, {&reply, 1});
  }

  storage::FaultyEnvironment disk_;
};

TEST_F(EraseFaultTest, WhatWasNotErasedIsStillThere) {
  disk_.Fail(storage::FaultyEnvironment::Operation::kSync,
             storage::FaultyEnvironment::Fault::kIoError);
  EXPECT_FALSE(PostStatus(Erase(4, MemberKey(kAda))).ok());
  EXPECT_TRUE(IsFound(MemberKey(kAda)));
  EXPECT_EQ(ledger_->Statement(MemberKey(kAda), {})->records.size(), 2u);
  EXPECT_EQ(*ledger_->KeyOf(0), OwnedKey(MemberKey(kAda)));
  EXPECT_EQ(ledger_->AllBalances({.at_us = kNoon_us})->members[0], OwnedKey(MemberKey(kAda)));
  EXPECT_EQ(ledger_->Changes(3, 1)->at(0).text, kAda);
  ExpectVerified();
}

TEST_F(EraseFaultTest, WhatWasErasedStaysSoAfterAFault) {
  Post({Erase(4, MemberKey(kAda))});
  ASSERT_OK(ledger_->Checkpoint());
  Post({OpenText(5, kAda), EarnText(6, kAda, 8), Erase(7, MemberKey(kBen))});
  disk_.Fail(storage::FaultyEnvironment::Operation::kSync,
             storage::FaultyEnvironment::Fault::kIoError);
  EXPECT_FALSE(PostStatus(EarnText(8, kAda, 1)).ok());
  const auto all = ledger_->AllBalances({.at_us = kNoon_us});
  ASSERT_OK(all.status());
  EXPECT_EQ(all->members,
            (std::vector<OwnedKey>{OwnedKey(), OwnedKey(), OwnedKey(MemberKey(kAda))}));
  EXPECT_EQ(all->balances[2].parts.active, 8);
  ExpectVerified();
}

class ErasePowerCutTest : public EraseFaultTest, public testing::WithParamInterface<int64_t> {};

// Cuts the power after each of many counts of disk operations, from the erasing on until all is purged.
TEST_P(ErasePowerCutTest, ErasedOrNotAndThenPurged) {
  ASSERT_OK(ledger_->Checkpoint());
  Post({EarnText(4, kAda, 1)});
  disk_.CutPower(GetParam());
  const bool acknowledged = PostStatus(Erase(5, MemberKey(kAda))).ok();
  (void)ledger_->Checkpoint();
  ledger_.reset();
  disk_.RestorePower(GetParam() % 3 == 0   ? storage::FaultyEnvironment::Unsynced::kLost
                     : GetParam() % 3 == 1 ? storage::FaultyEnvironment::Unsynced::kTorn
                                           : storage::FaultyEnvironment::Unsynced::kKept,
                     uint64_t(GetParam()));
  OpenOnDisk();
  if (acknowledged) {
    EXPECT_FALSE(IsFound(MemberKey(kAda)));
  }
  ExpectVerified();
  const PostingStatus again = PostOne(Erase(5, MemberKey(kAda))).status;
  EXPECT_TRUE(again == kAlreadyExists || (again == kPosted && !acknowledged)) << ToString(again);
  EXPECT_FALSE(IsFound(MemberKey(kAda)));
  ASSERT_OK(ledger_->Checkpoint());
  ExpectNoFileHasAda();
  EXPECT_EQ(ledger_->AllBalances({.at_us = kNoon_us})->balances[0].parts.active, 51);
  ExpectVerified();
}

INSTANTIATE_TEST_SUITE_P(Operations, ErasePowerCutTest, testing::Range<int64_t>(0, 160, 5));

// The records of members' keys in a closed ledger, changed.
class EraseDamageTest : public EraseTest {
 protected:
  void SetUp() override {
    EraseTest::SetUp();
    Post({OpenText(1, kAda), OpenText(2, kBen)});
    ledger_.reset();
  }
  void ChangeRecord(const std::function<void(std::string*)>& change) {
    auto store = storage::Store::Open(StorePath(path_), {false, nullptr});
    ASSERT_OK(store.status());
    std::string value = (*store)->Get(storage::Family::kKeys, BigKey(uint32_t(0)))->value();
    change(&value);
    storage::Batch batch;
    batch.Put(storage::Family::kKeys, BigKey(uint32_t(0)), value);
    ASSERT_OK((*store)->Write(std::move(batch), storage::Durability::kSynced));
    ASSERT_OK((*store)->Close());
  }
  // With its checksum right again.
  static void Reseal(std::string* value) {
    const uint64_t checksum = Checksum(std::string_view(*value).substr(12));
    std::memcpy(value->data() + 4, &checksum, sizeof checksum);
  }
  Status Opened() {
    auto opened = OpenLedger(path_, options_, nullptr);
    if (opened.ok()) ledger_ = std::move(opened).value();
    return opened.status();
  }
};

TEST_F(EraseDamageTest, AFlippedByteIsFound) {
  for (const size_t at : {0u, 5u, 13u, 20u, 30u, 60u}) {
    ChangeRecord([&](std::string* value) { value->at(at) ^= 1; });
    EXPECT_EQ(Opened().code(), StatusCode::kCorruption) << at;
    ChangeRecord([&](std::string* value) { value->at(at) ^= 1; });
  }
  ASSERT_OK(Opened());
}

TEST_F(EraseDamageTest, AnotherKeyIsFound) {
  ChangeRecord([](std::string* value) {
    value->at(value->find("lovelace")) = 'L';
    Reseal(value);
  });
  EXPECT_EQ(Opened().code(), StatusCode::kCorruption);
}

TEST_F(EraseDamageTest, OneThatIsMissingMustHaveBeenErased) {
  ChangeRecord([](std::string* value) {
    value->erase(20 + 1, 16 + 1 + kAda.size());
    value->at(20) = 0;
    Reseal(value);
  });
  ASSERT_OK(Opened());
  ASSERT_EQ(ProblemsOf().size(), 1u);
  EXPECT_NE(ProblemsOf()[0].find("member 0 is missing"), std::string::npos);
}

TEST_F(EraseDamageTest, WhoWasErasedMustHaveNoKey) {
  std::string before;
  ChangeRecord([&](std::string* value) { before = *value; });
  ASSERT_OK(Opened());
  Post({Erase(3, MemberKey(kAda))});
  ledger_.reset();
  ChangeRecord([&](std::string* value) { *value = before; });
  ASSERT_OK(Opened());
  EXPECT_FALSE(IsFound(MemberKey(kAda)));
  ASSERT_EQ(ProblemsOf().size(), 1u);
  EXPECT_NE(ProblemsOf()[0].find("member 0 was not erased"), std::string::npos);
}

TEST_F(EraseDamageTest, AMissingRecordIsFound) {
  {
    auto store = storage::Store::Open(StorePath(path_), {false, nullptr});
    ASSERT_OK(store.status());
    storage::Batch batch;
    batch.Delete(storage::Family::kKeys, BigKey(uint32_t(0)));
    ASSERT_OK((*store)->Write(std::move(batch), storage::Durability::kSynced));
  }
  EXPECT_EQ(Opened().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace loyalty::engine

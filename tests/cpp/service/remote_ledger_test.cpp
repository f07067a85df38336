// RemoteLedger beside the server that it asks; Python's tests compare all that it tells.
#include "loyalty/remote.h"

#include <atomic>
#include <thread>
#include <vector>

#include "server_fixture.h"

namespace loyalty::service {
namespace {

class RemoteLedgerTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    auto connected = RemoteLedger::Connect({.port = server_->port()});
    ASSERT_TRUE(connected.ok()) << connected.status().message();
    remote_ = std::move(connected).value();
  }
  static Posting Make(Kind kind, int64_t member, uint64_t number, int64_t points = 0) {
    Posting posting;
    posting.id = {uint64_t(member) + 1, number};
    posting.kind = kind;
    posting.member = MemberKey(member);
    posting.effective_us = kNoon_us;
    posting.points = points;
    return posting;
  }
  int64_t BalanceOf(const Ledger& ledger, int64_t member) {
    const MemberKey key(member);
    Balance balance;
    EXPECT_TRUE(ledger.Balances({&key, 1}, {.at_us = kNoon_us + 1}, {&balance, 1}).ok());
    return balance.parts.active;
  }

  std::unique_ptr<RemoteLedger> remote_;
};

TEST_F(RemoteLedgerTest, PostsWhatThePostingSays) {
  const std::vector<std::string_view> texts = {"till", "goodwill", "mia"};
  const auto codes = remote_->InternCodes(texts);
  ASSERT_TRUE(codes.ok());
  std::vector<Posting> postings = {Make(Kind::kOpenMember, 7, 1), Make(Kind::kEarn, 7, 2, 50),
                                   Make(Kind::kHold, 7, 3, 20)};
  postings[1].codes.channel = (*codes)[0];
  postings[1].codes.reason = (*codes)[1];
  postings[1].codes.actor = (*codes)[2];
  postings[1].tag = UINT64_MAX;
  const Terms terms{.deadline_us = kNoon_us + 3'600'000'000};
  postings[2].terms = &terms;
  std::vector<Reply> replies(postings.size());
  ASSERT_TRUE(remote_->Post(postings, replies).ok());
  EXPECT_EQ(replies[1].balance.active, 50);
  const auto told = remote_->Changes(replies[1].sequence, 2);
  const auto known = ledger_->Changes(replies[1].sequence, 2);
  ASSERT_TRUE(told.ok() && known.ok());
  ASSERT_EQ(told->size(), 2u);
  const Record& earn = (*told)[0];
  EXPECT_EQ(earn.entry.id, postings[1].id);
  EXPECT_EQ(earn.entry.tag, UINT64_MAX);
  EXPECT_EQ(*remote_->CodeText(earn.entry.codes.reason), "goodwill");
  EXPECT_EQ((*told)[1].details.terms.deadline_us, (*known)[1].details.terms.deadline_us);
}

TEST_F(RemoteLedgerTest, ManyThreadsShareIt) {
  constexpr int64_t kThreads = 8;
  constexpr uint64_t kEach = 40;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int64_t member = 0; member < kThreads; ++member) {
    threads.emplace_back([&, member] {
      for (uint64_t number = 0; number <= kEach; ++number) {
        const Posting posting = number == 0 ? Make(Kind::kOpenMember, member, 1)
                                            : Make(Kind::kEarn, member, number + 1, 1);
        Reply reply;
        if (!remote_->Post({&posting, 1}, {&reply, 1}).ok() || !IsPosted(reply.status)) ++refused;
        (void)BalanceOf(*remote_, member);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
  for (int64_t member = 0; member < kThreads; ++member) {
    EXPECT_EQ(BalanceOf(*remote_, member), int64_t(kEach));
    EXPECT_EQ(BalanceOf(*ledger_, member), int64_t(kEach));
  }
}

TEST_F(RemoteLedgerTest, ClosedItRefusesAndTheServerGoesOn) {
  ASSERT_TRUE(remote_->Close().ok());
  EXPECT_EQ(remote_->GetInfo().status().code(), StatusCode::kClosed);
  TestClient client(server_->port());
  EXPECT_EQ(PostOne(&client, Post(rpc::Kind::OPEN_MEMBER, 1, "open")).status, 1);
}

TEST_F(RemoteLedgerTest, TooLargeABatchIsRefusedHere) {
  const std::vector<Posting> postings(remote_->PostingsMax() + 1, Make(Kind::kEarn, 1, 1, 1));
  std::vector<Reply> replies(postings.size());
  EXPECT_EQ(remote_->Post(postings, replies).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace loyalty::service

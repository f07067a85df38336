// The server under many clients at once; what each call says is tested from Python (test_rpc_calls.py).
#include <atomic>
#include <thread>
#include <vector>

#include "server_fixture.h"

namespace loyalty::service {
namespace {

constexpr int32_t kPosted = 1;

TEST_F(ServerTest, ClientsThatPostReadAndFollowAtOnce) {
  constexpr int kClients = 6;
  constexpr int kPostings = 30;
  TestClient opener(server_->port());
  for (int m = 0; m < kClients; ++m) {
    const auto opening = Post(rpc::Kind::OPEN_MEMBER, m, "open " + std::to_string(m));
    ASSERT_EQ(PostOne(&opener, opening).status, kPosted);
  }
  rpc::DigestResponse begin;
  opener.calls.digest(begin, {});

  std::atomic<int64_t> followed = 0;
  std::thread follower([&] {
    TestClient client(server_->port());
    rpc::ChangesRequest request;
    request.__set_from_sequence(begin.sequence + 1);
    request.__set_wait_ms(5000);
    while (followed < kClients * kPostings) {
      rpc::ChangesResponse response;
      client.calls.changes(response, request);
      for (const rpc::Record& record : response.records) {
        EXPECT_EQ(record.sequence, request.from_sequence + (&record - response.records.data()));
      }
      followed += int64_t(response.records.size());
      request.__set_from_sequence(response.next_sequence);
    }
  });
  std::vector<std::thread> posters;
  posters.reserve(kClients);
  for (int m = 0; m < kClients; ++m) {
    posters.emplace_back([&, m] {
      TestClient client(server_->port());
      for (int i = 1; i <= kPostings; ++i) {
        const std::string id = std::to_string(m) + "/" + std::to_string(i);
        EXPECT_EQ(PostOne(&client, Post(rpc::Kind::EARN, m, id, 1)).status, kPosted);
        EXPECT_EQ(BalanceOf(&client, m), i);
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  follower.join();
  EXPECT_EQ(followed, kClients * kPostings);
}

TEST_F(ServerTest, StoppingWakesWhoWaitsAndKeepsWhatWasAnswered) {
  TestClient poster(server_->port());
  ASSERT_EQ(PostOne(&poster, Post(rpc::Kind::OPEN_MEMBER, 1, "open")).status, kPosted);
  std::atomic<int> answered = 0;
  constexpr int kPosters = 4;
  std::vector<std::thread> clients;
  clients.reserve(kPosters + 1);
  for (int c = 0; c < kPosters; ++c) {
    clients.emplace_back([&, c] {
      try {
        TestClient client(server_->port());
        for (int i = 0;; ++i) {
          const std::string id = std::to_string(c) + "/" + std::to_string(i);
          if (PostOne(&client, Post(rpc::Kind::EARN, 1, id, 1)).status == kPosted) ++answered;
        }
      } catch (const apache::thrift::TException&) {  // stopped
      }
    });
  }
  clients.emplace_back([&] {
    TestClient client(server_->port());
    rpc::ChangesRequest request;
    request.__set_from_sequence(1);
    request.__set_wait_ms(1'000'000);
    try {
      for (rpc::ChangesResponse response;;) {
        client.calls.changes(response, request);
        if (response.records.empty()) break;  // woken
        request.__set_from_sequence(response.next_sequence);
      }
    } catch (const apache::thrift::TException&) {  // stopped
    }
    EXPECT_GT(request.from_sequence, 20);
  });
  while (answered < 20) std::this_thread::yield();
  server_->Stop();
  for (std::thread& client : clients) client.join();

  const MemberKey key(1);
  Balance balance;
  BalanceQuery query;
  query.at_us = kNoon_us;
  ASSERT_TRUE(ledger_->Balances({&key, 1}, query, {&balance, 1}).ok());
  EXPECT_GE(balance.parts.active, answered);
}

TEST_F(ServerTest, ARunThatIsStoppedGoesOnWithTheNext) {
  TestClient client(server_->port());
  rpc::StartRunRequest request;
  request.__set_kind(rpc::RunKind::EXPIRY);
  rpc::StartRunResponse started;
  client.calls.start_run(started, request);
  rpc::StopRunRequest stop;
  stop.__set_run_id(started.run_id);
  rpc::StopRunResponse stopped;
  client.calls.stop_run(stopped, stop);
  EXPECT_NE(stopped.run.state, rpc::RunState::RUNNING);
  EXPECT_NE(stopped.run.state, rpc::RunState::FAILED) << stopped.run.message;
  client.calls.start_run(started, request);
  rpc::FollowRunRequest follow;
  follow.__set_run_id(started.run_id);
  follow.__set_wait_ms(10'000);
  rpc::FollowRunResponse followed;
  client.calls.follow_run(followed, follow);
  EXPECT_EQ(followed.run.state, rpc::RunState::FINISHED) << followed.run.message;
}

}  // namespace
}  // namespace loyalty::service

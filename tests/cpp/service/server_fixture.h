// A server of a ledger of its own, in this process, and clients of it.
#pragma once

#include <Ledger.h>
#include <gtest/gtest.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>

#include <memory>
#include <optional>
#include <string>

#include "server.h"
#include "temporary_directory.h"

namespace loyalty::service {

constexpr int64_t kNoon_us = 1'714'564'800'000'000;

// For one thread.
class TestClient {
 public:
  explicit TestClient(int port)
      : transport_(std::make_shared<apache::thrift::transport::TFramedTransport>(
            std::make_shared<apache::thrift::transport::TSocket>("127.0.0.1", port))),
        calls(std::make_shared<apache::thrift::protocol::TBinaryProtocol>(transport_)) {
    transport_->open();
  }

 private:
  const std::shared_ptr<apache::thrift::transport::TTransport> transport_;

 public:
  rpc::LedgerClient calls;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = directory_.path() + "/ledger";
    ASSERT_TRUE(Ledger::Create(path_, {"points"}).ok());
    options_.listen.port = 0;
    Start(Clients::Anybody());
  }
  void Start(Clients clients) {
    Stop();
    auto opened = Ledger::Open(path_);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    ledger_ = std::move(opened).value();
    auto started = Server::Start(ledger_.get(), {std::move(clients), nullptr}, options_);
    ASSERT_TRUE(started.ok()) << started.status().message();
    server_ = std::move(started).value();
  }
  void Stop() {
    server_.reset();
    ledger_.reset();
  }

  static rpc::MemberKey Member(int64_t number) {
    rpc::MemberKey key;
    key.__set_number(number);
    return key;
  }
  static rpc::Posting Post(rpc::Kind::type kind, int64_t member, const std::string& reference,
                           int64_t points = 0) {
    rpc::PostingId id;
    id.__set_reference(reference);
    rpc::Posting posting;
    posting.__set_id(id);
    posting.__set_kind(kind);
    posting.__set_member(Member(member));
    posting.__set_effective_us(kNoon_us);
    posting.__set_points(points);
    return posting;
  }
  static rpc::PostingReply PostOne(TestClient* client, const rpc::Posting& posting) {
    rpc::PostRequest request;
    request.__set_postings({posting});
    rpc::PostResponse response;
    client->calls.post(response, request);
    return response.replies.at(0);
  }
  static int64_t BalanceOf(TestClient* client, int64_t member) {
    rpc::BalancesRequest request;
    request.__set_members({Member(member)});
    rpc::BalancesResponse response;
    client->calls.balances(response, request);
    return response.balances.at(0).parts.active;
  }

  TemporaryDirectory directory_;
  std::string path_;
  ServerOptions options_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Server> server_;
};

}  // namespace loyalty::service

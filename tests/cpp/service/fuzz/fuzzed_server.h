// What loyaltyd makes of the bytes of a connection: its own framing, protocols, calls and limits, on a ledger in a
// temporary directory, but without a socket or a thread a connection.
#pragma once

#include <Ledger.h>
#include <thrift/TOutput.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TConnectedClient.h>
#include <thrift/transport/TSocket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "handler.h"
#include "options.h"
#include "temporary_directory.h"

namespace loyalty::service {

// A connection whose other side has sent all that it will, and takes every answer.
class SentBytes final : public apache::thrift::transport::TSocket {
 public:
  explicit SentBytes(std::span<const uint8_t> sent) : left_(sent) {}
  const std::string& answers() const { return answers_; }

  bool isOpen() const override { return true; }
  bool peek() override { return !left_.empty(); }
  void close() override {}
  uint32_t read(uint8_t* to, uint32_t size) override {
    const size_t count = std::min<size_t>(size, left_.size());
    if (count > 0) std::memcpy(to, left_.data(), count);
    left_ = left_.subspan(count);
    return uint32_t(count);
  }
  void write(const uint8_t* from, uint32_t size) override {
    answers_.append(reinterpret_cast<const char*>(from), size);
  }

 private:
  std::span<const uint8_t> left_;
  std::string answers_;
};

// The payloads of frames, one after another; nothing if the bytes are not whole frames.
inline std::optional<std::vector<std::span<const uint8_t>>> FramesIn(
    std::span<const uint8_t> bytes) {
  std::vector<std::span<const uint8_t>> frames;
  while (!bytes.empty()) {
    if (bytes.size() < 4) return std::nullopt;
    const size_t size = size_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    if (bytes.size() - 4 < size) return std::nullopt;
    frames.push_back(bytes.subspan(4, size));
    bytes = bytes.subspan(4 + size);
  }
  return frames;
}

class FuzzedServer {
 public:
  // A fault of the ledger's ends the process, as a finding.
  FuzzedServer()
      : ledger_(OpenLedger(directory_ / "ledger")),
        service_(ledger_.get(), Clients::Anybody(), Limits()) {
    apache::thrift::GlobalOutput.setOutputFunction([](const char*) {});
  }

  // What the server answers to all that one connection sends.
  std::string Answer(std::span<const uint8_t> sent) {
    const auto socket = std::make_shared<SentBytes>(sent);
    const auto frames = std::make_shared<Frames>(socket, &connections_, messages_);
    const auto handler = std::make_shared<Handler>(&service_, frames->connection(), "fuzz");
    const auto calls = std::make_shared<EitherProtocol>(
        messages_, std::make_shared<rpc::LedgerProcessor>(handler));
    const auto protocol = std::make_shared<apache::thrift::protocol::TBinaryProtocol>(frames);
    apache::thrift::server::TConnectedClient(calls, protocol, protocol, nullptr, socket).run();
    return socket->answers();
  }

  // What disagrees in the ledger, after all that it was sent.
  std::vector<std::string> Problems() {
    service_.runs.StopAll();
    const auto never_stop = [](uint64_t, uint64_t) { return true; };
    return MustHave(ledger_->Verify(never_stop)).problems;
  }

 private:
  // Those of the server, but for how long a call may wait: nothing comes that would be worth it.
  static CallLimits Limits() { return {.timeout_max_ms = 5}; }

  template <typename T>
  static T MustHave(Result<T> result) {
    if (!result.ok()) Die(result.status());
    return std::move(result).value();
  }
  [[noreturn]] static void Die(const Status& status) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    std::abort();
  }

  // With members 1, 2, ada and ben, who have points, and can earn levels: by a purchase at once, and by a run.
  static std::unique_ptr<Ledger> OpenLedger(const std::string& path) {
    const Status created = Ledger::CreateWithProgram(path, Program());
    if (!created.ok()) Die(created);
    std::unique_ptr<Ledger> ledger = MustHave(Ledger::Open(path));
    std::vector<Posting> postings;
    for (const MemberKey& member :
         {MemberKey(1), MemberKey(2), MemberKey("ada"), MemberKey("ben")}) {
      for (const Kind kind : {Kind::kOpenMember, Kind::kEarn}) {
        Posting posting;
        posting.id = {1, postings.size() + 1};
        posting.kind = kind;
        posting.member = member;
        posting.points = kind == Kind::kEarn ? 1000 : 0;
        posting.effective_us = 1'714'564'800'000'000;  // 2024-05-01
        postings.push_back(posting);
      }
    }
    std::vector<Reply> replies(postings.size());
    const Status posted = ledger->Post(postings, replies);
    if (!posted.ok()) Die(posted);
    return ledger;
  }

  static std::string Program() {
    const auto currency = [](const std::string& name) {
      return R"({"name":")" + name +
             R"(","decimals":0,"expiry":{"model":"never"},"pending":null,"floor":0,"ceiling":null,)"
             R"("over_ceiling":"reject","reversal":"arrears","return_of_expired_days":0,)"
             R"("reinstate_within_days":0,"transfer":"keep_expiry"})";
    };
    const auto ladder = [](const std::string& name, const std::string& upgrade,
                           const std::string& of) {
      return R"({"name":")" + name + R"(","upgrade":")" + upgrade +
             R"(","downgrade":"full","grace_days":0,"lifetime":null,"metrics":[{"name":"metric","of":")" +
             of +
             R"(","currency":null,"kinds":["earn"],"rules":null,"channels":null,"locations":null,)"
             R"("categories":null,"window":{"model":"lifetime"}}],"levels":[)"
             R"({"name":"blue","by_invitation":false,"validity":null,"when":[]},)"
             R"({"name":"gold","by_invitation":false,"validity":null,"when":[{"metric":1}]}]})";
    };
    return R"({"format":1,"name":"Shop","time_zone":"Europe/Paris","currencies":[)" +
           currency("points") + "," + currency("status") + R"(],"rules":[],"ladders":[)" +
           ladder("tier", "at_once", "money") + "," + ladder("badge", "at_run", "postings") + "]}";
  }

  const MessageLimits messages_;
  const TemporaryDirectory directory_;
  const std::unique_ptr<Ledger> ledger_;
  Service service_;
  Connections connections_{Connections::Limits()};
};

}  // namespace loyalty::service

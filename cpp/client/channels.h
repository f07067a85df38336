// Connections to a server, kept for the calls to come, and calls that are repeated where that is safe.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <Ledger.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "loyalty/remote.h"
#include "wire/tls.h"

namespace loyalty::client {

// Whether a call may be made again when its reply was lost.
enum class Repeat { kSafe, kNever };

class Channels {
 public:
  // `tls`: null, if it goes without.
  Channels(const RemoteOptions& options, std::shared_ptr<wire::TlsFactory> tls);
  ~Channels();
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;

  // Calls `call` with a connection and the head to send, again after a lost connection or an Unavailable, until it answers
  // or the time is over.
  using Call = std::function<void(rpc::LedgerClient& client, const rpc::RequestHead& head)>;
  Status Do(Repeat repeat, const Call& call);
  // Ends the connections that are idle; calls to come are refused.
  void Close();
  const std::string& place() const { return place_; }  // host:port

 private:
  using Clock = std::chrono::steady_clock;
  struct Channel;

  // How an attempt ended.
  struct Outcome {
    Status status;  // kUnavailable: worth another attempt
    bool was_lost = false;
    std::chrono::milliseconds pause{0};  // that the server asks for
  };

  Result<std::unique_ptr<Channel>> Take(Repeat repeat);
  void GiveBack(std::unique_ptr<Channel> channel);
  void DropIdle();
  Outcome Attempt(Channel* channel, Clock::time_point give_up, const Call& call);

  const RemoteOptions options_;
  const std::shared_ptr<wire::TlsFactory> tls_;
  const std::string place_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Channel>> idle_;
  bool is_closed_ = false;
};

}  // namespace loyalty::client

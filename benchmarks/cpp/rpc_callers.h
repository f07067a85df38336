// Callers of a loyaltyd: many connections multiplexed by one thread, as redis-benchmark's are.
//
// Closed loop (per_s = 0): each connection calls again as soon as it is answered. Open loop: calls are due by Poisson
// arrivals, whatever the server does; what is due while all connections wait, waits too, and its latency is counted
// from when it was due.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "posting_loop.h"
#include "rpc_frames.h"

namespace loyalty::bench {

struct CallersOptions {
  uint16_t port = 0;
  uint64_t members = 1'000'000;  // of the ledger
  uint32_t connections = 50;
  uint32_t members_a_call = 1;
  uint32_t postings_a_call = 1;
  uint32_t post_percent = 0;
  double per_s = 0;
  double seconds = 10;
  uint64_t seed = 1;
};

struct Call {
  double due_s = 0;
  double end_s = 0;
  bool is_post = false;

  double latency_s() const { return end_s - due_s; }
};

class Connection {
 public:
  explicit Connection(uint16_t port)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), buffer_(1 << 20) {
    const sockaddr_in address = {.sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                                 .sin_zero = {}};
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      Die("cannot connect to port " + std::to_string(port));
    }
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }

  // A request fits the socket's buffer, as no other is under way: so this does not wait.
  void Send(std::string_view request) const {
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != ssize_t(request.size())) {
      Die("a request could not be sent");
    }
  }

  // The reply, once all of it is here; else empty. Valid until the next call.
  std::string_view Receive() {
    const ssize_t got = ::recv(socket_, &buffer_[filled_], buffer_.size() - filled_, 0);
    if (got <= 0) Die("the server closed a connection");
    filled_ += size_t(got);
    uint32_t length = 0;
    if (filled_ < sizeof length) return {};
    std::memcpy(&length, buffer_.data(), sizeof length);
    length = be32toh(length);
    if (filled_ < sizeof length + length) return {};
    filled_ = 0;
    return {&buffer_[sizeof length], length};
  }

  Call call = {};

 private:
  const int socket_;
  std::vector<char> buffer_;
  size_t filled_ = 0;
};

class Callers {
 public:
  explicit Callers(const CallersOptions& options)
      : options_(options),
        random_(options.seed ^ uint64_t(WallNow_us())),
        balances_(Frame::OfBalances(options.members_a_call)),
        postings_(Frame::OfPostings(options.postings_a_call, &random_)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (uint32_t i = 0; i < options.connections; ++i) {
      Connection& connection = connections_.emplace_back(options.port);
      epoll_event event = {.events = EPOLLIN, .data = {.ptr = &connection}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket(), &event);
      free_.push_back(&connection);
    }
    calls_.reserve(size_t(options.seconds * (options.per_s > 0 ? options.per_s * 1.1 : 100'000)));
  }
  ~Callers() { ::close(epoll_); }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  void Run() {
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // else each wait for an arrival ends 50 us late
    const double begin_s = Now_s();
    const double end_s = begin_s + options_.seconds;
    due_s_ = begin_s;
    for (;;) {
      Start(end_s);
      if (due_s_ >= end_s && free_.size() == connections_.size()) break;
      Await(end_s);
    }
    elapsed_s_ = Now_s() - begin_s;
  }

  const std::vector<Call>& calls() const { return calls_; }
  double elapsed_s() const { return elapsed_s_; }

 private:
  bool is_open_loop() const { return options_.per_s > 0; }

  void Start(double end_s) {
    const double now_s = Now_s();
    if (!is_open_loop()) due_s_ = now_s;
    while (!free_.empty() && due_s_ <= now_s && due_s_ < end_s) {
      Connection* const connection = free_.back();
      free_.pop_back();
      const bool is_post = random_.Below(100) < options_.post_percent;
      connection->call = {.due_s = due_s_, .is_post = is_post};
      connection->Send((is_post ? postings_ : balances_).Draw(options_.members, &random_));
      if (is_open_loop()) due_s_ -= std::log1p(-random_.Unit()) / options_.per_s;
    }
  }

  // Until something is answered, or the next call is due and can be made.
  void Await(double end_s) {
    std::array<epoll_event, 64> events;
    const bool may_start = is_open_loop() && !free_.empty() && due_s_ < end_s;
    const double wait_s = std::max(0.0, due_s_ - Now_s());
    const timespec timeout = {.tv_sec = time_t(wait_s),
                              .tv_nsec = long((wait_s - std::floor(wait_s)) * 1e9)};
    const int ready = ::epoll_pwait2(epoll_, events.data(), int(events.size()),
                                     may_start ? &timeout : nullptr, nullptr);
    if (ready < 0 && errno != EINTR) Die("epoll_pwait2 failed");
    for (int i = 0; i < ready; ++i) Finish(static_cast<Connection*>(events[size_t(i)].data.ptr));
  }

  void Finish(Connection* connection) {
    const std::string_view reply = connection->Receive();
    if (reply.empty()) return;
    connection->call.end_s = Now_s();
    if (!IsResult(reply)) Die("a call failed");
    // Decoding each would cost more than the call does.
    if (calls_.size() % kCallsAChecked == 0) CheckReply(connection->call, reply);
    calls_.push_back(connection->call);
    free_.push_back(connection);
  }

  void CheckReply(const Call& call, std::string_view reply) const {
    if (call.is_post) {
      CheckPostings(reply, options_.postings_a_call);
    } else {
      CheckBalances(reply, options_.members_a_call);
    }
  }

  static constexpr size_t kCallsAChecked = 1024;

  const CallersOptions options_;
  Random random_;
  Frame balances_;
  Frame postings_;
  const int epoll_;
  std::deque<Connection> connections_;
  std::vector<Connection*> free_;
  std::vector<Call> calls_;
  double due_s_ = 0;  // of the next call
  double elapsed_s_ = 0;
};

}  // namespace loyalty::bench

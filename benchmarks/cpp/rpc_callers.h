// Many connections to loyaltyd from one thread, each with one call at a time.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flags.h"
#include "posting_loop.h"
#include "rpc_frames.h"

namespace loyalty::bench {

// What is asked, and when.
class Load {
 public:
  virtual ~Load() = default;
  // When the next call is due, which may have passed; nothing: there is none any more.
  virtual std::optional<double> NextDue_s() = 0;
  // The next call, until the one after it: its frame, and of what kind it is.
  virtual const Frame& Next(int* kind) = 0;
};

struct Call {
  double due_s = 0;
  double ended_s = 0;
  int kind = 0;
  double took_s() const { return ended_s - due_s; }
};

class Callers {
 public:
  Callers(int port, size_t connections) : epoll_(::epoll_create1(0)) {
    for (size_t i = 0; i < connections; ++i) connections_.push_back(Connect(port));
    for (Connection& connection : connections_) {
      epoll_event event = {EPOLLIN, {.ptr = &connection}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event) != 0) Die("epoll_ctl");
      idle_.push_back(&connection);
    }
  }
  ~Callers() {
    for (const Connection& connection : connections_) ::close(connection.socket);
    ::close(epoll_);
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  // Makes the calls of a load; returns them in the order in which they ended.
  std::vector<Call> Run(Load* load) {
    std::vector<Call> ended;
    std::optional<double> due_s = load->NextDue_s();
    while (due_s || idle_.size() < connections_.size()) {
      while (due_s && !idle_.empty() && *due_s <= Now_s()) {
        Connection* const connection = idle_.back();
        idle_.pop_back();
        connection->call.due_s = *due_s;
        const Frame& frame = load->Next(&connection->call.kind);
        connection->out.assign(frame.bytes());
        connection->sent = 0;
        Send(connection);
        due_s = load->NextDue_s();
      }
      Wait(due_s && !idle_.empty() ? std::max(0.0, *due_s - Now_s()) : 1.0, &ended);
    }
    return ended;
  }

 private:
  struct Connection {
    int socket = -1;
    Call call;
    std::string out;
    size_t sent = 0;
    std::vector<char> in;
    size_t received = 0;
  };

  static Connection Connect(int port) {
    Connection connection;
    connection.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const to = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(connection.socket, to, sizeof address) != 0) Die("nobody listens there");
    const int on = 1;
    (void)::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection.in.resize(64 << 10);
    return connection;
  }

  void Send(Connection* connection) {
    const size_t left = connection->out.size() - connection->sent;
    const ssize_t sent = ::send(connection->socket, connection->out.data() + connection->sent, left,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) Die("the connection was lost");
    const bool was_whole = connection->sent == 0 && sent == ssize_t(left);
    connection->sent += sent > 0 ? size_t(sent) : 0;
    if (was_whole) return;
    const bool is_whole = connection->sent == connection->out.size();
    epoll_event event = {is_whole ? EPOLLIN : EPOLLIN | EPOLLOUT, {.ptr = connection}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->socket, &event) != 0) Die("epoll_ctl");
  }

  // Whether the response is there.
  static bool Receive(Connection* connection) {
    const ssize_t received =
        ::recv(connection->socket, connection->in.data() + connection->received,
               connection->in.size() - connection->received, MSG_DONTWAIT);
    if (received <= 0) Die("the connection was lost");
    connection->received += size_t(received);
    if (connection->received < 4) return false;
    uint32_t size = 0;
    std::memcpy(&size, connection->in.data(), sizeof size);
    size = __builtin_bswap32(size);
    if (connection->in.size() < size + 4) connection->in.resize(size + 4);
    if (connection->received < size + 4) return false;
    if (!IsAnswer(connection->in.data() + 4, size)) Die("the server answered with an exception");
    connection->received = 0;
    return true;
  }

  void Wait(double most_s, std::vector<Call>* ended) {
    epoll_event events[64];
    const timespec timeout = {time_t(most_s), long(std::fmod(most_s, 1.0) * 1e9)};
    const int count = ::epoll_pwait2(epoll_, events, 64, &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      auto* const connection = static_cast<Connection*>(events[i].data.ptr);
      if ((events[i].events & EPOLLOUT) != 0) Send(connection);
      if ((events[i].events & ~uint32_t(EPOLLOUT)) == 0 || !Receive(connection)) continue;
      connection->call.ended_s = Now_s();
      ended->push_back(connection->call);
      idle_.push_back(connection);
    }
  }

  const int epoll_;
  std::vector<Connection> connections_;
  std::vector<Connection*> idle_;
};

}  // namespace loyalty::bench

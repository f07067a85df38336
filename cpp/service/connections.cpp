#include "connections.h"

#include <sys/socket.h>

namespace loyalty::service {
namespace {

// Its thread wakes and closes it; what was not taken by then is dropped, where it would take the system's memory for as
// long as it tries to send it.
void Reset(int socket) {
  const linger at_once = {1, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void)::shutdown(socket, SHUT_RDWR);
}

}  // namespace

Connections::Connections(const Limits& limits) : limits_(limits), watch_([this] { Watch(); }) {}

Connections::~Connections() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  over_.notify_all();
  watch_.join();
}

bool Connections::IsFull() const { return size() >= limits_.connections_max; }

size_t Connections::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

std::shared_ptr<Connection> Connections::Add(int socket) {
  auto connection = std::make_shared<Connection>(socket);
  const std::lock_guard lock(mutex_);
  all_.insert(connection);
  return connection;
}

void Connections::Remove(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock(mutex_);
  all_.erase(connection);
}

void Connections::ShutDownAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& connection : all_) (void)::shutdown(connection->socket_, SHUT_RDWR);
}

bool Connections::IsLate(const Connection& connection, int64_t now_ms) const {
  const int64_t passed_ms = now_ms - connection.since_ms();
  switch (connection.phase()) {
    case Connection::Phase::kIdle:
      return passed_ms > (connection.is_known() ? limits_.idle_max : limits_.transfer_max).count();
    case Connection::Phase::kNew:
    case Connection::Phase::kReading:
    case Connection::Phase::kWriting: return passed_ms > limits_.transfer_max.count();
    case Connection::Phase::kWorking: break;
  }
  return false;
}

void Connections::Watch() {
  const auto pause =
      std::min<std::chrono::milliseconds>(limits_.transfer_max / 4, std::chrono::milliseconds(500));
  std::unique_lock lock(mutex_);
  while (!over_.wait_for(lock, pause, [this] { return is_over_; })) {
    const int64_t now_ms = Connection::Now_ms();
    for (const auto& connection : all_) {
      if (IsLate(*connection, now_ms)) Reset(connection->socket_);
    }
  }
}

}  // namespace loyalty::service

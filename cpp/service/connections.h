// The connections of a server: how many there may be, and for how long each may stand still.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace loyalty::service {

// What a connection is at. Its own thread moves it on; the watch looks at it now and then, so that no call pays for
// timers.
class Connection {
 public:
  enum class Phase : uint8_t {
    kNew,      // has not sent anything
    kIdle,     // between requests
    kReading,  // of a request, from its first byte on
    kWorking,  // bounded by the deadline of the call
    kWriting,  // of a response
  };

  explicit Connection(int socket) : socket_(socket) { Enter(Phase::kNew); }

  // Once somebody has said on it who asks; before, it may not be idle for long.
  void SetKnown() { is_known_.store(true, std::memory_order_relaxed); }
  void Enter(Phase phase) {
    state_.store(Now_ms() << kPhaseBits | int64_t(phase), std::memory_order_relaxed);
  }

 private:
  friend class Connections;
  static constexpr int kPhaseBits = 3;

  static int64_t Now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  Phase phase() const { return Phase(state_.load(std::memory_order_relaxed) & 7); }
  bool is_known() const { return is_known_.load(std::memory_order_relaxed); }
  int64_t since_ms() const { return state_.load(std::memory_order_relaxed) >> kPhaseBits; }

  const int socket_;
  std::atomic<int64_t> state_;
  std::atomic<bool> is_known_ = false;
};

class Connections {
 public:
  struct Limits {
    size_t connections_max = 1024;
    std::chrono::milliseconds idle_max{std::chrono::minutes(10)};
    // For a request to arrive whole, for its response to be taken, and for the next one to begin while nobody has said
    // who asks.
    std::chrono::milliseconds transfer_max{std::chrono::seconds(10)};
  };

  explicit Connections(const Limits& limits);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  bool IsFull() const;
  size_t size() const;
  // Of those that came while it was full.
  void CountRefused() { refused_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  std::shared_ptr<Connection> Add(int socket);
  // Before its socket is closed: after that the number may be another's.
  void Remove(const std::shared_ptr<Connection>& connection);
  // Ends all connections, in whatever they are at.
  void ShutDownAll();

 private:
  void Watch();
  bool IsLate(const Connection& connection, int64_t now_ms) const;

  const Limits limits_;
  std::atomic<uint64_t> refused_ = 0;
  mutable std::mutex mutex_;
  std::set<std::shared_ptr<Connection>> all_;  // under mutex_, as the next one
  bool is_over_ = false;
  std::condition_variable over_;
  std::thread watch_;
};

}  // namespace loyalty::service

// What the server adds to Thrift's framed transport and protocols: limits, phases for the watch (connections.h), and
// either protocol on one port.
#pragma once

#include <thrift/TProcessor.h>
#include <thrift/protocol/TProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TServerSocket.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "connections.h"
#include "wire/tls.h"

namespace loyalty::service {

struct MessageLimits {
  uint32_t frame_bytes_max = 4 << 20;
  uint32_t string_bytes_max = 1 << 20;
  uint32_t container_max = 8192;  // elements
  uint32_t depth_max = 16;
};

// The frames of one connection, in both directions, for its thread alone.
class Frames final : public apache::thrift::transport::TFramedTransport {
 public:
  Frames(const std::shared_ptr<apache::thrift::transport::TTransport>& client,
         Connections* connections, const MessageLimits& limits);
  ~Frames() override;

  // Of the next request; waits until its frame is there. Nothing: the other side has closed.
  std::optional<uint8_t> FirstByte();
  const std::shared_ptr<Connection>& connection() const { return connection_; }
  void flush() override;
  void close() override;

 protected:
  bool readFrame() override;

 private:
  void StartReadBuffer();

  Connections* const connections_;
  const std::shared_ptr<Connection> connection_;
};

class FramesFactory final : public apache::thrift::transport::TTransportFactory {
 public:
  FramesFactory(Connections* connections, const MessageLimits& limits)
      : connections_(connections), limits_(limits) {}

  // The same one for reading and for writing: the server asks for both, one after the other.
  std::shared_ptr<apache::thrift::transport::TTransport> getTransport(
      std::shared_ptr<apache::thrift::transport::TTransport> client) override;

 private:
  Connections* const connections_;
  const MessageLimits limits_;
  std::weak_ptr<apache::thrift::transport::TTransport> last_client_;
  std::weak_ptr<Frames> last_;
};

// Closes what comes beyond the limit of connections at once: left waiting, it would look like a slow server. Goes on when
// the system has no more files for a moment, at which Thrift's own gives up listening; not when its socket is gone.
class Listener final : public apache::thrift::transport::TServerSocket {
 public:
  Listener(const std::string& address, int port, Connections* connections)
      : TServerSocket(address, port), connections_(connections) {
    setKeepAlive(true);
  }
  // For connections that are accepted from now on, by the thread that accepts or any other. Null: without TLS.
  void SetTls(std::shared_ptr<wire::TlsFactory> tls) {
    const std::lock_guard lock(mutex_);
    tls_ = std::move(tls);
  }

 protected:
  std::shared_ptr<apache::thrift::transport::TSocket> createSocket(int socket) override;
  std::shared_ptr<apache::thrift::transport::TTransport> acceptImpl() override;

 private:
  bool IsListening();

  Connections* const connections_;
  std::mutex mutex_;
  std::shared_ptr<wire::TlsFactory> tls_;  // under mutex_
};

// Hands each request of a connection to `calls`, in the protocol that it came in: binary or compact.
class EitherProtocol final : public apache::thrift::TProcessor {
 public:
  // `transport`: as made by FramesFactory.
  EitherProtocol(const MessageLimits& limits, std::shared_ptr<apache::thrift::TProcessor> calls)
      : limits_(limits), calls_(std::move(calls)) {}

  bool process(std::shared_ptr<apache::thrift::protocol::TProtocol> in,
               std::shared_ptr<apache::thrift::protocol::TProtocol> out, void* context) override;

 private:
  std::shared_ptr<apache::thrift::protocol::TProtocol> ProtocolOf(
      uint8_t first_byte, const std::shared_ptr<Frames>& frames);

  const MessageLimits limits_;
  const std::shared_ptr<apache::thrift::TProcessor> calls_;
  std::shared_ptr<apache::thrift::protocol::TProtocol> binary_;
  std::shared_ptr<apache::thrift::protocol::TProtocol> compact_;
};

}  // namespace loyalty::service

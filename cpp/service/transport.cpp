#include "transport.h"

#include <sys/socket.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/transport/TSocket.h>

#include <thread>
#include <utility>

#include "log.h"

namespace loyalty::service {

using apache::thrift::TConfiguration;
using apache::thrift::TException;
using apache::thrift::protocol::TBinaryProtocolT;
using apache::thrift::protocol::TCompactProtocolT;
using apache::thrift::protocol::TProtocol;
using apache::thrift::protocol::TProtocolException;
using apache::thrift::transport::TBufferedTransport;
using apache::thrift::transport::TSocket;
using apache::thrift::transport::TTransport;
using apache::thrift::transport::TTransportException;

namespace {

// Most requests come in one read with it.
constexpr uint32_t kReadAhead_bytes = 8 << 10;
// What a connection keeps for its next request; more is given back.
constexpr uint32_t kKept_bytes = 64 << 10;
// Until files or memory may be there again.
constexpr std::chrono::milliseconds kAfterFailure{100};

std::shared_ptr<TConfiguration> ConfigurationOf(const MessageLimits& limits) {
  return std::make_shared<TConfiguration>(int(limits.frame_bytes_max), int(limits.frame_bytes_max),
                                          int(limits.depth_max));
}

[[noreturn]] void Misframed(const char* what) {
  throw TTransportException(TTransportException::CORRUPTED_DATA, what);
}

}  // namespace

Frames::Frames(const std::shared_ptr<TTransport>& client, Connections* connections,
               const MessageLimits& limits)
    : TFramedTransport(
          std::make_shared<TBufferedTransport>(client, kReadAhead_bytes, ConfigurationOf(limits)),
          DEFAULT_BUFFER_SIZE, kKept_bytes, ConfigurationOf(limits)),
      connections_(connections),
      connection_(connections->Add(std::dynamic_pointer_cast<TSocket>(client)->getSocketFD())) {
  StartReadBuffer();
}

// Never without one: Thrift's own would copy an empty frame from nowhere.
void Frames::StartReadBuffer() {
  rBufSize_ = DEFAULT_BUFFER_SIZE;
  rBuf_.reset(new uint8_t[rBufSize_]);
}

Frames::~Frames() { connections_->Remove(connection_); }

std::optional<uint8_t> Frames::FirstByte() {
  if (rBase_ != rBound_) Misframed("bytes after a request, in its frame");
  if (rBufSize_ > kKept_bytes) StartReadBuffer();
  setReadBuffer(nullptr, 0);
  if (!transport_->peek()) return std::nullopt;
  connection_->Enter(Connection::Phase::kReading);
  if (!TFramedTransport::readFrame()) return std::nullopt;
  connection_->Enter(Connection::Phase::kWorking);
  if (rBase_ == rBound_) Misframed("an empty frame");
  return *rBase_;
}

// Asked for when a request goes on after its frame: the connection would wait for more, and not look it.
bool Frames::readFrame() { Misframed("a request that does not end in its frame"); }

void Frames::flush() {
  connection_->Enter(Connection::Phase::kWriting);
  TFramedTransport::flush();
  connection_->Enter(Connection::Phase::kIdle);
}

// Without what was written and not flushed: that is a response that failed half way.
void Frames::close() {
  connections_->Remove(connection_);
  transport_->close();
}

std::shared_ptr<TTransport> FramesFactory::getTransport(std::shared_ptr<TTransport> client) {
  if (auto last = last_.lock(); last && last_client_.lock() == client) return last;
  auto frames = std::make_shared<Frames>(client, connections_, limits_);
  last_client_ = client;
  last_ = frames;
  return frames;
}

std::shared_ptr<TSocket> Listener::createSocket(int socket) {
  const std::lock_guard lock(mutex_);
  return tls_ ? tls_->createSocket(socket, pChildInterruptSockReader_)
              : TServerSocket::createSocket(socket);
}

bool Listener::IsListening() {
  int is_listening = 0;
  socklen_t size = sizeof is_listening;
  return ::getsockopt(getSocketFD(), SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == 0 &&
         is_listening != 0;
}

std::shared_ptr<TTransport> Listener::acceptImpl() {
  for (;;) {
    try {
      auto client = TServerSocket::acceptImpl();
      if (!connections_->IsFull()) return client;
      connections_->CountRefused();
      client->close();
      Log(LogLevel::kWarning, "refused", {{"connections", int64_t(connections_->size())}});
    } catch (const TTransportException& error) {
      if (error.getType() != TTransportException::UNKNOWN || !IsListening()) throw;
      Log(LogLevel::kError, "accept", {{"message", std::string(error.what())}});
      std::this_thread::sleep_for(kAfterFailure);
    }
  }
}

std::shared_ptr<TProtocol> EitherProtocol::ProtocolOf(uint8_t first_byte,
                                                      const std::shared_ptr<Frames>& frames) {
  constexpr uint8_t kBinary = 0x80;
  constexpr uint8_t kCompact = 0x82;
  const auto string_max = int32_t(limits_.string_bytes_max);
  const auto container_max = int32_t(limits_.container_max);
  if (first_byte == kBinary) {
    if (!binary_) {
      binary_ = std::make_shared<TBinaryProtocolT<Frames>>(frames, string_max, container_max,
                                                           /*strict_read=*/true,
                                                           /*strict_write=*/true);
    }
    return binary_;
  }
  if (first_byte == kCompact) {
    if (!compact_) {
      compact_ = std::make_shared<TCompactProtocolT<Frames>>(frames, string_max, container_max);
    }
    return compact_;
  }
  throw TProtocolException(TProtocolException::BAD_VERSION,
                           "neither the binary nor the compact protocol");
}

// Whatever else is thrown while a request is read would end the process: its thread is Thrift's.
bool EitherProtocol::process(std::shared_ptr<TProtocol> in, std::shared_ptr<TProtocol> /*out*/,
                             void* context) {
  const auto frames = std::dynamic_pointer_cast<Frames>(in->getTransport());
  try {
    const std::optional<uint8_t> first_byte = frames->FirstByte();
    if (!first_byte) return false;
    const auto protocol = ProtocolOf(*first_byte, frames);
    return calls_->process(protocol, protocol, context);
  } catch (const TException&) {
    throw;
  } catch (const std::exception& error) {
    throw TException(error.what());
  }
}

}  // namespace loyalty::service

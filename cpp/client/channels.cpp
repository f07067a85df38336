#include "channels.h"

#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

namespace loyalty::client {
namespace {

using apache::thrift::GlobalOutput;
using apache::thrift::TApplicationException;
using apache::thrift::TException;
using apache::thrift::protocol::TBinaryProtocolT;
using apache::thrift::transport::TBufferedTransport;
using apache::thrift::transport::TFramedTransport;
using apache::thrift::transport::TSocket;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{1000};

// So that those who were turned away together do not come back together.
milliseconds Scattered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return pause + milliseconds(random() % uint64_t(pause.count() / 2 + 1));
}

// Of a server that may know more codes than we do.
template <typename Fault>
Status ToStatus(const Fault& fault, StatusCode otherwise) {
  const bool is_known = fault.code > 0 && fault.code <= int32_t(StatusCode::kUnsupported);
  return {is_known ? StatusCode(fault.code) : otherwise, fault.message};
}

}  // namespace

struct Channels::Channel {
  explicit Channel(std::shared_ptr<TSocket> made)
      : socket(std::move(made)),
        transport(std::make_shared<TFramedTransport>(std::make_shared<TBufferedTransport>(socket))),
        client(std::make_shared<TBinaryProtocolT<TFramedTransport>>(transport)) {}

  const std::shared_ptr<TSocket> socket;
  const std::shared_ptr<TFramedTransport> transport;
  rpc::LedgerClient client;
};

Channels::Channels(const RemoteOptions& options, std::shared_ptr<wire::TlsFactory> tls)
    : options_(options),
      tls_(std::move(tls)),
      place_(options.host + ":" + std::to_string(options.port)) {
  // Thrift writes to stderr what it throws as well.
  GlobalOutput.setOutputFunction([](const char*) {});
}

Channels::~Channels() = default;

// A connection that was kept may have been closed by the server meanwhile: what is not repeated gets a new one.
Result<std::unique_ptr<Channels::Channel>> Channels::Take(Repeat repeat) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return Status(StatusCode::kClosed, "the ledger was closed");
  if (idle_.empty() || repeat == Repeat::kNever) {
    return std::make_unique<Channel>(tls_
                                         ? tls_->createSocket(options_.host, options_.port)
                                         : std::make_shared<TSocket>(options_.host, options_.port));
  }
  auto channel = std::move(idle_.back());
  idle_.pop_back();
  return channel;
}

void Channels::GiveBack(std::unique_ptr<Channel> channel) {
  const std::lock_guard lock(mutex_);
  if (!is_closed_) idle_.push_back(std::move(channel));
}

void Channels::DropIdle() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

void Channels::Close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  idle_.clear();
}

Channels::Outcome Channels::Attempt(Channel* channel, Clock::time_point give_up, const Call& call) {
  const auto left = std::chrono::ceil<milliseconds>(give_up - Clock::now());
  const int timeout_ms = int(std::max<int64_t>(1, left.count()));
  rpc::RequestHead head;
  if (!options_.token.empty()) head.__set_token(options_.token);
  head.__set_timeout_ms(timeout_ms);
  try {
    channel->socket->setConnTimeout(timeout_ms);
    channel->socket->setRecvTimeout(timeout_ms);
    channel->socket->setSendTimeout(timeout_ms);
    if (!channel->transport->isOpen()) channel->transport->open();
    call(channel->client, head);
    return {};
  } catch (const rpc::InvalidRequest& fault) {
    return {ToStatus(fault, StatusCode::kInvalidArgument)};
  } catch (const rpc::Unauthenticated& fault) {
    return {{StatusCode::kUnauthenticated, fault.message}};
  } catch (const rpc::Forbidden& fault) {
    return {{StatusCode::kForbidden, fault.message}};
  } catch (const rpc::Unavailable& fault) {
    return {ToStatus(fault, StatusCode::kUnavailable), false, milliseconds(fault.retry_after_ms)};
  } catch (const rpc::Internal& fault) {
    return {ToStatus(fault, StatusCode::kInternal)};
  } catch (const TApplicationException& fault) {
    return {{StatusCode::kInternal, std::string("the server says: ") + fault.what()}, true};
  } catch (const wire::CertificateFault& fault) {
    return {{StatusCode::kUnauthenticated, fault.what()}, true};
  } catch (const TException& fault) {
    return {{StatusCode::kUnavailable, fault.what()}, true};
  }
}

Status Channels::Do(Repeat repeat, const Call& call) {
  const Clock::time_point give_up = Clock::now() + milliseconds(options_.timeout_ms);
  milliseconds pause = kFirstPause;
  for (;;) {
    LOYALTY_ASSIGN_OR_RETURN(std::unique_ptr<Channel> channel, Take(repeat));
    const Outcome outcome = Attempt(channel.get(), give_up, call);
    if (outcome.was_lost) {
      DropIdle();  // most often the server went: then they are lost, too
    } else {
      GiveBack(std::move(channel));
    }
    if (outcome.status.code() != StatusCode::kUnavailable) return outcome.status;
    const milliseconds rest = Scattered(std::max(pause, outcome.pause));
    const bool may_repeat = repeat == Repeat::kSafe || !outcome.was_lost;
    if (!may_repeat || Clock::now() + rest >= give_up) {
      return {StatusCode::kUnavailable, place_ + ": " + outcome.status.message()};
    }
    std::this_thread::sleep_for(rest);
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace loyalty::client

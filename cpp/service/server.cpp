#include "server.h"

#include <thrift/TOutput.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TSocket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <exception>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "connections.h"
#include "handler.h"
#include "log.h"
#include "metrics.h"
#include "service.h"
#include "transport.h"

namespace loyalty::service {
namespace {

using apache::thrift::TConnectionInfo;
using apache::thrift::TProcessor;
using apache::thrift::TProcessorFactory;
using apache::thrift::protocol::TBinaryProtocolFactory;
using apache::thrift::server::TConnectedClient;
using apache::thrift::server::TServerEventHandler;
using apache::thrift::server::TThreadedServer;
using apache::thrift::transport::TSocket;

// A handler for each connection.
class Processors final : public TProcessorFactory {
 public:
  Processors(Service* service, const MessageLimits& limits) : service_(service), limits_(limits) {}

  std::shared_ptr<TProcessor> getProcessor(const TConnectionInfo& connection) override {
    const auto socket = std::dynamic_pointer_cast<TSocket>(connection.transport);
    const std::string peer = socket->getPeerAddress() + ":" + std::to_string(socket->getPeerPort());
    const auto frames = std::dynamic_pointer_cast<Frames>(connection.input->getTransport());
    const auto handler = std::make_shared<Handler>(service_, frames->connection(), peer);
    return std::make_shared<EitherProtocol>(limits_,
                                            std::make_shared<rpc::LedgerProcessor>(handler));
  }

 private:
  Service* const service_;
  const MessageLimits limits_;
};

// Tells that the server listens.
class Listening final : public TServerEventHandler {
 public:
  void preServe() override { Tell({}); }
  // False: it had listened already.
  bool Fail(const std::string& what) {
    return !has_told_ && (Tell({StatusCode::kIoError, what}), true);
  }
  Status Wait() { return is_listening_.get_future().get(); }

 private:
  void Tell(Status status) {
    has_told_ = true;
    is_listening_.set_value(std::move(status));
  }

  bool has_told_ = false;
  std::promise<Status> is_listening_;
};

// Drops a connection that no thread can be had for, where Thrift's own would end the server.
class ThreadedServer final : public TThreadedServer {
 public:
  using TThreadedServer::TThreadedServer;

 protected:
  void onClientConnected(const std::shared_ptr<TConnectedClient>& client) override {
    try {
      TThreadedServer::onClientConnected(client);
    } catch (const std::system_error& error) {
      Log(LogLevel::kError, "no thread", {{"message", std::string(error.what())}});
      const apache::thrift::concurrency::Synchronized lock(clientMonitor_);
      activeClientMap_.erase(client.get());
    }
  }
};

class ServerImpl final : public Server {
 public:
  ServerImpl(Ledger* ledger, Access access, const ServerOptions& options)
      : options_(options),
        service_(ledger, std::move(access.clients), options.calls),
        connections_(options.connections),
        listening_(std::make_shared<Listening>()),
        listener_(
            std::make_shared<Listener>(options.listen.host, options.listen.port, &connections_)),
        // The protocols of a connection are EitherProtocol's; the server insists on some.
        server_(std::make_shared<Processors>(&service_, options.messages), listener_,
                std::make_shared<FramesFactory>(&connections_, options.messages),
                std::make_shared<TBinaryProtocolFactory>()) {
    listener_->SetTls(std::move(access.tls));
    server_.setServerEventHandler(listening_);
  }
  ~ServerImpl() override { Stop(); }

  Status Start() {
    thread_ = std::thread([this] { Serve(); });
    const Status status = listening_->Wait();
    if (!status.ok()) thread_.join();
    return status;
  }

  int port() const override { return listener_->getPort(); }
  bool has_failed() const override { return has_failed_; }

  std::string WhyNotReady() const override { return service_.WhyNotReady(); }
  std::string MetricsText() const override { return service::MetricsText(service_, connections_); }

  void SetAccess(Access access) override {
    service_.SetClients(std::move(access.clients));
    listener_->SetTls(std::move(access.tls));
  }

  void Stop() override {
    if (!thread_.joinable()) return;
    service_.is_stopping = true;
    service_.runs.StopAll();
    server_.stop();
    if (over_.get_future().wait_for(options_.drain_max) != std::future_status::ready) {
      Log(LogLevel::kWarning, "drain", {{"ended_connections", int64_t(connections_.size())}});
      connections_.ShutDownAll();
    }
    thread_.join();
  }

 private:
  void Serve() {
    try {
      server_.serve();
      if (!service_.is_stopping) GiveUp("its socket listens no more");
    } catch (const std::exception& error) {
      const std::string what = ToString(options_.listen) + ": " + error.what();
      if (!listening_->Fail(what)) GiveUp(error.what());
    }
    over_.set_value();
  }

  // A process that accepts nobody is to end, so that it is started anew.
  void GiveUp(const std::string& why) {
    Log(LogLevel::kError, "listening_failed", {{"message", why}});
    has_failed_ = true;
    (void)::kill(::getpid(), SIGTERM);
  }

  const ServerOptions options_;
  Service service_;
  Connections connections_;
  const std::shared_ptr<Listening> listening_;
  const std::shared_ptr<Listener> listener_;
  ThreadedServer server_;
  std::promise<void> over_;
  std::thread thread_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(Ledger* ledger, Access access,
                                              const ServerOptions& options) {
  apache::thrift::GlobalOutput.setOutputFunction([](const char* message) {
    Log(LogLevel::kDebug, "thrift", {{"message", std::string(message)}});
  });
  auto server = std::make_unique<ServerImpl>(ledger, std::move(access), options);
  LOYALTY_RETURN_IF_ERROR(server->Start());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace loyalty::service

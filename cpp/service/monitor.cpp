#include "monitor.h"

#include <CivetServer.h>

#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "log.h"

namespace loyalty::service {
namespace {

constexpr const char* kThreads = "2";
constexpr const char* kTimeout_ms = "5000";  // of a request, and of taking its answer

struct Answer {
  int code = 200;
  std::string text;
};

void Send(mg_connection* connection, const Answer& answer) {
  const char* const reason = answer.code == 200 ? "OK" : "Service Unavailable";
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            "Content-Length: %zu\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            answer.code, reason, answer.text.size());
  mg_write(connection, answer.text.data(), answer.text.size());
}

int LogMessage(const mg_connection* /*connection*/, const char* message) {
  Log(LogLevel::kDebug, "http", {{"message", std::string(message)}});
  return 1;
}

CivetCallbacks Callbacks() {
  CivetCallbacks callbacks;
  callbacks.log_message = LogMessage;
  return callbacks;
}

class MonitorImpl final : public Monitor {
 public:
  // Throws CivetException.
  explicit MonitorImpl(const std::string& place)
      : callbacks_(Callbacks()),
        http_(
            {"listening_ports", place, "num_threads", kThreads, "request_timeout_ms", kTimeout_ms},
            &callbacks_) {
    http_.addHandler("/live$", live_);
    http_.addHandler("/ready$", ready_);
    http_.addHandler("/metrics$", metrics_);
  }
  ~MonitorImpl() override { http_.close(); }

  int port() const override { return port_; }
  void Watch(const Server* server) override {
    const std::lock_guard lock(mutex_);
    server_ = server;
  }

 private:
  using Tell = Answer (MonitorImpl::*)();
  class Page final : public CivetHandler {
   public:
    Page(MonitorImpl* monitor, Tell tell) : monitor_(monitor), tell_(tell) {}
    bool handleGet(CivetServer* /*http*/, mg_connection* connection) override {
      Send(connection, (monitor_->*tell_)());
      return true;
    }

   private:
    MonitorImpl* const monitor_;
    const Tell tell_;
  };

  Answer Live() { return {200, "live\n"}; }
  Answer Ready() {
    const std::lock_guard lock(mutex_);
    const std::string why = server_ == nullptr ? "no ledger is open" : server_->WhyNotReady();
    return why.empty() ? Answer{200, "ready\n"} : Answer{503, why + "\n"};
  }
  Answer Metrics() {
    const std::lock_guard lock(mutex_);
    return {200, server_ == nullptr ? "" : server_->MetricsText()};
  }

  std::mutex mutex_;
  const Server* server_ = nullptr;  // under mutex_
  Page live_{this, &MonitorImpl::Live};
  Page ready_{this, &MonitorImpl::Ready};
  Page metrics_{this, &MonitorImpl::Metrics};
  const CivetCallbacks callbacks_;
  CivetServer http_;
  const int port_ = http_.getListeningPorts().at(0);
};

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::Start(const Address& address) {
  const std::string place = ToString(address);
  try {
    return std::unique_ptr<Monitor>(std::make_unique<MonitorImpl>(place));
  } catch (const CivetException&) {
    return Status(StatusCode::kIoError,
                  place + ": cannot listen there for HTTP; is the port in use?");
  }
}

}  // namespace loyalty::service

// A server of one ledger: listens, and answers the calls of the interface, a thread a connection.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "clients.h"
#include "loyalty/ledger.h"
#include "options.h"
#include "wire/tls.h"

namespace loyalty::service {

// Who may connect, and ask what: what is in files that change while the server runs.
struct Access {
  Clients clients;
  std::shared_ptr<wire::TlsFactory> tls;  // null: without TLS
};

class Server {
 public:
  // Listens when it returns. The ledger must outlive it.
  static Result<std::unique_ptr<Server>> Start(Ledger* ledger, Access access,
                                               const ServerOptions& options);
  virtual ~Server() = default;

  virtual int port() const = 0;
  // For connections and calls to come.
  virtual void SetAccess(Access access) = 0;
  // Empty: it answers requests, and can post.
  virtual std::string WhyNotReady() const = 0;
  // For Prometheus, in its text format.
  virtual std::string MetricsText() const = 0;
  // Whether it stopped listening by itself; then it has sent the process SIGTERM.
  virtual bool has_failed() const = 0;
  // Accepts nothing more, lets calls under way end for as long as the options say, then ends their connections; stops
  // runs, which go on when they are started again. Idempotent; the destructor does it, too.
  virtual void Stop() = 0;
};

}  // namespace loyalty::service

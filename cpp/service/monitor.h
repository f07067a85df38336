// How the server is, over HTTP: /metrics for Prometheus; /live and /ready for whoever starts it, or sends it requests.
#pragma once

#include <memory>
#include <string>

#include "loyalty/status.h"
#include "server.h"

namespace loyalty::service {

class Monitor {
 public:
  // Listens when it returns, and tells that nothing is ready.
  static Result<std::unique_ptr<Monitor>> Start(const Address& address);
  virtual ~Monitor() = default;

  virtual int port() const = 0;
  // Whom it tells of; null: nobody any more. Waits for those whom it tells.
  virtual void Watch(const Server* server) = 0;
};

}  // namespace loyalty::service

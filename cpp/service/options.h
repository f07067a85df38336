// How a server is set up: what its flags and its configuration file say (docs/service.md).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "connections.h"
#include "log.h"
#include "service.h"
#include "transport.h"
#include "wire/tls.h"

namespace loyalty::service {

struct Address {
  std::string host;
  int port = 0;  // 0: any that is free
};
std::string ToString(const Address& address);  // host:port, or [host]:port

struct ServerOptions {
  Address listen{"127.0.0.1", 7461};
  Connections::Limits connections;
  MessageLimits messages;
  CallLimits calls;
  std::chrono::milliseconds drain_max{std::chrono::seconds(30)};
};

struct Options {
  ServerOptions server;
  std::string ledger;   // its directory
  std::string clients;  // the clients file; empty: anybody may do everything
  wire::TlsFiles tls;   // without a certificate: no TLS
  std::optional<Address> http;
  LogLevel log_level = LogLevel::kInfo;
};

// What the command line asks for.
struct CommandLine {
  enum class Command { kServe, kNewToken, kNothing };
  Command command = Command::kNothing;
  Options options;    // of kServe
  int exit_code = 0;  // of kNothing: help or a fault was printed
};
CommandLine ParseCommandLine(int argc, const char* const* argv);

}  // namespace loyalty::service

#include "options.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>

#include <functional>
#include <set>
#include <utility>

namespace loyalty::service {
namespace {

std::string ParseAddress(const std::string& text, Address* address) {
  const size_t colon = text.rfind(':');
  const std::string fault = text + ": must be HOST:PORT, as in 127.0.0.1:7461 or [::1]:7461";
  if (colon == std::string::npos || colon == 0) return fault;
  address->host = text.substr(0, colon);
  if (address->host.front() == '[' && address->host.back() == ']') {
    address->host = address->host.substr(1, address->host.size() - 2);
  }
  const bool has_port = CLI::detail::lexical_cast(text.substr(colon + 1), address->port);
  if (!has_port || address->port < 0 || address->port > 65'535) return fault;
  return "";
}

CLI::Option* AddAddress(CLI::App* app, const std::string& name, const std::string& help,
                        std::function<void(const Address&)> use) {
  return app->add_option_function<std::string>(
      name,
      [name, use = std::move(use)](const std::string& text) {
        Address address;
        const std::string fault = ParseAddress(text, &address);
        if (!fault.empty()) throw CLI::ValidationError(name, fault);
        use(address);
      },
      help);
}

// By its address: a name may begin with 127., too.
bool IsLoopback(const std::string& host) {
  in_addr address = {};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  return host == "::1" || host == "localhost";
}

// What is safe only where nobody else can listen or ask.
void CheckOpenness(const Options& options, bool without_tls) {
  if (IsLoopback(options.server.listen.host)) return;
  if (options.clients.empty()) {
    throw CLI::ValidationError("--clients", "must say who may ask what, as " +
                                                options.server.listen.host +
                                                " is not this machine alone");
  }
  if (options.tls.certificate.empty() && !without_tls) {
    throw CLI::ValidationError(
        "--listen",
        options.server.listen.host +
            " is not this machine alone, so that tokens and points would pass in clear "
            "text; give --tls-certificate, or say --without-tls if something else keeps them safe");
  }
}

void AddTls(CLI::App* app, wire::TlsFiles* tls) {
  const std::string group = "TLS";
  auto* const certificate = app->add_option("--tls-certificate", tls->certificate,
                                            "PEM file of the server's, with those above it")
                                ->group(group);
  app->add_option("--tls-key", tls->key, "PEM file of its key, if that is another one")
      ->needs(certificate)
      ->group(group);
  app->add_option("--tls-client-ca", tls->authorities,
                  "PEM file of who must have signed the certificate that each client shows")
      ->needs(certificate)
      ->group(group);
}

LogLevel ToLogLevel(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  return name == "error" ? LogLevel::kError : LogLevel::kInfo;
}

template <typename Duration>
void AddDuration(CLI::App* app, const std::string& name, std::chrono::milliseconds* value,
                 const std::string& help) {
  app->add_option_function<int64_t>(
         name, [value](const int64_t& count) { *value = Duration(count); }, help)
      ->group("Limits")
      ->default_str(std::to_string(std::chrono::duration_cast<Duration>(*value).count()))
      ->check(CLI::Range(int64_t{1}, int64_t{86'400}));
}

void AddLimits(CLI::App* app, ServerOptions* server) {
  using std::chrono::seconds;
  constexpr int kMax = 1 << 20;
  const std::string group = "Limits";
  const auto elements_max = int(server->messages.container_max);  // more would never be read
  app->add_option("--max-connections", server->connections.connections_max,
                  "at once; more are closed")
      ->check(CLI::Range(1, kMax))
      ->group(group);
  app->add_option("--max-frame-bytes", server->messages.frame_bytes_max, "of a request")
      ->check(CLI::Range(1024, 1 << 30))
      ->group(group);
  app->add_option("--max-postings", server->calls.postings_max, "in a request")
      ->check(CLI::Range(1, elements_max))
      ->group(group);
  app->add_option("--max-members", server->calls.members_max, "in a request")
      ->check(CLI::Range(1, elements_max))
      ->group(group);
  app->add_option("--max-records", server->calls.records_max, "in a page of records")
      ->check(CLI::Range(1, 65'536))
      ->group(group);
  app->add_option("--max-timeout-ms", server->calls.timeout_max_ms, "that a call may ask for")
      ->check(CLI::Range(1, 600'000))
      ->group(group);
  AddDuration<seconds>(app, "--idle-timeout-s", &server->connections.idle_max,
                       "between two requests of a connection");
  AddDuration<seconds>(app, "--transfer-timeout-s", &server->connections.transfer_max,
                       "for a request to arrive, and for a response to be taken");
  AddDuration<seconds>(app, "--drain-timeout-s", &server->drain_max,
                       "for calls under way when the server is told to stop");
}

}  // namespace

std::string ToString(const Address& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + address.host + "]" : address.host;
  return host + ":" + std::to_string(address.port);
}

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  CommandLine line;
  Options& options = line.options;
  CLI::App app("Answers other services' calls to a loyalty ledger, over Apache Thrift.",
               "loyaltyd");
  app.set_version_flag("--version", LOYALTY_VERSION);
  app.option_defaults()->always_capture_default();
  app.set_config("--config", "", "a TOML file with any of these options, without the dashes");
  app.allow_config_extras(false);
  bool without_tls = false;
  app.add_option("--ledger", options.ledger, "directory of the ledger");
  AddAddress(&app, "--listen", "HOST:PORT; port 0: any that is free", [&](const Address& address) {
    options.server.listen = address;
  })->default_str(ToString(options.server.listen));
  AddAddress(&app, "--http-listen", "HOST:PORT of /metrics, /live and /ready; absent: nowhere",
             [&](const Address& address) { options.http = address; });
  app.add_option("--clients", options.clients, "TOML file that says who may ask what");
  app.add_flag("--without-tls", without_tls, "listen beyond this machine all the same");
  std::string level = "info";
  app.add_option("--log-level", level, "debug (tells of each call), info, warning or error")
      ->check(CLI::IsMember(std::set<std::string>{"debug", "info", "warning", "error"}));
  AddTls(&app, &options.tls);
  AddLimits(&app, &options.server);
  const CLI::App* const new_token =
      app.add_subcommand("new-token", "Make a token for a client, and what its section says of it");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
    options.log_level = ToLogLevel(level);
    if (new_token->parsed()) {
      line.command = CommandLine::Command::kNewToken;
      return line;
    }
    if (options.ledger.empty()) {
      throw CLI::ValidationError("--ledger", "is missing: the directory of the ledger");
    }
    CheckOpenness(options, without_tls);
    line.command = CommandLine::Command::kServe;
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error) == 0 ? 0 : 2;
  }
  return line;
}

}  // namespace loyalty::service

// loyaltyd: opens a ledger, and answers calls until it is told to stop (SIGTERM, SIGINT). SIGHUP makes it read its files of
// clients and certificates again.
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>

#include "clients.h"
#include "log.h"
#include "monitor.h"
#include "options.h"
#include "server.h"
#include "wire/tls.h"

namespace loyalty::service {
namespace {

int Fail(const Status& status) {
  Log(LogLevel::kError, "failed", {{"message", status.message()}});
  return 1;
}

int MakeToken() {
  std::array<uint8_t, 32> secret;
  if (::getentropy(secret.data(), secret.size()) != 0) {
    std::perror("loyaltyd: the system gives no random bytes");
    return 1;
  }
  const std::string token = ToHex(secret);
  std::printf("token, for the client alone:   %s\n", token.c_str());
  std::printf("for its section of the file:   token_sha256 = \"%s\"\n",
              ToHex(Sha256(token)).c_str());
  return 0;
}

// Connections need files, and the usual limit is less than a process may have.
void AllowManyFiles() {
  rlimit files = {};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
}

Result<Access> ReadAccess(const Options& options) {
  Access access{Clients::Anybody(), nullptr};
  if (!options.clients.empty()) {
    LOYALTY_ASSIGN_OR_RETURN(access.clients, Clients::Read(options.clients));
  }
  if (!options.tls.certificate.empty()) {
    LOYALTY_ASSIGN_OR_RETURN(access.tls, wire::ServerTls(options.tls));
  }
  return access;
}

// What was right when the server was started must not keep it from answering once it is wrong.
void Renew(const Options& options, Server* server) {
  auto access = ReadAccess(options);
  if (access.ok()) {
    server->SetAccess(std::move(access).value());
    Log(LogLevel::kInfo, "renewed", {});
  } else {
    Log(LogLevel::kError, "not renewed", {{"message", access.status().message()}});
  }
}

int Serve(const Options& options, const sigset_t& signals) {
  StartLog(options.log_level);
  AllowManyFiles();
  std::unique_ptr<Monitor> monitor;
  if (options.http) {
    auto started = Monitor::Start(*options.http);
    if (!started.ok()) return Fail(started.status());
    monitor = std::move(started).value();
    Log(LogLevel::kInfo, "monitoring", {{"port", int64_t{monitor->port()}}});
  }
  auto access = ReadAccess(options);
  if (!access.ok()) return Fail(access.status());
  auto ledger = Ledger::Open(options.ledger);
  if (!ledger.ok()) return Fail(ledger.status());
  auto server = Server::Start(ledger->get(), std::move(access).value(), options.server);
  if (!server.ok()) return Fail(server.status());
  if (monitor) monitor->Watch(server->get());
  Log(LogLevel::kInfo, "listening",
      {{"host", options.server.listen.host},
       {"port", int64_t{(*server)->port()}},
       {"ledger", options.ledger}});
  (void)::sd_notify(0, "READY=1");  // to systemd, if it has started us
  int received = 0;
  while (::sigwait(&signals, &received) != 0 || received == SIGHUP) Renew(options, server->get());
  (void)::sd_notify(0, "STOPPING=1");
  Log(LogLevel::kInfo, "stopping", {{"signal", int64_t{received}}});
  (*server)->Stop();
  if (monitor) monitor->Watch(nullptr);
  const Status closed = (*ledger)->Close();
  if (!closed.ok()) return Fail(closed);
  Log(LogLevel::kInfo, "stopped", {});
  return (*server)->has_failed() ? 1 : 0;
}

}  // namespace
}  // namespace loyalty::service

int main(int argc, char** argv) {
  using loyalty::service::CommandLine;
  // Before there are threads: all of them leave these to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const CommandLine line = loyalty::service::ParseCommandLine(argc, argv);
  switch (line.command) {
    case CommandLine::Command::kServe: return loyalty::service::Serve(line.options, signals);
    case CommandLine::Command::kNewToken: return loyalty::service::MakeToken();
    case CommandLine::Command::kNothing: break;
  }
  return line.exit_code;
}

#include "wire/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace loyalty::wire {
namespace {

using apache::thrift::transport::SSLContext;
using apache::thrift::transport::TSSLException;
using apache::thrift::transport::TSSLSocket;
using apache::thrift::transport::TSSLSocketFactory;
using apache::thrift::transport::TTransportException;

void SetBlocking(int socket, bool blocks) {
  const int flags = ::fcntl(socket, F_GETFL);
  (void)::fcntl(socket, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

// Thrift's own waits for a peer by polling for anything at all, and so spins at full speed while the peer sends and takes
// nothing; here the system waits, as it does without TLS. What stands still for too long is shut down from outside.
class ServerSocket final : public TSSLSocket {
 public:
  ServerSocket(const std::shared_ptr<SSLContext>& context, int socket,
               const std::shared_ptr<int>& interrupt)
      : TSSLSocket(context, socket, interrupt) {
    server(true);
  }
  ~ServerSocket() override { ServerSocket::close(); }

  uint32_t read(uint8_t* buffer, uint32_t size) override {
    ERR_clear_error();
    initializeHandshake();
    if (SSL_pending(ssl_) == 0) (void)waitForEvent(true);  // or the interrupt
    return TSSLSocket::read(buffer, size);
  }

  // Says goodbye if there is room for it, and waits for nothing.
  void close() override {
    if (ssl_ != nullptr) {
      SetBlocking(socket_, false);
      (void)SSL_shutdown(ssl_);
      ERR_clear_error();
      SSL_set_quiet_shutdown(ssl_, 1);
    }
    TSSLSocket::close();
  }

 protected:
  void authorize() override {
    TSSLSocket::authorize();
    SetBlocking(socket_, true);
  }
};

class ClientSocket final : public TSSLSocket {
 public:
  ClientSocket(const std::shared_ptr<SSLContext>& context, const std::string& host, int port)
      : TSSLSocket(context, host, port) {}

  void open() override {
    TSSLSocket::open();
    ERR_clear_error();
    try {
      initializeHandshake();
    } catch (const CertificateFault&) {
      throw;
    } catch (const TSSLException& fault) {
      const long verified = SSL_get_verify_result(ssl_);
      if (verified != X509_V_OK) Refuse(X509_verify_cert_error_string(verified));
      ThrowIfRefused(fault);
      throw;
    }
  }

  // By TLS 1.3 a server tells of a certificate that it misses when the handshake is over for us.
  uint32_t read(uint8_t* buffer, uint32_t size) override {
    ERR_clear_error();
    try {
      return TSSLSocket::read(buffer, size);
    } catch (const TSSLException& fault) {
      ThrowIfRefused(fault);
      throw;
    }
  }

 protected:
  void authorize() override {
    X509* const certificate = SSL_get0_peer_certificate(ssl_);
    const std::string& host = getHost();
    const bool is_hosts =
        certificate != nullptr &&
        (X509_check_ip_asc(certificate, host.c_str(), 0) == 1 ||
         X509_check_host(certificate, host.c_str(), host.size(), 0, nullptr) == 1);
    if (!is_hosts) Refuse("it is not of " + host);
  }

 private:
  [[noreturn]] static void Refuse(const std::string& why) {
    throw CertificateFault("the server's certificate: " + why);
  }
  // OpenSSL has nothing but a text for it.
  static void ThrowIfRefused(const TSSLException& fault) {
    const std::string_view what = fault.what();
    if (what.find(" alert ") == what.npos) return;
    throw CertificateFault("the server refuses the connection: " + std::string(what));
  }
};

// Takes the files in, and makes sockets of one of the kinds above.
class Factory : public TSSLSocketFactory {
 public:
  Factory() {
    overrideDefaultPasswordCallback();  // where a key has a passphrase, the terminal would be asked
    SSL_CTX_set_min_proto_version(context(), TLS1_2_VERSION);
    SSL_CTX_set_options(context(), SSL_OP_NO_RENEGOTIATION);
  }

  Status Load(const TlsFiles& files) {
    if (!files.certificate.empty()) {
      LOYALTY_RETURN_IF_ERROR(
          Load(files.certificate, [&](const char* path) { loadCertificate(path); }));
      const std::string& key = files.key.empty() ? files.certificate : files.key;
      LOYALTY_RETURN_IF_ERROR(Load(key, [&](const char* path) { loadPrivateKey(path); }));
    }
    if (files.authorities.empty()) return {};
    return Load(files.authorities, [&](const char* path) { loadTrustedCertificates(path); });
  }

 protected:
  SSL_CTX* context() const { return ctx_->get(); }
  const std::shared_ptr<SSLContext>& shared_context() const { return ctx_; }

 private:
  template <typename Use>
  static Status Load(const std::string& path, Use&& use) {
    if (::access(path.c_str(), R_OK) != 0) {
      return {StatusCode::kNotFound, path + ": cannot be read"};
    }
    ERR_clear_error();
    try {
      use(path.c_str());
    } catch (const TTransportException& fault) {
      return {StatusCode::kInvalidArgument, path + ": " + fault.what()};
    }
    return {};
  }
};

class ServerFactory final : public Factory {
 public:
  explicit ServerFactory(bool asks_for_certificate) {
    server(true);
    authenticate(asks_for_certificate);
    constexpr std::string_view kContext = "loyaltyd";  // of sessions that go on
    SSL_CTX_set_session_id_context(
        context(), reinterpret_cast<const unsigned char*>(kContext.data()), kContext.size());
  }
  std::shared_ptr<TSSLSocket> createSocket(int socket, std::shared_ptr<int> interrupt) override {
    return std::make_shared<ServerSocket>(shared_context(), socket, interrupt);
  }
};

class ClientFactory final : public Factory {
 public:
  explicit ClientFactory(bool trusts_whom_the_system_does) {
    authenticate(true);
    if (trusts_whom_the_system_does) SSL_CTX_set_default_verify_paths(context());
  }
  std::shared_ptr<TSSLSocket> createSocket(const std::string& host, int port) override {
    return std::make_shared<ClientSocket>(shared_context(), host, port);
  }
};

template <typename Made>
Result<std::shared_ptr<TlsFactory>> Make(const TlsFiles& files, bool flag) {
  TSSLSocketFactory::setManualOpenSSLInitialization(true);  // OpenSSL 3 does so by itself
  const auto factory = std::make_shared<Made>(flag);
  LOYALTY_RETURN_IF_ERROR(factory->Load(files));
  return std::shared_ptr<TlsFactory>(factory);
}

}  // namespace

Result<std::shared_ptr<TlsFactory>> ServerTls(const TlsFiles& files) {
  return Make<ServerFactory>(files, !files.authorities.empty());
}

Result<std::shared_ptr<TlsFactory>> ClientTls(const TlsFiles& files) {
  return Make<ClientFactory>(files, files.authorities.empty());
}

}  // namespace loyalty::wire

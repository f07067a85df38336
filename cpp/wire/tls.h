// TLS for both ends of a connection: version 1.2 or newer, certificates checked by OpenSSL.
//
// Thread safety: a factory may be used from any thread, a socket from one at a time.
#pragma once

#include <thrift/transport/TSSLSocket.h>

#include <memory>
#include <string>

#include "loyalty/status.h"

namespace loyalty::wire {

// PEM files.
struct TlsFiles {
  std::string
      certificate;  // our own, with those between it and the authority's; empty: we show none
  std::string key;  // of our certificate, without a passphrase; empty: it is in the same file
  std::string authorities;  // who may sign certificates of the other end
};

using TlsFactory = apache::thrift::transport::TSSLSocketFactory;

// Of sockets that were accepted. With authorities, whoever connects must show a certificate that they signed. kNotFound
// or kInvalidArgument, with the file.
Result<std::shared_ptr<TlsFactory>> ServerTls(const TlsFiles& files);
// Of sockets whose other end must show a certificate for the host that is connected to; signed by whom the system
// trusts, if no authorities are given. `open` ends with the handshake, and throws CertificateFault or what Thrift's own
// throws.
Result<std::shared_ptr<TlsFactory>> ClientTls(const TlsFiles& files);

// Another attempt would end the same way: the server's certificate is not good, or ours is not good enough for it.
class CertificateFault final : public apache::thrift::transport::TSSLException {
 public:
  using TSSLException::TSSLException;
};

}  // namespace loyalty::wire

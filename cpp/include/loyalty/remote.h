// A ledger that another process has open and serves (loyaltyd), as a Ledger.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "loyalty/ledger.h"

namespace loyalty {

// PEM files of a connection with TLS.
struct RemoteTls {
  std::string
      ca_file;  // who may have signed the server's certificate; empty: whom the system trusts
  std::string certificate_file;  // of our own, if the server asks for one
  std::string key_file;          // of that, without a passphrase; empty: it is in the same file
};

struct RemoteOptions {
  std::string host = "127.0.0.1";
  int port = 7461;
  std::string token;            // empty: the server asks nobody who he is
  int32_t timeout_ms = 30'000;  // of a call, with all its attempts
  std::optional<RemoteTls> tls = std::nullopt;
};

// Any thread may call any method; each call under way has a connection, which is kept for the next one. A lost
// connection is made again, and what may be repeated is repeated within the time of the call: reading, and posting, as
// its ids are the same. So a reply that was lost never posts twice; a posting that was made at an attempt whose reply
// was lost answers kAlreadyExists or kIdAlreadyFailed, with its sequence.
//
// kUnavailable: no server answers in time, or it says that it cannot now. Of postings some may then have been made:
// post the same again, with the same ids. kUnauthenticated: it does not know who asks, or one of the two ends has no good
// certificate. kForbidden: what it says of who asks. kUnsupported:
// what takes the whole ledger, and is asked of the ledger itself, opened read-only beside the server: all balances and
// standings, sums of the past, liability, verification, checkpoints.
//
// Differences: codes of texts and slots of members are numbers of this object's own. Submit waits as Post does, and a
// batch has up to PostingsMax postings. Runs have a thread of the server's.
class RemoteLedger : public Ledger {
 public:
  static Result<std::unique_ptr<RemoteLedger>> Connect(const RemoteOptions& options);
  virtual uint32_t PostingsMax() const = 0;
};

}  // namespace loyalty

// A ledger that another process has open and serves (loyaltyd), as a Ledger.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "loyalty/ledger.h"

namespace loyalty {

struct RemoteOptions {
  std::string host = "127.0.0.1";
  int port = 7461;
  std::string token;            // empty: the server asks nobody, or the certificate says who asks
  int32_t timeout_ms = 30'000;  // of a call, with all its attempts
};

// Any thread may call any method; each call under way has a connection, which is kept for the next one. A lost
// connection is made again, and what may be repeated is repeated within the time of the call: reading, and posting, as
// its ids are the same. So a reply that was lost never posts twice; a posting that was made at an attempt whose reply
// was lost answers kAlreadyExists or kIdAlreadyFailed, with its sequence.
//
// kUnavailable: no server answers in time, or it says that it cannot now. Of postings some may then have been made:
// post the same again, with the same ids. kUnauthenticated, kForbidden: what the server says of who asks. kUnsupported:
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

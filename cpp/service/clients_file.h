// The file that says who the clients of a server are (docs/service.md).
#pragma once

#include <string>
#include <vector>

#include "clients.h"

namespace loyalty::service {

struct ClientEntry {
  ClientTerms terms;
  std::vector<Digest> token_hashes;
};

// kNotFound, or kInvalidArgument that names the file, the line and the key.
Result<std::vector<ClientEntry>> ReadClientsFile(const std::string& path);

}  // namespace loyalty::service

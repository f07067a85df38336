// What a ledger directory consists of.
//
//   LEDGER   "loyalty ledger\nformat 1\n": written last when creating, so its presence says "complete"
//   HEAD     how far the journal was acknowledged (journal/head_file.h)
//   store/   RocksDB
#pragma once

#include <string>
#include <vector>

#include "loyalty/status.h"
#include "program/program.h"
#include "storage/store.h"

namespace loyalty::engine {

constexpr int kLedgerFormat = 1;

std::string StorePath(const std::string& directory);
std::string HeadPath(const std::string& directory);

// kNotFound when the directory is no ledger, kUnsupportedFormat when a newer version wrote it.
Status CheckIsLedger(const std::string& directory);

// Creates the directory and an empty ledger in it; kAlreadyExists if anything is there. A creation cut
// short leaves a directory without LEDGER, which the next attempt refuses, saying so. `program` has those
// currencies; null: none yet.
Status CreateDirectory(const std::string& directory, const std::vector<std::string>& currencies,
                       const program::Program* program,
                       std::shared_ptr<storage::Environment> environment);

}  // namespace loyalty::engine

#include "engine/directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "journal/head_file.h"
#include "ledger/page.h"

namespace loyalty::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormatPrefix = "loyalty ledger\nformat ";
constexpr size_t kMaxCurrencyBytes = 32;

std::string FormatPath(const std::string& directory) { return directory + "/LEDGER"; }

Status FileFault(const std::string& path, const char* action, int error) {
  const StatusCode code = error == ENOSPC ? StatusCode::kNoSpace
                          : error == EROFS || error == EACCES || error == EPERM
                              ? StatusCode::kReadOnly
                              : StatusCode::kIoError;
  return {code, path + ": cannot " + action + ": " + std::strerror(error)};
}

Status CheckCurrencies(const std::vector<std::string>& currencies) {
  if (currencies.empty() || currencies.size() > ledger::kMaxCurrencies) {
    return {StatusCode::kInvalidArgument,
            "a ledger has 1 to " + std::to_string(ledger::kMaxCurrencies) + " currencies; got " +
                std::to_string(currencies.size())};
  }
  std::set<std::string> seen;
  for (const std::string& name : currencies) {
    if (name.empty() || name.size() > kMaxCurrencyBytes) {
      return {StatusCode::kInvalidArgument,
              "a currency's name has 1 to 32 bytes; got \"" + name + "\""};
    }
    if (!seen.insert(name).second) {
      return {StatusCode::kInvalidArgument, "the currency \"" + name + "\" is named twice"};
    }
  }
  return {};
}

// Written under another name, synced, then renamed; the directory is synced as well.
Status WriteFormatFile(const std::string& directory) {
  const std::string path = FormatPath(directory);
  const std::string text = std::string(kFormatPrefix) + std::to_string(kLedgerFormat) + "\n";
  const std::string draft = path + ".new";
  const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return FileFault(draft, "create", errno);
  const bool written =
      write(file, text.data(), text.size()) == ssize_t(text.size()) && fsync(file) == 0;
  const int error = errno;
  close(file);
  if (!written) return FileFault(draft, "write", error);
  if (rename(draft.c_str(), path.c_str()) != 0) return FileFault(path, "create", errno);
  const int parent = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0 || fsync(parent) != 0) return FileFault(directory, "sync", errno);
  close(parent);
  return {};
}

journal::Group FirstGroup(const std::vector<std::string>& currencies,
                          const program::Program* program) {
  journal::Group group;
  group.first_sequence = 1;
  const auto add = [&](Kind kind, const std::string& text) -> Entry& {
    group.movement_counts.push_back(0);
    group.texts.push_back(text);
    Entry& entry = group.entries.emplace_back();
    entry.kind = kind;
    entry.status = PostingStatus::kPosted;
    return entry;
  };
  int64_t code = 0;
  if (program) {
    for (const std::string& name : program->Names()) {
      add(Kind::kDefineCode, name).balance = ++code;
    }
  }
  uint16_t number = 0;
  for (const std::string& name : currencies) add(Kind::kDefineCurrency, name).currency = number++;
  if (program) add(Kind::kDefineProgram, program->json()).balance = 1;
  return group;
}

Status WriteFirstBlock(const std::string& directory, const std::vector<std::string>& currencies,
                       const program::Program* program,
                       std::shared_ptr<storage::Environment> environment) {
  LOYALTY_ASSIGN_OR_RETURN(
      auto store, storage::Store::Open(StorePath(directory), {true, std::move(environment)}));
  const journal::Group group = FirstGroup(currencies, program);
  const std::string block = journal::EncodeBlock(group, Digest{});
  LOYALTY_RETURN_IF_ERROR(journal::Journal(store.get()).Append(group.first_sequence, block));
  LOYALTY_ASSIGN_OR_RETURN(auto head, journal::HeadFile::Create(HeadPath(directory)));
  LOYALTY_RETURN_IF_ERROR(head.Write({group.entries.size(), journal::ChainHash(block), 0}));
  LOYALTY_RETURN_IF_ERROR(head.Sync());
  return store->Close();
}

}  // namespace

std::string StorePath(const std::string& directory) { return directory + "/store"; }
std::string HeadPath(const std::string& directory) { return directory + "/HEAD"; }

Status CheckIsLedger(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return {StatusCode::kNotFound, directory + ": there is no such directory"};
  }
  std::ifstream file(FormatPath(directory));
  std::stringstream text;
  text << file.rdbuf();
  const std::string content = text.str();
  if (!file || content.rfind(kFormatPrefix, 0) != 0) {
    return {StatusCode::kNotFound, directory + ": is not a ledger (it has no valid file LEDGER)"};
  }
  const int format = std::atoi(content.c_str() + kFormatPrefix.size());
  if (format > kLedgerFormat) {
    return {StatusCode::kUnsupportedFormat, directory + ": has format " + std::to_string(format) +
                                                ", this version knows formats up to " +
                                                std::to_string(kLedgerFormat) +
                                                "; open it with a newer version"};
  }
  return {};
}

Status CreateDirectory(const std::string& directory, const std::vector<std::string>& currencies,
                       const program::Program* program,
                       std::shared_ptr<storage::Environment> environment) {
  LOYALTY_RETURN_IF_ERROR(CheckCurrencies(currencies));
  std::error_code error;
  if (fs::exists(FormatPath(directory), error)) {
    return {StatusCode::kAlreadyExists, directory + ": is a ledger already; open it instead"};
  }
  fs::create_directory(directory, error);
  if (error) return FileFault(directory, "create the directory", error.value());
  if (!fs::is_empty(directory, error) || error) {
    return {
        StatusCode::kAlreadyExists,
        directory + ": is not empty; name a new directory (or remove what a failed creation left)"};
  }
  LOYALTY_RETURN_IF_ERROR(WriteFirstBlock(directory, currencies, program, std::move(environment)));
  return WriteFormatFile(directory);
}

}  // namespace loyalty::engine

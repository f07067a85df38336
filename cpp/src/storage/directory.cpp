#include "storage/directory.h"

#include <rocksdb/db.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "storage/faults.h"
#include "storage/options.h"

namespace loyalty::storage {
namespace {

struct Files {
  bool current = false;  // names the manifest: made last when a database is created
  bool log = false;      // at least one is there, perhaps empty, once a database was created
  bool table = false;
};

Files Recognize(const std::vector<std::string>& names) {
  Files files;
  for (const std::string& name : names) {
    files.current |= name == "CURRENT";
    files.log |= IsNumbered(name, ".log");
    files.table |= IsNumbered(name, ".sst");
  }
  return files;
}

Status Missing(const std::string& directory, std::string_view what) {
  return Status(StatusCode::kCorruption,
                "opening " + directory + ": " + std::string(what) +
                    " is missing beside other files of a ledger; keep the directory as it is and "
                    "restore a copy of the ledger");
}

// Families are created in order, one by one.
Result<Content> ContentByFamilies(std::vector<std::string> names, const std::string& directory) {
  std::erase(names, rocksdb::kDefaultColumnFamilyName);
  for (size_t i = 0; i < names.size(); ++i) {
    if (i >= size_t(kFamilies) || names[i] != NameOf(Family(i))) {
      return Status(StatusCode::kInvalidArgument,
                    "opening " + directory + ": holds another program's database, with \"" +
                        names[i] + "\" in it; give a directory of the ledger's own");
    }
  }
  return names.size() == size_t(kFamilies) ? Content::kLedger : Content::kNothing;
}

}  // namespace

DirectoryLock::~DirectoryLock() {
  if (lock_ != nullptr) env_->UnlockFile(lock_);
}

Status DirectoryLock::Acquire(const std::string& directory) {
  return ToStatus(env_->LockFile(directory + "/LOCK", &lock_), "opening", directory);
}

bool IsNumbered(std::string_view name, std::string_view extension) {
  if (!name.ends_with(extension) || name.size() == extension.size()) return false;
  name.remove_suffix(extension.size());
  return name.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<Content> Inspect(rocksdb::Env* env, const std::string& directory, Beside beside) {
  if (!env->FileExists(directory).ok()) return Content::kNothing;
  bool is_directory = false;
  rocksdb::Status status = env->IsDirectory(directory, &is_directory);
  if (!status.ok()) return ToStatus(status, "opening", directory);
  if (!is_directory) {
    return Status(StatusCode::kInvalidArgument,
                  "opening " + directory + ": is not a directory; give the ledger's directory");
  }
  std::vector<std::string> names;
  status = env->GetChildren(directory, &names);
  if (!status.ok()) return ToStatus(status, "opening", directory);

  const Files files = Recognize(names);
  if (!files.current) {
    if (files.log || files.table) return Missing(directory, "the file CURRENT");
    return Content::kNothing;
  }
  DirectoryLock lock(env);
  if (beside == Beside::kNobody) LOYALTY_RETURN_IF_ERROR(lock.Acquire(directory));
  std::vector<std::string> families;
  rocksdb::DBOptions options;
  options.env = env;
  status = rocksdb::DB::ListColumnFamilies(options, directory, &families);
  if (!status.ok()) return ToStatus(status, "opening", directory);
  LOYALTY_ASSIGN_OR_RETURN(const Content content, ContentByFamilies(families, directory));
  if (content == Content::kLedger && !files.log) {
    return Missing(directory, "the write-ahead log (*.log)");
  }
  return content;
}

Status CreateDirectory(rocksdb::Env* env, const std::string& directory) {
  rocksdb::Status status = env->CreateDirIfMissing(directory);
  if (status.IsPathNotFound()) {
    return Status(StatusCode::kNotFound,
                  "creating " + directory + ": the directory above is not there; create it first");
  }
  if (!status.ok()) return ToStatus(status, "creating", directory);
  std::filesystem::path path(directory);
  if (!path.has_filename()) path = path.parent_path();  // a trailing slash
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  std::unique_ptr<rocksdb::Directory> handle;
  status = env->NewDirectory(parent, &handle);
  if (status.ok()) status = handle->Fsync();
  return ToStatus(status, "creating", directory);
}

}  // namespace loyalty::storage

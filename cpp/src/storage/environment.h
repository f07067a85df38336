// The file system under a store. Names RocksDB types: private to this part and to its tests.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <utility>

namespace loyalty::storage {

class Environment {
 public:
  explicit Environment(const std::shared_ptr<rocksdb::FileSystem>& files)
      : env_(rocksdb::NewCompositeEnv(files)) {}

  rocksdb::Env* env() const { return env_.get(); }

 private:
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace loyalty::storage

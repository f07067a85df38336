// How RocksDB is set up: one place for every choice, with its reason.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/store.h"

namespace loyalty::storage {

// For RocksDB to guard each record between our hands and the log (0 or 8 are possible).
constexpr size_t kProtectionBytesPerKey = 8;

const std::string& NameOf(Family family);

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env);
// RocksDB's own default family first, which stays empty, then ours in order.
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors();

}  // namespace loyalty::storage

// What a Batch holds.
#pragma once

#include <string>
#include <vector>

#include "storage/store.h"

namespace loyalty::storage {

// Its own list and not a rocksdb::WriteBatch, since that needs an open database's handles. The
// price is one copy of the bytes.
struct Batch::Rep {
  enum class Kind { kPut, kDelete, kDeleteRange };
  struct Change {
    Kind kind;
    Family family;
    std::string key;
    std::string value;  // of kDeleteRange: the end of the range
  };
  std::vector<Change> changes;
  size_t bytes = 0;

  void Add(Kind kind, Family family, std::string_view key, std::string_view value) {
    bytes += key.size() + value.size();
    changes.push_back({kind, family, std::string(key), std::string(value)});
  }
};

}  // namespace loyalty::storage

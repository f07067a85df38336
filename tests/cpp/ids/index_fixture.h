// An index on the real store in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "ids/format.h"
#include "ids/id_index.h"
#include "ids/id_kinds.h"
#include "temporary_directory.h"

namespace loyalty::ids {

#define ASSERT_OK(expression)                                            \
  do {                                                                   \
    const ::loyalty::Status s_ = (expression);                           \
    ASSERT_TRUE(s_.ok()) << ToString(s_.code()) << ": " << s_.message(); \
  } while (false)

class IndexFixture : public testing::Test {
 protected:
  void SetUp() override { OpenStore(true); }

  void OpenStore(bool create) {
    auto store = storage::Store::Open(directory_ / "db", {create, nullptr});
    ASSERT_OK(store.status());
    store_ = std::move(store).value();
    OpenIndex();
  }
  void OpenIndex() {
    index_.reset();
    auto index = IdIndex::Open(store_.get());
    ASSERT_OK(index.status());
    index_ = std::move(index).value();
  }
  // As after kill -9: what was not flushed is gone.
  void Crash() {
    index_.reset();
    store_.reset();
    OpenStore(false);
  }

  uint64_t reached() const { return index_->runs()->sequence(); }

  // Adds the ids of the next `count` sequences; the fault or OK.
  Status AddNext(uint64_t count, const IdKind& kind = kIdKinds[0]) {
    std::vector<IdAt> ids;
    const uint64_t first = reached() + 1;
    for (uint64_t s = first; s < first + count; ++s) ids.push_back({kind.make(s), s});
    return index_->Add(std::move(ids), first + count - 1);
  }

  // Finds the ids of all sequences up to reached(), and not those of as many beyond; so many a
  // call.
  void CheckAll(size_t batch, const IdKind& kind = kIdKinds[0], uint64_t after = 0) {
    std::vector<Id> ids;
    for (uint64_t s = 1; s <= 2 * reached(); ++s) ids.push_back(kind.make(s));
    std::vector<uint64_t> found(ids.size(), 99);
    const auto runs = index_->runs();
    for (size_t begin = 0; begin < ids.size(); begin += batch) {
      const size_t size = std::min(batch, ids.size() - begin);
      ASSERT_OK(runs->Find(std::span(ids).subspan(begin, size), after,
                           std::span(found).subspan(begin, size)));
    }
    for (uint64_t s = after + 1; s <= ids.size(); ++s) {
      ASSERT_EQ(found[s - 1], s <= reached() ? s : 0) << "sequence " << s << " of " << reached();
    }
  }

  uint64_t VisitedIds() {
    uint64_t visited = 0;
    const Status status = index_->Visit([&](const IdAt&) { return ++visited > 0; });
    EXPECT_TRUE(status.ok()) << status.message();
    return visited;
  }

  std::vector<std::string> StoredKeys() {
    std::vector<std::string> keys;
    const auto collect = [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    };
    EXPECT_TRUE(store_->Scan(storage::Family::kIds, "", "", collect).ok());
    return keys;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<IdIndex> index_;
};

}  // namespace loyalty::ids

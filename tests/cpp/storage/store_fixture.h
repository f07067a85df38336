// A directory of its own for each test, and short ways to use a store in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "storage/faulty_environment.h"
#include "storage/store.h"

namespace loyalty::storage {

inline StatusCode CodeOf(const Status& status) { return status.code(); }
template <typename T>
StatusCode CodeOf(const Result<T>& result) {
  return result.status().code();
}

inline testing::AssertionResult Check(const Status& status) {
  return status.ok() ? testing::AssertionSuccess()
                     : testing::AssertionFailure() << status.message();
}

#define EXPECT_OK(expression) EXPECT_TRUE(Check(expression))
#define ASSERT_OK(expression) ASSERT_TRUE(Check(expression))
#define EXPECT_CODE(code, expression) EXPECT_EQ(StatusCode::code, CodeOf(expression))

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "loyalty_store_XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    directory_ = (root_ / "ledger").string();
  }
  ~StoreFixture() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  Status TryOpen(bool create) {
    store_.reset();
    auto opened = Store::Open(directory_, {create, faults_.environment()});
    if (opened.ok()) store_ = std::move(opened).value();
    return opened.status();
  }
  void Create() { ASSERT_OK(TryOpen(true)); }
  void Reopen() { ASSERT_OK(TryOpen(false)); }

  Status Put(Family family, std::string_view key, std::string_view value,
             Durability durability = Durability::kSynced) {
    Batch batch;
    batch.Put(family, key, value);
    return store_->Write(std::move(batch), durability);
  }
  // "-" when it is not there, "!" when reading failed.
  std::string Get(Family family, std::string_view key) const {
    const auto found = store_->Get(family, key);
    return found.ok() ? found->value_or("-") : "!" + found.status().message();
  }
  std::vector<std::string> Keys(Family family, std::string_view from = "",
                                std::string_view to = "") const {
    std::vector<std::string> keys;
    EXPECT_OK(store_->Scan(family, from, to, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    }));
    return keys;
  }

  // Bytes that nothing compresses.
  std::string Noise(size_t bytes) {
    std::string noise(bytes, '\0');
    for (char& c : noise) c = char(random_());
    return noise;
  }

  // The store's files with that extension, in order of their names.
  std::vector<std::string> Files(std::string_view extension) const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().extension() == extension) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  std::mt19937_64 random_{1};
  std::filesystem::path root_;
  std::string directory_;
  FaultyEnvironment faults_;
  std::unique_ptr<Store> store_;
};

}  // namespace loyalty::storage

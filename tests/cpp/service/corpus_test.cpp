// What rpc_fuzz was seeded with, and what it found worth keeping, sent again.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "service/fuzz/fuzzed_server.h"

namespace loyalty::service {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(CorpusTest, AllOfItIsAnsweredInWholeFramesAndTheLedgerAgrees) {
  const std::set<std::filesystem::path> paths(std::filesystem::directory_iterator(FUZZ_CORPUS), {});
  ASSERT_GE(paths.size(), 2 * 19u);
  FuzzedServer server;
  for (const auto& path : paths) {
    const std::string sent = ReadFile(path);
    const std::string answers = server.Answer(Bytes(sent));
    const auto frames = FramesIn(Bytes(answers));
    ASSERT_TRUE(frames) << path;
    // Those that tests/python/fuzz_seeds.py made are named, and valid.
    if (path.filename().string().find('-') != std::string::npos) {
      EXPECT_EQ(frames->size(), FramesIn(Bytes(sent)).value().size()) << path;
    }
  }
  EXPECT_EQ(server.Problems(), std::vector<std::string>());
}

}  // namespace
}  // namespace loyalty::service

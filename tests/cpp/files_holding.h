// Which files have some bytes in them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace loyalty {

// The files in a directory, and below, that hold the text; by name.
inline std::vector<std::string> FilesHolding(const std::string& directory, std::string_view text) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    if (content.find(text) == std::string::npos) continue;
    names.push_back(std::filesystem::relative(entry.path(), directory));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace loyalty

// Flags of the form --name=value, and results as one line of JSON: what the Python harness speaks.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "loyalty/status.h"

namespace loyalty::bench {

[[noreturn]] inline void Die(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

inline void Check(const Status& status) {
  if (!status.ok()) Die(std::string(ToString(status.code())) + ": " + status.message());
}

template <typename T>
T Check(Result<T> result) {
  Check(result.status());
  return std::move(result).value();
}

class Flags {
 public:
  Flags(int count, char** arguments) {
    for (int i = 1; i < count; ++i) {
      const std::string_view argument = arguments[i];
      const size_t equals = argument.find('=');
      if (!argument.starts_with("--") || equals == argument.npos) {
        Die("expected --name=value, got " + std::string(argument));
      }
      values_[std::string(argument.substr(2, equals - 2))] = argument.substr(equals + 1);
    }
  }

  std::string Text(const std::string& name, const std::string& fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : found->second;
  }
  uint64_t Number(const std::string& name, uint64_t fallback) const {
    const std::string text = Text(name, std::to_string(fallback));
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
      Die("--" + name + ": not a number");
    return number;
  }

 private:
  std::map<std::string, std::string> values_;
};

// Collects numbers (and lists of them) and prints them as one line.
class Json {
 public:
  void Add(const std::string& name, double value) { AddRaw(name, Format(value)); }
  template <typename List>
  void AddList(const std::string& name, const List& values) {
    std::string text;
    for (const double value : values) text += (text.empty() ? "" : ", ") + Format(value);
    AddRaw(name, "[" + text + "]");
  }
  void Print() const {
    std::printf("{%s}\n", text_.c_str());
    std::fflush(stdout);
  }

 private:
  static std::string Format(double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.12g", value);
    return buffer;
  }
  void AddRaw(const std::string& name, const std::string& value) {
    text_ += (text_.empty() ? "\"" : ", \"") + name + "\": " + value;
  }

  std::string text_;
};

}  // namespace loyalty::bench

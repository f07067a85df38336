// Reading JSON in the normalised form, where every key must be there and no other.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "program/calendar.h"

namespace loyalty::program {

using Json = nlohmann::json;

constexpr int kDaysMost = 100'000;
constexpr int kMonthsMost = 3'600;

// Thrown within Program::Parse alone, which turns it into a Status.
struct Wrong {
  std::string what;
};

[[noreturn]] void Refuse(const std::string& path, const std::string& why);

const Json& At(const Json& object, const std::string& path, const char* key);
void OnlyKeys(const Json& object, const std::string& path,
              std::initializer_list<std::string_view> keys);
int64_t Integer(const Json& value, const std::string& path, int64_t least, int64_t most);
int64_t Integer(const Json& object, const std::string& path, const char* key, int64_t least,
                int64_t most);
std::string Text(const Json& object, const std::string& path, const char* key);
bool Flag(const Json& object, const std::string& path, const char* key);
// The index of the text among the choices.
size_t Choice(const Json& object, const std::string& path, const char* key,
              std::initializer_list<std::string_view> choices);
// "MM-DD" or "YYYY-MM-DD".
Date ReadDate(const std::string& text, const std::string& path);

// A span of either days or months, in both of which `from` says it; the unused one is 0.
template <typename Span>
void ReadSpan(const Json& from, const std::string& path, Span* span) {
  span->days = int(Integer(from, path, "days", 0, kDaysMost));
  span->months = int(Integer(from, path, "months", 0, kMonthsMost));
  if ((span->days == 0) == (span->months == 0)) Refuse(path, "needs either days or months");
}

// Of things with a name, each of them once.
template <typename Item, typename Read>
std::vector<Item> List(const Json& list, const std::string& path, Read read) {
  if (!list.is_array()) Refuse(path, "must be a list");
  std::vector<Item> items;
  for (const Json& from : list) {
    Item item = read(from, path + "[" + std::to_string(items.size()) + "]");
    const auto same = [&](const Item& other) { return other.name == item.name; };
    if (std::any_of(items.begin(), items.end(), same)) {
      Refuse(path, "has '" + item.name + "' twice");
    }
    items.push_back(std::move(item));
  }
  return items;
}

// The index of the one that a text at the path names.
template <typename Item>
size_t IndexOf(const std::string& name, const std::vector<Item>& items, const std::string& path,
               const std::string& what) {
  const auto named = [&](const Item& item) { return item.name == name; };
  const auto found = std::find_if(items.begin(), items.end(), named);
  if (found == items.end()) Refuse(path, "names no " + what + ": '" + name + "'");
  return size_t(found - items.begin());
}

}  // namespace loyalty::program

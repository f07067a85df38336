#include "program/json.h"

#include <charconv>

namespace loyalty::program {

void Refuse(const std::string& path, const std::string& why) {
  throw Wrong{"the programme: " + path + " " + why};
}

const Json& At(const Json& object, const std::string& path, const char* key) {
  if (!object.is_object() || !object.contains(key))
    Refuse(path, "has no '" + std::string(key) + "'");
  return object[key];
}

void OnlyKeys(const Json& object, const std::string& path,
              std::initializer_list<std::string_view> keys) {
  if (!object.is_object()) Refuse(path, "must be an object");
  for (const auto& item : object.items()) {
    if (std::find(keys.begin(), keys.end(), item.key()) == keys.end()) {
      Refuse(path, "has an unknown key '" + item.key() + "'");
    }
  }
}

int64_t Integer(const Json& value, const std::string& path, int64_t least, int64_t most) {
  if (!value.is_number_integer() || value < least || value > most) {
    Refuse(path,
           "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value.get<int64_t>();
}

int64_t Integer(const Json& object, const std::string& path, const char* key, int64_t least,
                int64_t most) {
  return Integer(At(object, path, key), path + "." + key, least, most);
}

std::string Text(const Json& object, const std::string& path, const char* key) {
  const Json& value = At(object, path, key);
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    Refuse(path + "." + key, "must be a text");
  }
  return value.get<std::string>();
}

bool Flag(const Json& object, const std::string& path, const char* key) {
  const Json& value = At(object, path, key);
  if (!value.is_boolean()) Refuse(path + "." + key, "must be true or false");
  return value.get<bool>();
}

size_t Choice(const Json& object, const std::string& path, const char* key,
              std::initializer_list<std::string_view> choices) {
  const std::string text = Text(object, path, key);
  const auto* const at = std::find(choices.begin(), choices.end(), text);
  if (at == choices.end()) Refuse(path + "." + key, "has the unknown value '" + text + "'");
  return size_t(at - choices.begin());
}

Date ReadDate(const std::string& text, const std::string& path) {
  Date date;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto take = [&](int* number) {
    const auto taken = std::from_chars(at, end, *number);
    at = taken.ptr == end ? end : taken.ptr + 1;
    return taken.ec == std::errc();
  };
  const bool full = text.size() == 10;
  if ((!full && text.size() != 5) || (full && !take(&date.year)) || !take(&date.month) ||
      !take(&date.day) || date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) {
    Refuse(path, "has the wrong date '" + text + "'");
  }
  return date;
}

}  // namespace loyalty::program

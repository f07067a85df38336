// Stored integers: little-endian in values, big-endian in keys (so that keys sort as numbers).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace loyalty {

static_assert(std::endian::native == std::endian::little);

inline uint64_t ByteSwap(uint64_t v) { return __builtin_bswap64(v); }
inline uint32_t ByteSwap(uint32_t v) { return __builtin_bswap32(v); }

template <typename T>
T LoadLittle(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void AppendLittle(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T LoadBig(const char* from) {
  return ByteSwap(LoadLittle<T>(from));
}

template <typename T>
void AppendBig(std::string* out, T value) {
  AppendLittle(out, ByteSwap(value));
}

template <typename T>
std::string BigKey(T value) {
  std::string key;
  AppendBig(&key, value);
  return key;
}

}  // namespace loyalty

// Values that readers read while one writer changes them. Each is whole; that several belong together is
// the business of a version or a lock around them.
#pragma once

#include <atomic>

namespace loyalty {

template <typename T>
void StoreForReaders(T* to, T value) {
  std::atomic_ref<T>(*to).store(value, std::memory_order_release);
}
template <typename T>
T LoadBesideWriter(const T& from) {
  return std::atomic_ref<T>(const_cast<T&>(from)).load(std::memory_order_acquire);
}

}  // namespace loyalty

// Brings memory near ahead of its use.
#pragma once

namespace loyalty {

// Of any address, mapped or not. The empty statement keeps GCC 12 from taking a function that does
// nothing but prefetch for one without effect, and dropping the calls to it.
inline void Prefetch(const void* memory) {
  __builtin_prefetch(memory);
  asm volatile("");
}

}  // namespace loyalty

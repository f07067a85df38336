// Bytes that nobody can guess.
#pragma once

#include <cstddef>

namespace loyalty {

// From the operating system. Any thread.
void FillRandom(char* to, size_t bytes);

}  // namespace loyalty

#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace loyalty {

void FillRandom(char* to, size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = getrandom(to, bytes, 0);
    if (got < 0 && errno != EINTR) std::abort();  // no such call: Linux before 3.17
    if (got <= 0) continue;
    to += got;
    bytes -= size_t(got);
  }
}

}  // namespace loyalty

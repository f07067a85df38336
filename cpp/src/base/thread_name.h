// Names the calling thread, for debuggers, profilers and `top -H`. At most 15 characters.
#pragma once

#include <pthread.h>

namespace loyalty {

inline void NameThisThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace loyalty

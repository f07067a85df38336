// The one place where threads come from oneTBB.
#pragma once

#include <cstddef>
#include <functional>

namespace loyalty::tiers {

// Calls work(begin, end) for neighbours, until each i < count was in one call, on so many threads; each thread
// makes itself a worker first. Returns when all is done.
using Worker = std::function<void(size_t begin, size_t end)>;
void ForAll(size_t count, unsigned threads, const std::function<Worker()>& make_worker);

}  // namespace loyalty::tiers

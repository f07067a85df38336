#include "tiers/parallel.h"

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

namespace loyalty::tiers {

void ForAll(size_t count, unsigned threads, const std::function<Worker()>& make_worker) {
  // Neighbours lie together in the store; and threads should end together.
  const size_t together = std::clamp<size_t>(count / (threads * 32), 1, 64);
  // Else more threads than processors would be refused.
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  tbb::enumerable_thread_specific<Worker> workers(make_worker);
  tbb::task_arena arena{int(threads)};
  arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<size_t>(0, count, together),
        [&](const tbb::blocked_range<size_t>& range) {
          workers.local()(range.begin(), range.end());
        },
        tbb::simple_partitioner());
  });
}

}  // namespace loyalty::tiers

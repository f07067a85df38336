#include "tiers/parallel.h"

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

#ifdef LOYALTY_SANITIZES_THREADS
#include <sanitizer/tsan_interface.h>
#endif

namespace loyalty::tiers {
namespace {

// ThreadSanitizer sees nothing of what goes on within oneTBB, so it is told here: all that comes before ForAll comes
// before each piece of work, and each piece before the end of ForAll. Nothing is said of one piece and another.
class Fork {
 public:
  Fork() { Release(&begin_); }
  ~Fork() { Acquire(&end_); }
  void BeginPiece() { Acquire(&begin_); }
  void EndPiece() { Release(&end_); }

 private:
#ifdef LOYALTY_SANITIZES_THREADS
  static void Acquire(char* tag) { __tsan_acquire(tag); }
  static void Release(char* tag) { __tsan_release(tag); }
#else
  static void Acquire(char*) {}
  static void Release(char*) {}
#endif

  char begin_ = 0;
  char end_ = 0;
};

}  // namespace

void ForAll(size_t count, unsigned threads, const std::function<Worker()>& make_worker) {
  // Neighbours lie together in the store; and threads should end together.
  const size_t together = std::clamp<size_t>(count / (threads * 32), 1, 64);
  // Else more threads than processors would be refused.
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  tbb::enumerable_thread_specific<Worker> workers(make_worker);
  Fork fork;
  tbb::task_arena arena{int(threads)};
  arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<size_t>(0, count, together),
        [&](const tbb::blocked_range<size_t>& range) {
          fork.BeginPiece();
          workers.local()(range.begin(), range.end());
          fork.EndPiece();
        },
        tbb::simple_partitioner());
  });
}

}  // namespace loyalty::tiers

// crash_writer LEDGER FIRST: posts batches from number FIRST on, from two threads, until it is killed.
// Writes the number of each acknowledged batch to standard output, 8 bytes each.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "engine/crash/workload.h"

int main(int argc, char** argv) {
  using loyalty::Ledger;
  using loyalty::Reply;
  if (argc != 3) return 2;
  auto opened = Ledger::Open(argv[1], loyalty::engine::CrashOptions());
  if (!opened.ok()) return 3;
  Ledger& ledger = **opened;
  std::atomic<uint64_t> next = std::strtoull(argv[2], nullptr, 10);
  const auto post = [&] {
    for (;;) {
      const uint64_t number = next++;
      const auto batch = loyalty::engine::CrashBatch(number);
      std::vector<Reply> replies(batch.size());
      if (!ledger.Post(batch, replies).ok()) std::exit(4);
      if (write(STDOUT_FILENO, &number, sizeof number) != sizeof number) std::exit(5);
    }
  };
  std::thread other(post);
  post();
}

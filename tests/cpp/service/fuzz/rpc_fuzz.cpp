// libFuzzer's target: what a connection sends, one request after another, and each in its frame. `make soak` runs it.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "service/fuzz/fuzzed_server.h"

using loyalty::service::FramesIn;
using loyalty::service::FuzzedServer;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t size_max);

namespace {

// A ledger would grow with all that is posted, and what the next input does would depend on more and more.
constexpr int kInputsPerLedger = 2000;
constexpr size_t kFramesMax = 4;

FuzzedServer* server = nullptr;

[[noreturn]] void Find(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

void WriteSize(uint8_t* at, size_t size) {
  for (int byte = 0; byte < 4; ++byte) at[byte] = uint8_t(size >> (24 - 8 * byte));
}

}  // namespace

// The last ledger must be closed before what its libraries keep until the exit is gone. So all of that is made first.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  (void)FuzzedServer().Problems();
  std::atexit([] { delete server; });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static int inputs = 0;
  if (inputs++ % kInputsPerLedger == 0) {
    if (server) {
      for (const std::string& problem : server->Problems()) Find(problem);
    }
    delete server;
    server = new FuzzedServer();
  }
  const std::string answers = server->Answer({data, size});
  if (!FramesIn({reinterpret_cast<const uint8_t*>(answers.data()), answers.size()})) {
    Find("an answer that does not fill its frame");
  }
  return 0;
}

// Mostly changes what is in a frame, and makes its length right: otherwise most inputs would be misframed.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned seed) {
  std::minstd_rand random(seed);
  const auto frames = FramesIn({data, size});
  // LLVMFuzzerMutate writes a byte even where there is no room.
  if (!frames || frames->empty() || size >= size_max || random() % 16 == 0) {
    return LLVMFuzzerMutate(data, size, size_max);
  }
  const auto frame = (*frames)[random() % frames->size()];
  uint8_t* const payload = data + (frame.data() - data);
  const std::vector<uint8_t> after(payload + frame.size(), data + size);
  const size_t room = size_max - after.size() - size_t(payload - data);
  const size_t changed = LLVMFuzzerMutate(payload, frame.size(), room);
  WriteSize(payload - 4, changed);
  std::copy(after.begin(), after.end(), payload + changed);
  return size_t(payload - data) + changed + after.size();
}

// The requests of one input after those of the other. Not many: each would run them all, and tell little more.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* first, size_t first_size,
                                            const uint8_t* second, size_t second_size, uint8_t* out,
                                            size_t out_max, unsigned /*seed*/) {
  const auto frames = FramesIn({first, first_size});
  const auto more = FramesIn({second, second_size});
  if (!frames || !more || frames->size() + more->size() > kFramesMax) return 0;
  if (first_size + second_size > out_max) return 0;
  std::copy_n(first, first_size, out);
  std::copy_n(second, second_size, out + first_size);
  return first_size + second_size;
}

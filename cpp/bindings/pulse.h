// Now and then, from a long call that has released the GIL: lets Ctrl-C through and tells Python's
// progress callback how far the work is.
//
// By time, not by work: taking the GIL may mean waiting for a busy Python thread to yield it (5 ms).
// Thread safety: one thread at a time. Ask() must be called without the GIL; the rest with it.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "bindings.h"

namespace loyalty::python {

class Pulse {
 public:
  // `callback`: None, or a callable of (done, total) that returns False to stop.
  explicit Pulse(py::object callback) : callback_(std::move(callback)) {}
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  // False when the work should stop: Ctrl-C, or the callback raised or said so. Python is asked the
  // first time, at the end, and in between when enough time has passed.
  bool Ask(uint64_t done, uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kInterval && done < total) return !stopped_;
    last_ = now;
    py::gil_scoped_acquire acquire;
    if (stopped_) return false;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!callback_.is_none()) stopped_ = callback_(done, total).is(py::bool_(false));
    } catch (py::error_already_set& error) {
      error_.emplace(error);
      stopped_ = true;
    }
    return !stopped_;
  }

  // What the callback or a signal handler raised, to be raised again where the call ends.
  std::optional<py::error_already_set>& error() { return error_; }

 private:
  static constexpr auto kInterval = std::chrono::milliseconds(100);

  py::object callback_;
  std::chrono::steady_clock::time_point last_;  // long ago: the first Ask() goes through
  bool stopped_ = false;
  std::optional<py::error_already_set> error_;
};

// A long call that tells how far it is. The progress callback takes the GIL back for itself; the engine
// may call it on any thread, one at a time.
template <typename Call>
auto WithProgress(py::object progress, Call call) {
  Pulse pulse(std::move(progress));
  auto result = WithoutGil(
      [&] { return call([&](uint64_t done, uint64_t total) { return pulse.Ask(done, total); }); });
  if (pulse.error()) throw *pulse.error();
  return Check(std::move(result));
}

}  // namespace loyalty::python

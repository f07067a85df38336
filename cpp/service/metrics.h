// What the server tells Prometheus.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::service {

// How a call ended.
enum class Outcome : uint8_t {
  kAnswered,
  kInvalid,
  kUnauthenticated,
  kForbidden,
  kUnavailable,
  kInternal
};
constexpr size_t kOutcomes = 6;
std::string_view ToString(Outcome outcome);

// Calls that ended, and how the postings in them did.
class CallMetrics {
 public:
  CallMetrics();

  // `call`: one of the interface's.
  void Add(std::string_view call, Outcome outcome, double took_s);
  void Add(std::span<const Reply> replies);
  std::vector<prometheus::MetricFamily> Collect() const { return registry_.Collect(); }

 private:
  struct OfCall {
    std::array<prometheus::Counter*, kOutcomes> ended = {};
    prometheus::Histogram* took_s = nullptr;
  };

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& postings_;
  std::map<std::string_view, OfCall> calls_;
};

struct Service;
class Connections;

// All there is, in the text format of Prometheus. Waits for nothing, so that it tells of a disk that hangs, too.
std::string MetricsText(const Service& service, const Connections& connections);

}  // namespace loyalty::service

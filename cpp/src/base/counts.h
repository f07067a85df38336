// Counts values by their size, for a Histogram.
//
// Thread safety: every method may be called from any thread, and none waits.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "loyalty/metrics.h"

namespace loyalty::base {

class Counts {
 public:
  explicit Counts(std::vector<double> bounds)
      : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void Add(double value) {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    counts_[size_t(at - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  Histogram Read() const {
    Histogram histogram{bounds_, {}, sum_.load(std::memory_order_relaxed)};
    for (const auto& count : counts_) {
      histogram.counts.push_back(count.load(std::memory_order_relaxed));
    }
    return histogram;
  }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

}  // namespace loyalty::base

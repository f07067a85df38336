// Posts through Ledger::Submit with several batches in flight, as a batch job would; and what it
// costs.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "flags.h"
#include "loyalty/ledger.h"

namespace loyalty::bench {

inline double Now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double Cpu_s() {  // of the whole process, the engine's own threads too
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct LoopOptions {
  uint64_t postings = 0;
  uint32_t batch = 8'192;
  uint32_t in_flight = 4;  // batches a thread
  uint32_t threads = 2;
  uint64_t slice = 2'000'000;  // postings after which a rate is taken
  double stop_after_s = 1e9;   // then nothing more is submitted: the rate is of what was
};

struct LoopResult {
  double elapsed_s = 0;
  double cpu_s = 0;
  uint64_t posted = 0;
  uint64_t refused = 0;  // too few points
  std::vector<double> slice_rates = {};

  uint64_t taken() const { return posted + refused; }
};

// fill(first, postings) writes the postings from index `first` on.
using FillBatch = std::function<void(uint64_t first, std::span<Posting> postings)>;

class PostingLoop {
 public:
  PostingLoop(Ledger* ledger, const LoopOptions& options, FillBatch fill)
      : ledger_(ledger), options_(options), fill_(std::move(fill)) {
    const uint64_t slices = (options.postings + options.slice - 1) / options.slice;
    slice_end_s_ = std::vector<std::atomic<double>>(slices);
  }

  LoopResult Run() {
    const double begin_s = Now_s();
    const double begin_cpu_s = Cpu_s();
    deadline_s_ = begin_s + options_.stop_after_s;
    std::vector<std::thread> threads;
    for (uint32_t t = 0; t < options_.threads; ++t) threads.emplace_back([this] { Work(); });
    for (std::thread& thread : threads) thread.join();
    LoopResult result{.elapsed_s = Now_s() - begin_s, .cpu_s = Cpu_s() - begin_cpu_s};
    result.posted = posted_;
    result.refused = refused_;
    double from_s = begin_s;
    for (size_t i = 0; i < slice_end_s_.size() && slice_end_s_[i] > 0; ++i) {
      const uint64_t count = std::min(options_.slice, options_.postings - i * options_.slice);
      result.slice_rates.push_back(double(count) / (slice_end_s_[i] - from_s));
      from_s = slice_end_s_[i];
    }
    return result;
  }

  uint64_t acknowledged() const { return acknowledged_; }

 private:
  struct Slot {
    std::unique_ptr<Ledger::Ticket> ticket;
    std::vector<Reply> replies;
  };

  void Work() {
    std::vector<Posting> postings(options_.batch);
    std::vector<Slot> slots(options_.in_flight);
    for (size_t turn = 0;; ++turn) {
      const uint64_t first = next_.fetch_add(options_.batch);
      if (first >= options_.postings || Now_s() > deadline_s_) break;
      Slot& slot = slots[turn % slots.size()];
      Finish(&slot);
      const size_t count = std::min<uint64_t>(options_.batch, options_.postings - first);
      const std::span<Posting> batch(postings.data(), count);
      fill_(first, batch);
      slot.replies.resize(count);
      slot.ticket = Check(ledger_->Submit(batch, slot.replies));
    }
    for (Slot& slot : slots) Finish(&slot);
  }

  void Finish(Slot* slot) {
    if (!slot->ticket) return;
    Check(slot->ticket->Wait());
    slot->ticket.reset();
    uint64_t posted = 0;
    uint64_t refused = 0;
    for (const Reply& reply : slot->replies) {
      posted += reply.status == PostingStatus::kPosted;
      refused += reply.status == PostingStatus::kInsufficientPoints;
    }
    if (posted + refused != slot->replies.size()) Die("a posting was not taken: " + Odd(*slot));
    posted_ += posted;
    refused_ += refused;
    const uint64_t before = acknowledged_.fetch_add(slot->replies.size());
    const uint64_t after = before + slot->replies.size();
    for (uint64_t i = before / options_.slice; i < slice_end_s_.size(); ++i) {
      if (after < std::min((i + 1) * options_.slice, options_.postings)) break;
      slice_end_s_[i] = Now_s();
    }
  }

  static std::string Odd(const Slot& slot) {
    for (const Reply& reply : slot.replies) {
      if (reply.status != PostingStatus::kPosted) return std::string(ToString(reply.status));
    }
    return "?";
  }

  Ledger* ledger_;
  LoopOptions options_;
  FillBatch fill_;
  std::vector<std::atomic<double>> slice_end_s_;
  double deadline_s_ = 0;
  std::atomic<uint64_t> next_{0};
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> posted_{0};
  std::atomic<uint64_t> refused_{0};
};

}  // namespace loyalty::bench

// How long the disk itself takes: a small file written and synced every 10 ms beside what is measured.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "flags.h"
#include "posting_loop.h"

namespace loyalty::bench {

class DiskProbe {
 public:
  explicit DiskProbe(const std::string& directory)
      : file_(::open((directory + "/probe").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) {
    if (file_ < 0) Die(directory + ": no file can be made there");
    thread_ = std::thread([this] { Work(); });
  }
  ~DiskProbe() {
    Stop();
    ::close(file_);
  }
  DiskProbe(const DiskProbe&) = delete;
  DiskProbe& operator=(const DiskProbe&) = delete;

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  // Of those under way at some time of [from_s, to_s], the longest. After Stop.
  double LongestSync_s(double from_s, double to_s) const {
    double longest_s = 0;
    for (const Sync& sync : syncs_) {
      const bool overlaps = sync.begin_s < to_s && sync.begin_s + sync.took_s > from_s;
      if (overlaps) longest_s = std::max(longest_s, sync.took_s);
    }
    return longest_s;
  }

 private:
  struct Sync {
    double begin_s = 0;
    double took_s = 0;
  };

  void Work() {
    const std::array<char, 4096> page = {};
    while (!stop_) {
      const double begin_s = Now_s();
      const bool written = ::pwrite(file_, page.data(), page.size(), 0) == ssize_t(page.size());
      if (!written || ::fdatasync(file_) != 0) Die("the probe's file cannot be written");
      syncs_.push_back({begin_s, Now_s() - begin_s});
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  const int file_;
  std::atomic<bool> stop_{false};
  std::vector<Sync> syncs_;
  std::thread thread_;
};

}  // namespace loyalty::bench

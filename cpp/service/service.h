// What all connections of a server share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "admission.h"
#include "clients.h"
#include "loyalty/ledger.h"
#include "metrics.h"
#include "runs.h"

namespace loyalty::service {

struct CallLimits {
  int32_t postings_max = 4096;  // in a request
  int32_t members_max = 8192;   // in a request; with several currencies, times these
  int32_t records_max = 1000;   // in a page
  int32_t timeout_max_ms = 10'000;
  size_t postings_under_way_max = 32'768;
};

struct Service {
  Service(Ledger* opened, Clients known, const CallLimits& call_limits)
      : ledger(opened),
        limits(call_limits),
        admission(call_limits.postings_under_way_max),
        runs(opened),
        clients_(std::make_shared<const Clients>(std::move(known))) {}

  std::shared_ptr<const Clients> clients() const {
    const std::lock_guard lock(mutex_);
    return clients_;
  }
  // For calls to come.
  void SetClients(Clients clients) {
    const std::lock_guard lock(mutex_);
    clients.GoOnFrom(*clients_);
    clients_ = std::make_shared<const Clients>(std::move(clients));
  }

  // Empty: it answers requests, and can post.
  std::string WhyNotReady() const {
    if (is_stopping) return "the server is stopping";
    const Result<Head> head = ledger->WaitFor(0, 0);
    const bool is_well = head.ok() && head->fault.ok();
    return is_well ? "" : "it only reads: a write has failed; the server's log says more";
  }

  Ledger* const ledger;
  const CallLimits limits;
  Admission admission;
  Runs runs;
  CallMetrics metrics;
  Rate strangers_told{10};  // in the log, lest they fill it
  std::atomic<bool> is_stopping = false;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Clients> clients_;  // under mutex_
};

}  // namespace loyalty::service

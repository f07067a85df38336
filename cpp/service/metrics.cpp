#include "metrics.h"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

#include "connections.h"
#include "service.h"

namespace loyalty::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array kCalls = {
    "post",     "balances",      "statement",     "changes",    "explain",     "tiers",
    "spenders", "start_run",     "tier_progress", "follow_run", "stop_run",    "run_changes",
    "program",  "apply_program", "digest",        "totals",     "server_info", "ledger_info"};
const std::vector<double> kTook_s = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                     0.05,   0.1,    0.2,    0.5,   1,     2,     5,    10};

// Puts families together that are read when somebody asks.
class Gathered {
 public:
  void Gauge(const std::string& name, const std::string& help, double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    families_.push_back({name, help, MetricType::Gauge, {metric}});
  }
  void Counter(const std::string& name, const std::string& help, double value) {
    ClientMetric metric;
    metric.counter.value = value;
    families_.push_back({name, help, MetricType::Counter, {metric}});
  }
  void Labelled(const std::string& name, const std::string& help, const std::string& label,
                std::initializer_list<std::pair<const char*, uint64_t>> values) {
    MetricFamily family{name, help, MetricType::Gauge, {}};
    for (const auto& [of, value] : values) {
      ClientMetric metric;
      metric.label = {{label, of}};
      metric.gauge.value = double(value);
      family.metric.push_back(metric);
    }
    families_.push_back(std::move(family));
  }
  void Distribution(const std::string& name, const std::string& help, const Histogram& values) {
    ClientMetric metric;
    prometheus::ClientMetric::Histogram& to = metric.histogram;
    for (size_t i = 0; i < values.counts.size(); ++i) {
      to.sample_count += values.counts[i];
      const bool is_last = i == values.bounds.size();
      to.bucket.push_back({to.sample_count, is_last ? INFINITY : values.bounds[i]});
    }
    to.sample_sum = values.sum;
    families_.push_back({name, help, MetricType::Histogram, {metric}});
  }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

void GatherEngine(const Metrics& of, Gathered* to) {
  const auto behind = [&](uint64_t sequence) {
    return double(of.sequence - std::min(of.sequence, sequence));
  };
  to->Counter("loyalty_entries_total", "Durable entries; the sequence of the last.",
              double(of.sequence));
  to->Gauge("loyalty_members", "Members that were opened.", double(of.members));
  to->Gauge("loyalty_queued_postings", "Postings that wait for the writer.",
            double(of.queued_postings));
  to->Distribution("loyalty_group_entries", "Entries that were made durable together.",
                   of.group_entries);
  to->Distribution("loyalty_sync_seconds", "Time to write a group to the journal and sync it.",
                   of.sync_s);
  to->Gauge("loyalty_history_lag_entries", "Durable entries that history chunks lack.",
            behind(of.history_sequence));
  to->Gauge("loyalty_ids_lag_entries", "Durable entries that the index of ids lacks.",
            behind(of.ids_sequence));
  to->Gauge("loyalty_checkpoint_lag_entries", "Entries that the next opening would replay.",
            behind(of.checkpoint_sequence));
  to->Labelled("loyalty_file_bytes", "Bytes of RocksDB's sorted files.", "family",
               {{"journal", of.journal_bytes},
                {"ids", of.ids_bytes},
                {"history", of.history_bytes},
                {"state", of.state_bytes}});
  to->Counter("loyalty_write_stall_seconds_total", "Time that RocksDB held writes back.",
              double(of.write_stall_us) / 1e6);
  to->Gauge("loyalty_write_stopped", "1 while RocksDB takes no writes.", of.is_write_stopped);
  to->Gauge("loyalty_pending_compaction_bytes", "Bytes that RocksDB has to rewrite.",
            double(of.pending_compaction_bytes));
  to->Labelled("loyalty_rocksdb_ram_bytes", "RAM of RocksDB.", "of",
               {{"write_buffers", of.write_buffer_bytes}, {"block_cache", of.block_cache_bytes}});
}

// By the names that all programs use for these.
void GatherProcess(Gathered* to) {
  uint64_t pages = 0, resident_pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident_pages;
  const auto page_bytes = double(::sysconf(_SC_PAGESIZE));
  to->Gauge("process_virtual_memory_bytes", "Virtual memory.", double(pages) * page_bytes);
  to->Gauge("process_resident_memory_bytes", "Resident memory.",
            double(resident_pages) * page_bytes);
  rusage used = {};
  (void)::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return double(time.tv_sec) + double(time.tv_usec) / 1e6;
  };
  to->Counter("process_cpu_seconds_total", "CPU time, user and system.",
              seconds(used.ru_utime) + seconds(used.ru_stime));
}

}  // namespace

std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAnswered: return "answered";
    case Outcome::kInvalid: return "invalid";
    case Outcome::kUnauthenticated: return "unauthenticated";
    case Outcome::kForbidden: return "forbidden";
    case Outcome::kUnavailable: return "unavailable";
    case Outcome::kInternal: break;
  }
  return "internal";
}

CallMetrics::CallMetrics()
    : postings_(prometheus::BuildCounter()
                    .Name("loyaltyd_postings_total")
                    .Help("Postings that were answered, by their status.")
                    .Register(registry_)) {
  auto& ended = prometheus::BuildCounter()
                    .Name("loyaltyd_calls_total")
                    .Help("Calls that ended, by how.")
                    .Register(registry_);
  auto& took = prometheus::BuildHistogram()
                   .Name("loyaltyd_call_seconds")
                   .Help("Time from a request's arrival to its response, waiting included.")
                   .Register(registry_);
  for (const char* const call : kCalls) {
    OfCall& of = calls_[call];  // whose key borrows the text
    for (size_t i = 0; i < kOutcomes; ++i) {
      of.ended[i] = &ended.Add({{"call", call}, {"outcome", std::string(ToString(Outcome(i)))}});
    }
    of.took_s = &took.Add({{"call", call}}, kTook_s);
  }
}

void CallMetrics::Add(std::string_view call, Outcome outcome, double took_s) {
  const OfCall& of = calls_.at(call);
  of.ended[size_t(outcome)]->Increment();
  of.took_s->Observe(took_s);
}

void CallMetrics::Add(std::span<const Reply> replies) {
  std::map<PostingStatus, size_t> counts;
  for (const Reply& reply : replies) ++counts[reply.status];
  for (const auto& [status, count] : counts) {
    postings_.Add({{"status", std::string(ToString(status))}}).Increment(double(count));
  }
}

std::string MetricsText(const Service& service, const Connections& connections) {
  Gathered gathered;
  gathered.Labelled("loyaltyd_info", "The version that runs.", "version", {{LOYALTY_VERSION, 1}});
  gathered.Gauge("loyaltyd_ready", "1 if it answers requests, and can post.",
                 service.WhyNotReady().empty());
  gathered.Gauge("loyaltyd_connections", "Connections that are open.", double(connections.size()));
  gathered.Counter("loyaltyd_connections_refused_total", "Connections beyond the limit.",
                   double(connections.refused()));
  gathered.Gauge("loyaltyd_postings_under_way", "Postings of calls that have not ended.",
                 double(service.admission.under_way()));
  const Result<Metrics> engine = service.ledger->GetMetrics();
  if (engine.ok()) GatherEngine(*engine, &gathered);
  GatherProcess(&gathered);
  std::vector<MetricFamily> families = service.metrics.Collect();
  for (MetricFamily& family : gathered.Take()) families.push_back(std::move(family));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace loyalty::service

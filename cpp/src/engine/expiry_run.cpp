#include "engine/expiry_run.h"

#include <cstdlib>
#include <map>
#include <thread>
#include <tuple>

#include "engine/run.h"

namespace loyalty::engine {
namespace {

using ledger::kPageMembers;
using ledger::PagePtr;

// The writer must copy what it changes of pages that are being looked through: so they are few.
constexpr uint32_t kPagesTogether = 64;
const std::string kName = "expire";

class Sums {
 public:
  // `month` is that of its effective time.
  void Add(const Entry& entry, int32_t month, int64_t points) {
    ExpiryReport::Line& line = lines_[{entry.kind, entry.currency, month}];
    ++line.entries;
    line.points += points;
  }
  void Add(const Sums& other) {
    for (const auto& [key, line] : other.lines_) {
      lines_[key].entries += line.entries;
      lines_[key].points += line.points;
    }
  }
  std::vector<ExpiryReport::Line> Lines() const {
    std::vector<ExpiryReport::Line> lines;
    for (const auto& [key, line] : lines_) {
      lines.push_back(
          {std::get<0>(key), std::get<1>(key), std::get<2>(key), line.entries, line.points});
    }
    return lines;
  }

 private:
  std::map<std::tuple<Kind, uint16_t, int32_t>, ExpiryReport::Line> lines_;
};

// The accounts of a page for which something may be due.
std::vector<Batch::Due> FindDue(const PagePtr& pointer, uint32_t first_member, int64_t by_us) {
  const ledger::Page& page = *pointer.get();
  std::vector<Batch::Due> due;
  for (uint16_t c = 0; c < ledger::kMaxCurrencies; ++c) {
    for (uint32_t m = 0; page.accounts[c] && m < kPageMembers; ++m) {
      if (!page.GetAccount(m, c).IsPlainAt(by_us)) due.push_back({first_member + m, c});
    }
  }
  return due;
}

// Journals onto a copy of a page what would be journaled.
class Rehearsal {
 public:
  explicit Rehearsal(const std::vector<std::string>& currencies) {
    for (uint32_t m = 0; m < kPageMembers; ++m) scratch_.keys.Add(MemberKey(int64_t(m)));
    for (const std::string& name : currencies) scratch_.AddCurrency(name);
  }
  void Run(const PagePtr& page, const std::vector<Batch::Due>& accounts, int64_t by_us,
           const program::Calendar& calendar, Sums* sums) {
    scratch_.InstallPage(0, std::make_unique<ledger::Page>(*page.get()));
    scratch_.sequence = page.get()->sequence;
    for (const Batch::Due& account : accounts) {
      Entry due;
      while (ledger::NextDue(scratch_, account.member % kPageMembers, account.currency, by_us,
                             ledger::DueScope::kAll, &due)) {
        Details details;
        movements_.clear();
        ledger::Decide(scratch_, nullptr, &due, &details, &movements_);
        if (!IsPosted(due.status)) break;
        const auto applied =
            ledger::Apply(due, details, scratch_.sequence + 1, movements_, "", &scratch_);
        if (!applied.ok()) std::abort();  // a bug: it has just been decided
        sums->Add(due, calendar.MonthOf(due.effective_us), ledger::PointsMoved(movements_));
      }
    }
  }

 private:
  ledger::State scratch_;
  std::vector<ledger::LotMovement> movements_;
};

class Run {
 public:
  Run(Core* core, Pipeline* pipeline, int64_t as_of_us, bool dry_run, const Progress& progress)
      : core_(core),
        pipeline_(pipeline),
        as_of_us_(as_of_us),
        dry_run_(dry_run),
        progress_(progress),
        rules_(core->state->rules()),
        threads_(std::max(1u, std::thread::hardware_concurrency())),
        in_flight_(pipeline) {}

  Result<ExpiryReport> Go() {
    ExpiryReport report;
    if (!dry_run_) {
      LOYALTY_ASSIGN_OR_RETURN(report.started_sequence,
                               NoteRun(pipeline_, Kind::kRunStarted, kName, as_of_us_, 0));
    }
    Status status = TakePages();
    const Status posted = in_flight_.Finish();
    if (status.ok()) status = posted;
    if (!status.ok()) return status;
    if (!dry_run_) {
      LOYALTY_ASSIGN_OR_RETURN(
          report.finished_sequence,
          NoteRun(pipeline_, Kind::kRunFinished, kName, as_of_us_, report.started_sequence));
    }
    report.lines = sums_.Lines();
    return report;
  }

 private:
  Status TakePages() {
    uint32_t count = 0;
    LOYALTY_RETURN_IF_ERROR(pipeline_->Inspect([&] { count = core_->state->page_count(); }));
    for (uint32_t first = 0; first < count; first += kPagesTogether) {
      if (progress_ && !progress_(first, count)) {
        return {StatusCode::kInterrupted,
                "the expiry run was stopped; run it again, and it goes on where it was"};
      }
      std::vector<PagePtr> pages;
      LOYALTY_RETURN_IF_ERROR(pipeline_->Inspect([&] {
        for (uint32_t p = first; p < std::min(first + kPagesTogether, count); ++p) {
          pages.push_back(core_->state->PageAt(p));
        }
      }));
      LOYALTY_RETURN_IF_ERROR(LookThrough(std::move(pages), first));
    }
    if (progress_) (void)progress_(count, count);
    return {};
  }

  // Finds in parallel what is due, and rehearses it or hands it to the writer.
  Status LookThrough(std::vector<PagePtr> pages, uint32_t first_page) {
    std::vector<std::vector<Batch::Due>> due(pages.size());
    std::vector<Sums> sums(threads_);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < threads_; ++t) {
      threads.emplace_back([&, t] {
        std::unique_ptr<Rehearsal> rehearsal;
        for (size_t p = t; p < pages.size(); p += threads_) {
          due[p] = FindDue(pages[p], uint32_t(first_page + p) * kPageMembers, as_of_us_);
          if (!dry_run_ || due[p].empty()) continue;
          if (!rehearsal) rehearsal = std::make_unique<Rehearsal>(rules_->currency_names());
          rehearsal->Run(pages[p], due[p], as_of_us_, rules_->program().calendar(), &sums[t]);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Sums& part : sums) sums_.Add(part);
    pages.clear();  // so that the writer need not copy them
    if (dry_run_) return {};
    for (std::vector<Batch::Due>& accounts : due) {
      if (!accounts.empty()) LOYALTY_RETURN_IF_ERROR(Submit(std::move(accounts)));
    }
    return {};
  }

  Status Submit(std::vector<Batch::Due> accounts) {
    auto batch = std::make_shared<Batch>();
    batch->due = std::move(accounts);
    batch->due_by_us = as_of_us_;
    batch->on_due = [this](const Entry& entry, int64_t points) {
      sums_.Add(entry, rules_->program().calendar().MonthOf(entry.effective_us), points);
    };
    return in_flight_.Submit(std::move(batch));
  }

  Core* const core_;
  Pipeline* const pipeline_;
  const int64_t as_of_us_;
  const bool dry_run_;
  const Progress& progress_;
  const std::shared_ptr<const ledger::Rules> rules_;
  const unsigned threads_;
  // In a dry run of this thread; else of the writer's, while batches are in flight.
  Sums sums_;
  InFlight in_flight_;
};

}  // namespace

Result<ExpiryReport> RunExpiry(Core* core, Pipeline* pipeline, int64_t as_of_us, bool dry_run,
                               const Progress& progress) {
  return Run(core, pipeline, as_of_us, dry_run, progress).Go();
}

}  // namespace loyalty::engine

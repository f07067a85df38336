#include "engine/ledger_impl.h"

#include "base/clock.h"
#include "engine/directory.h"
#include "engine/expiry_run.h"
#include "engine/prepare.h"
#include "engine/verify.h"
#include "loyalty/text.h"

namespace loyalty {
namespace engine {
namespace {

// Closing leaves a small tail to the next opening's replay: it is quicker than a checkpoint.
constexpr uint64_t kSmallTail = 65'536;

class BatchTicket : public Ledger::Ticket {
 public:
  explicit BatchTicket(std::shared_ptr<Batch> batch) : batch_(std::move(batch)) {}
  ~BatchTicket() override { (void)batch_->Wait(); }
  Status Wait() override { return batch_->Wait(); }

 private:
  std::shared_ptr<Batch> batch_;
};

Status Closed() { return {StatusCode::kClosed, "the ledger was closed"}; }

// With what was journaled up to `acknowledged`.
Result<std::unique_ptr<Ledger>> Start(std::unique_ptr<Core> core, uint64_t acknowledged) {
  LOYALTY_ASSIGN_OR_RETURN(auto recent, Recover(core.get(), acknowledged));
  return std::unique_ptr<Ledger>(new LedgerImpl(std::move(core), std::move(recent)));
}

Result<std::unique_ptr<Ledger>> OpenToWrite(const std::string& directory,
                                            const LedgerOptions& options,
                                            std::shared_ptr<storage::Environment> environment) {
  LOYALTY_ASSIGN_OR_RETURN(
      auto store, storage::Store::Open(StorePath(directory), {false, std::move(environment)}));
  LOYALTY_ASSIGN_OR_RETURN(auto head, journal::HeadFile::Open(HeadPath(directory)));
  return Start(std::make_unique<Core>(directory, options, std::move(store), std::move(head)),
               UINT64_MAX);
}

// What was acknowledged before the store is opened must be there; what was acknowledged once it is open may be shown.
// So nothing is lacking, and nothing is there that a crash of the writer could undo.
Result<std::unique_ptr<Ledger>> OpenToRead(
    const std::string& directory, const LedgerOptions& options,
    const std::shared_ptr<storage::Environment>& environment) {
  LOYALTY_ASSIGN_OR_RETURN(auto head, journal::HeadFile::OpenToRead(HeadPath(directory)));
  LOYALTY_ASSIGN_OR_RETURN(auto store,
                           storage::Store::OpenToRead(StorePath(directory), environment));
  LOYALTY_ASSIGN_OR_RETURN(const auto now, journal::HeadFile::OpenToRead(HeadPath(directory)));
  return Start(std::make_unique<Core>(directory, options, std::move(store), std::move(head)),
               now.head().sequence);
}

}  // namespace

Result<std::unique_ptr<Ledger>> OpenLedger(const std::string& directory,
                                           const LedgerOptions& options,
                                           std::shared_ptr<storage::Environment> environment) {
  LOYALTY_RETURN_IF_ERROR(CheckIsLedger(directory));
  return options.read_only ? OpenToRead(directory, options, environment)
                           : OpenToWrite(directory, options, std::move(environment));
}

LedgerImpl::LedgerImpl(std::unique_ptr<Core> core, ids::UnsealedIds recent)
    : core_(std::move(core)),
      behind_(core_.get()),
      maintainer_(core_.get(), &behind_),
      pipeline_(core_.get(), std::move(recent), [this] { maintainer_.OnCommit(); }) {
  if (core_->options.read_only) return;
  maintainer_.Start(&pipeline_);
  at_once_.emplace(core_.get(), &behind_, &pipeline_);
}

LedgerImpl::~LedgerImpl() { (void)Close(); }

Result<LedgerImpl::InUse> LedgerImpl::Use() const {
  if (closing_.load(std::memory_order_acquire)) return Closed();
  InUse lock(lifetime_);
  if (closing_.load(std::memory_order_acquire)) return Closed();
  return lock;
}

Result<std::shared_ptr<Batch>> LedgerImpl::SubmitBatch(std::span<const Posting> postings,
                                                       std::span<Reply> replies) {
  if (replies.size() != postings.size()) {
    return Status(StatusCode::kInvalidArgument, "there must be one reply for each posting");
  }
  if (postings.size() > core_->options.queue_capacity) {
    return Status(StatusCode::kInvalidArgument, "a batch of " + std::to_string(postings.size()) +
                                                    " postings is larger than the queue (" +
                                                    std::to_string(core_->options.queue_capacity) +
                                                    "); split it");
  }
  maintainer_.WaitForRoom();
  {
    ReaderLock lock(preparing_);
    LOYALTY_ASSIGN_OR_RETURN(auto batch, Prepare(*core_, postings, replies));
    if (!batch->erases) {
      LOYALTY_RETURN_IF_ERROR(pipeline_.Submit(batch));
      return batch;
    }
  }
  return SubmitErasing(postings, replies);
}

// Alone from its preparation until its end: so no other batch goes on with the slot of an erased key.
Result<std::shared_ptr<Batch>> LedgerImpl::SubmitErasing(std::span<const Posting> postings,
                                                         std::span<Reply> replies) {
  WriterLock lock(preparing_);
  LOYALTY_ASSIGN_OR_RETURN(auto batch, Prepare(*core_, postings, replies));
  LOYALTY_RETURN_IF_ERROR(pipeline_.Submit(batch));
  (void)batch->Wait();  // the caller asks again
  return batch;
}

Status LedgerImpl::Post(std::span<const Posting> postings, std::span<Reply> replies) {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(auto batch, SubmitBatch(postings, replies));
  return batch->Wait();
}

Result<std::unique_ptr<Ledger::Ticket>> LedgerImpl::Submit(std::span<const Posting> postings,
                                                           std::span<Reply> replies) {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(auto batch, SubmitBatch(postings, replies));
  return std::unique_ptr<Ticket>(new BatchTicket(std::move(batch)));
}

Result<std::vector<uint32_t>> LedgerImpl::InternCodes(std::span<const std::string_view> texts) {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  const ledger::Dictionary& known = core_->state->codes;
  std::vector<uint32_t> codes(texts.size());
  std::vector<std::string_view> unknown;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > kMaxCodeBytes) {
      return Status(StatusCode::kInvalidArgument,
                    "a code has at most " + std::to_string(kMaxCodeBytes) + " bytes; text " +
                        std::to_string(i) + " has " + std::to_string(texts[i].size()));
    }
    if (known.Find(texts[i], &codes[i])) continue;
    if (!IsText(texts[i])) {
      return Status(StatusCode::kInvalidArgument,
                    "a code is UTF-8 without U+0000; text " + std::to_string(i) + " is not");
    }
    unknown.push_back(texts[i]);
  }
  constexpr size_t kTogether = 8192;
  for (std::span<const std::string_view> left = unknown; !left.empty();) {
    const size_t count = std::min(kTogether, left.size());
    LOYALTY_RETURN_IF_ERROR(DefineCodes(left.first(count)));
    left = left.subspan(count);
  }
  if (!unknown.empty()) {
    for (size_t i = 0; i < texts.size(); ++i) (void)known.Find(texts[i], &codes[i]);
  }
  return codes;
}

Result<uint32_t> LedgerImpl::ApplyProgram(std::string_view json, const Codes& codes) {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  LOYALTY_ASSIGN_OR_RETURN(const auto program, program::Program::Parse(json));
  const auto now = core_->state->rules();
  if (now->program().json() == json) return now->version();
  if (std::max(codes.actor, codes.reason) >= core_->state->codes.size()) {
    return Status(StatusCode::kInvalidArgument, "actor and reason must be interned codes");
  }
  auto batch = std::make_shared<Batch>();
  batch->program = program;
  const auto add = [&](Kind kind, std::string text) {
    batch->texts.push_back({uint32_t(batch->entries.size()), std::move(text)});
    batch->entries.emplace_back().kind = kind;
  };
  for (const std::string& name : program->Names()) add(Kind::kDefineCode, name);
  for (const program::Currency& currency : program->currencies()) {
    add(Kind::kDefineCurrency, currency.name);
  }
  add(Kind::kDefineProgram, std::string(json));
  batch->entries.back().effective_us = Now_us();
  batch->entries.back().codes = codes;
  std::vector<Reply> replies(batch->entries.size());
  batch->replies = replies.data();
  LOYALTY_RETURN_IF_ERROR(pipeline_.Submit(batch));
  LOYALTY_RETURN_IF_ERROR(batch->Wait());
  return uint32_t(replies.back().balance.active);
}

Result<std::string> LedgerImpl::ProgramText(uint32_t version) const {
  const uint32_t last = core_->state->rules()->version();
  if (version == 0 || version > last) {
    return Status(StatusCode::kNotFound, "there is no version " + std::to_string(version) +
                                             " of the programme; the last is " +
                                             std::to_string(last));
  }
  return core_->state->RulesOf(version)->program().json();
}

Status LedgerImpl::DefineCodes(std::span<const std::string_view> texts) {
  std::vector<Reply> replies(texts.size());
  auto batch = std::make_shared<Batch>();
  batch->replies = replies.data();
  for (size_t i = 0; i < texts.size(); ++i) {
    batch->entries.emplace_back().kind = Kind::kDefineCode;
    batch->texts.push_back({uint32_t(i), std::string(texts[i])});
  }
  LOYALTY_RETURN_IF_ERROR(pipeline_.Submit(batch));
  return batch->Wait();
}

Result<ExpiryReport> LedgerImpl::Expire(int64_t as_of_us, bool dry_run, const Progress& progress) {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  if (as_of_us < kMinTime_us || as_of_us > Now_us()) {
    return Status(StatusCode::kInvalidArgument,
                  "expiry runs as of a time from 1900 on that has passed");
  }
  if (dry_run) return RunExpiry(core_.get(), &pipeline_, as_of_us, true, progress);
  if (expiring_.exchange(true)) {
    return Status(StatusCode::kBusy, "an expiry run is under way already; wait for its end");
  }
  auto report = RunExpiry(core_.get(), &pipeline_, as_of_us, false, progress);
  expiring_ = false;
  return report;
}

Status LedgerImpl::Checkpoint() {
  LOYALTY_ASSIGN_OR_RETURN(const InUse in_use, Use());
  if (core_->options.read_only) return core_->ReadsOnly();
  LOYALTY_RETURN_IF_ERROR(core_->durable.failure());
  return CheckpointLocked();
}

Status LedgerImpl::CheckpointLocked() {
  LOYALTY_RETURN_IF_ERROR(behind_.Consume(core_->durable.sequence()));
  LOYALTY_RETURN_IF_ERROR(core_->head_file.Sync());
  LOYALTY_RETURN_IF_ERROR(behind_.Checkpoint(&pipeline_));
  return behind_.Purge(&pipeline_);
}

Status LedgerImpl::Close() {
  closing_.store(true, std::memory_order_release);
  core_->durable.GiveUp();
  std::unique_lock lock(lifetime_);
  if (closed_.exchange(true)) return {};
  if (at_once_) at_once_->Stop();
  Status status;
  const bool may_write = !core_->options.read_only;
  const uint64_t newest = core_->durable.sequence();
  const bool worth_it = newest - core_->checkpoint_sequence > kSmallTail || behind_.HasToPurge();
  if (may_write && core_->durable.failure().ok() && worth_it) {
    status = CheckpointLocked();
  }
  pipeline_.Stop();
  maintainer_.Stop();
  if (may_write && status.ok()) status = core_->head_file.Sync();
  const Status closed = core_->store->Close();
  return status.ok() ? closed : status;
}

}  // namespace engine

Status Ledger::Create(const std::string& directory, const std::vector<std::string>& currencies) {
  return engine::CreateDirectory(directory, currencies, nullptr, nullptr);
}

Status Ledger::CreateWithProgram(const std::string& directory, std::string_view json) {
  LOYALTY_ASSIGN_OR_RETURN(const auto program, program::Program::Parse(json));
  std::vector<std::string> currencies;
  for (const program::Currency& currency : program->currencies()) {
    currencies.push_back(currency.name);
  }
  return engine::CreateDirectory(directory, currencies, program.get(), nullptr);
}

Result<std::unique_ptr<Ledger>> Ledger::Open(const std::string& directory,
                                             const LedgerOptions& options) {
  return engine::OpenLedger(directory, options, nullptr);
}

}  // namespace loyalty

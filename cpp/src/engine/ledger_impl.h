// The public Ledger: puts the parts together and guards their lifetimes.
#pragma once

#include <optional>
#include <shared_mutex>

#include "engine/at_once.h"
#include "engine/behind.h"
#include "engine/core.h"
#include "engine/past.h"
#include "engine/pipeline.h"
#include "engine/recovery.h"

namespace loyalty::engine {

// Ledger::Open with a file system of the caller's; tests inject faults with it.
Result<std::unique_ptr<Ledger>> OpenLedger(const std::string& directory,
                                           const LedgerOptions& options,
                                           std::shared_ptr<storage::Environment> environment);

class LedgerImpl : public Ledger {
 public:
  LedgerImpl(std::unique_ptr<Core> core, ids::UnsealedIds recent);
  ~LedgerImpl() override;

  Status Post(std::span<const Posting> postings, std::span<Reply> replies) override;
  Result<std::unique_ptr<Ticket>> Submit(std::span<const Posting> postings,
                                         std::span<Reply> replies) override;
  Result<std::vector<uint32_t>> InternCodes(std::span<const std::string_view> texts) override;
  Result<std::string> CodeText(uint32_t code) const override;
  std::vector<std::string> Currencies() const override {
    return core_->state->rules()->currency_names();
  }
  Result<uint32_t> ApplyProgram(std::string_view json, const Codes& codes) override;
  Result<uint32_t> ProgramVersion() const override { return core_->state->rules()->version(); }
  Result<std::string> ProgramText(uint32_t version) const override;
  Status Balances(std::span<const MemberKey> members, const BalanceQuery& query,
                  std::span<Balance> balances) const override;
  Result<Snapshot> AllBalances(const BalanceQuery& query) const override;
  Status BalancesAsOf(std::span<const MemberKey> members, uint16_t currency, const AsOf& as_of,
                      std::span<Balance> balances) const override;
  Result<Snapshot> AllBalancesAsOf(uint16_t currency, const AsOf& as_of,
                                   const Progress& progress) const override;
  Result<OwnedKey> KeyOf(uint32_t member) const override;
  Result<std::vector<Spender>> SpendersOf(const MemberKey& pool, uint16_t currency) const override;
  Result<StatementPage> Statement(const MemberKey& member,
                                  const StatementQuery& query) const override;
  Result<std::vector<Record>> Changes(uint64_t sequence, size_t limit) const override;
  Result<uint64_t> FindPosting(const Id& id) const override;
  Result<Explanation> Explain(uint64_t sequence) const override;
  Result<VerifyReport> Verify(const Progress& progress) const override;
  Result<ExpiryReport> Expire(int64_t as_of_us, bool dry_run, const Progress& progress) override;
  Result<TierRun> RecomputeTiers(const TierQuery& query, const Progress& progress) override;
  Result<TierTable> Tiers(const std::optional<std::vector<MemberKey>>& members) const override;
  Result<TierTable> TiersAsOf(std::span<const MemberKey> members, int64_t at_us) const override;
  Result<MemberProgress> TierProgressOf(const MemberKey& member,
                                        std::optional<int64_t> as_of_us) const override;
  Result<std::vector<Totals>> TrialBalance() const override;
  Result<std::vector<Totals>> TrialBalanceAsOf(const AsOf& as_of,
                                               const Progress& progress) const override;
  Result<Liability> LiabilityAsOf(const std::optional<AsOf>& as_of,
                                  const std::optional<std::string>& ladder,
                                  const Progress& progress) const override;
  Result<Head> WaitFor(uint64_t sequence, int64_t timeout_us) const override;
  Result<Info> GetInfo() const override;
  Result<Metrics> GetMetrics() const override;
  Status Checkpoint() override;
  Status Close() override;

 private:
  // Held by every call for as long as it uses the parts; Close waits for them. False once closing.
  using InUse = std::shared_lock<std::shared_mutex>;
  Result<InUse> Use() const;
  Result<std::shared_ptr<Batch>> SubmitBatch(std::span<const Posting> postings,
                                             std::span<Reply> replies);
  // Calls read(state) where nobody changes it, between postings or on the rescued state, and returns OK
  // once all that it could see is durable.
  Status ReadBetweenPostings(const std::function<void(const ledger::State&)>& read) const;
  // A picture of the state all of which is durable.
  Result<ledger::Snapshot> TakeSnapshot() const;
  Status CheckCurrency(uint16_t currency) const;
  // Waits until all that was recorded by then is durable, so that the answer stays the same.
  Result<Past> Resolve(const AsOf& as_of) const;
  // A batch that erases members.
  Result<std::shared_ptr<Batch>> SubmitErasing(std::span<const Posting> postings,
                                               std::span<Reply> replies);
  Status CheckpointLocked();
  // Defines the texts that are new, in one group.
  Status DefineCodes(std::span<const std::string_view> texts);

  std::unique_ptr<Core> core_;
  Behind behind_;
  Maintainer maintainer_;
  mutable Pipeline pipeline_;
  std::optional<AtOnce> at_once_;  // none: read-only
  mutable std::shared_mutex lifetime_;
  // Shared while a batch is prepared and queued, since it then names members by their slots.
  SharedMutex preparing_;
  std::atomic<bool> expiring_ = false;
  std::atomic<bool> assessing_ = false;
  std::atomic<bool> closing_ = false;
  std::atomic<bool> closed_ = false;
};

}  // namespace loyalty::engine

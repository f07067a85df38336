// RemoteLedger over Thrift.
#pragma once

#include <Ledger.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "channels.h"
#include "convert.h"
#include "loyalty/remote.h"
#include "symbols.h"

namespace loyalty::client {

class RemoteLedgerImpl final : public RemoteLedger {
 public:
  RemoteLedgerImpl(const RemoteOptions& options, std::shared_ptr<wire::TlsFactory> tls,
                   rpc::ServerInfoResponse server);
  ~RemoteLedgerImpl() override { channels_.Close(); }

  uint32_t PostingsMax() const override { return uint32_t(server_.postings_a_request_max); }

  Status Post(std::span<const Posting> postings, std::span<Reply> replies) override;
  Result<std::unique_ptr<Ticket>> Submit(std::span<const Posting> postings,
                                         std::span<Reply> replies) override;
  Result<std::vector<uint32_t>> InternCodes(std::span<const std::string_view> texts) override;
  Result<std::string> CodeText(uint32_t code) const override { return symbols_.TextOf(code); }
  std::vector<std::string> Currencies() const override;

  Result<uint32_t> ApplyProgram(std::string_view json, const Codes& codes) override;
  Result<uint32_t> ProgramVersion() const override;
  Result<std::string> ProgramText(uint32_t version) const override;

  Status Balances(std::span<const MemberKey> members, const BalanceQuery& query,
                  std::span<Balance> balances) const override;
  Status BalancesAsOf(std::span<const MemberKey> members, uint16_t currency, const AsOf& as_of,
                      std::span<Balance> balances) const override;
  Result<Snapshot> AllBalances(const BalanceQuery& query) const override;
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
  // Makes a call of the interface with this request.
  template <typename Request, typename Response>
  using Method = void (rpc::LedgerClient::*)(Response&, const Request&);
  template <typename Request, typename Response>
  Result<Response> Ask(Method<Request, Response> method, Request request,
                       Repeat repeat = Repeat::kSafe) const {
    Response response;
    LOYALTY_RETURN_IF_ERROR(
        channels_.Do(repeat, [&](rpc::LedgerClient& client, const rpc::RequestHead& head) {
          request.__set_head(head);
          response = {};
          (client.*method)(response, request);
        }));
    return response;
  }

  Status RefreshCurrencies() const;
  Result<std::string> NameOf(uint16_t currency) const;
  Records Converter() const { return {&symbols_, Currencies()}; }
  Status AskBalances(std::span<const MemberKey> members, rpc::BalancesRequest request,
                     std::span<Balance> balances) const;
  Result<TierTable> AskTiers(std::span<const MemberKey> members,
                             std::optional<int64_t> as_of_us) const;
  Status AddTiers(const rpc::TiersResponse& response, TierTable* table) const;
  // Starts a run, and follows it to its end.
  Result<rpc::Run> Execute(rpc::StartRunRequest request, const Progress& progress);
  Status AddChanges(const std::string& run_id, TierRun* run) const;

  mutable Channels channels_;
  mutable Symbols symbols_;
  const rpc::ServerInfoResponse server_;
  mutable std::mutex mutex_;
  mutable std::vector<std::string> currencies_;
};

}  // namespace loyalty::client

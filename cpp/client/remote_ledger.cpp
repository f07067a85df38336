#include "remote_ledger.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "faults.h"
#include "wire/points.h"

namespace loyalty {

Result<std::unique_ptr<RemoteLedger>> RemoteLedger::Connect(const RemoteOptions& options) {
  std::shared_ptr<wire::TlsFactory> tls;
  if (options.tls) {
    const wire::TlsFiles files{options.tls->certificate_file, options.tls->key_file,
                               options.tls->ca_file};
    LOYALTY_ASSIGN_OR_RETURN(tls, wire::ClientTls(files));
  }
  client::Channels channels(options, tls);
  rpc::ServerInfoResponse server;
  // Once: who has the address wrong wants to know it now.
  LOYALTY_RETURN_IF_ERROR(channels.Do(client::Repeat::kNever, [&](auto& client, const auto& head) {
    rpc::ServerInfoRequest request;
    request.__set_head(head);
    client.server_info(server, request);
  }));
  if (server.currencies.empty() || server.postings_a_request_max < 1 ||
      server.members_a_request_max < 1) {
    return Status(StatusCode::kInternal, channels.place() + ": this is no loyaltyd");
  }
  std::unique_ptr<RemoteLedger> ledger =
      std::make_unique<client::RemoteLedgerImpl>(options, std::move(tls), std::move(server));
  return ledger;
}

namespace client {
namespace {

constexpr int64_t kLongestWait_ms = 5'000;  // within the time of a call

// A batch that was waited for already.
class Done final : public Ledger::Ticket {
 public:
  explicit Done(Status status) : status_(std::move(status)) {}
  Status Wait() override { return status_; }

 private:
  const Status status_;
};

}  // namespace

RemoteLedgerImpl::RemoteLedgerImpl(const RemoteOptions& options,
                                   std::shared_ptr<wire::TlsFactory> tls,
                                   rpc::ServerInfoResponse server)
    : channels_(options, std::move(tls)),
      server_(std::move(server)),
      currencies_(server_.currencies) {
  // Slot 0 is the first member, as elsewhere.
  if (server_.__isset.first_member) (void)symbols_.SlotOf(wire::FromWire(server_.first_member));
}

std::vector<std::string> RemoteLedgerImpl::Currencies() const {
  const std::lock_guard lock(mutex_);
  return currencies_;
}

Status RemoteLedgerImpl::RefreshCurrencies() const {
  LOYALTY_ASSIGN_OR_RETURN(const auto server,
                           Ask(&rpc::LedgerClient::server_info, rpc::ServerInfoRequest()));
  const std::lock_guard lock(mutex_);
  currencies_ = server.currencies;
  return {};
}

Result<std::string> RemoteLedgerImpl::NameOf(uint16_t currency) const {
  const std::lock_guard lock(mutex_);
  if (currency < currencies_.size()) return currencies_[currency];
  return Status(StatusCode::kInvalidArgument, "there is no currency " + std::to_string(currency));
}

Status RemoteLedgerImpl::Post(std::span<const Posting> postings, std::span<Reply> replies) {
  if (postings.size() != replies.size()) {
    return {StatusCode::kInvalidArgument, "as many replies as postings, please"};
  }
  if (postings.empty()) return {};
  if (postings.size() > PostingsMax()) {
    return {StatusCode::kInvalidArgument, "a batch has up to " + std::to_string(PostingsMax()) +
                                              " postings here, not " +
                                              std::to_string(postings.size())};
  }
  rpc::PostRequest request;
  LOYALTY_ASSIGN_OR_RETURN(request.postings, ToWire(postings, symbols_, Currencies()));
  request.__isset.postings = true;
  LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::post, std::move(request)));
  if (response.replies.size() != postings.size()) {
    return WrongAnswer("post", response.replies.size(), postings.size());
  }
  std::transform(response.replies.begin(), response.replies.end(), replies.begin(),
                 [](const rpc::PostingReply& reply) { return wire::FromWire(reply); });
  return {};
}

Result<std::unique_ptr<Ledger::Ticket>> RemoteLedgerImpl::Submit(std::span<const Posting> postings,
                                                                 std::span<Reply> replies) {
  std::unique_ptr<Ticket> ticket = std::make_unique<Done>(Post(postings, replies));
  return ticket;
}

Result<std::vector<uint32_t>> RemoteLedgerImpl::InternCodes(
    std::span<const std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (text.size() <= kMaxCodeBytes) continue;
    return Status(StatusCode::kInvalidArgument, "a code has up to " +
                                                    std::to_string(kMaxCodeBytes) + " bytes, not " +
                                                    std::to_string(text.size()));
  }
  std::vector<uint32_t> codes;
  codes.reserve(texts.size());
  for (const std::string_view text : texts) codes.push_back(symbols_.CodeOf(text));
  return codes;
}

Result<uint32_t> RemoteLedgerImpl::ApplyProgram(std::string_view json, const Codes& codes) {
  rpc::ApplyProgramRequest request;
  request.__set_json(std::string(json));
  if (codes.actor != 0) {
    LOYALTY_ASSIGN_OR_RETURN(request.actor, symbols_.TextOf(codes.actor));
    request.__isset.actor = true;
  }
  if (codes.reason != 0) {
    LOYALTY_ASSIGN_OR_RETURN(request.reason, symbols_.TextOf(codes.reason));
    request.__isset.reason = true;
  }
  LOYALTY_ASSIGN_OR_RETURN(const auto response, Ask(&rpc::LedgerClient::apply_program,
                                                    std::move(request), Repeat::kNever));
  LOYALTY_RETURN_IF_ERROR(RefreshCurrencies());
  return uint32_t(response.version);
}

Result<uint32_t> RemoteLedgerImpl::ProgramVersion() const {
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::program, rpc::ProgramRequest()));
  return uint32_t(response.version_in_force);
}

Result<std::string> RemoteLedgerImpl::ProgramText(uint32_t version) const {
  rpc::ProgramRequest request;
  request.__set_version(int32_t(version));
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::program, std::move(request)));
  return response.json;
}

Result<Head> RemoteLedgerImpl::WaitFor(uint64_t sequence, int64_t timeout_us) const {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::microseconds(timeout_us);
  for (;;) {
    LOYALTY_ASSIGN_OR_RETURN(const auto response,
                             Ask(&rpc::LedgerClient::digest, rpc::DigestRequest()));
    Head head;
    head.sequence = uint64_t(response.sequence);
    const size_t bytes = std::min(response.digest.size(), head.digest.size());
    std::copy_n(response.digest.begin(), bytes, head.digest.begin());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (head.sequence >= sequence || left.count() <= 0) return head;
    rpc::ChangesRequest next;
    next.__set_from_sequence(response.sequence + 1);
    next.__set_limit(1);
    next.__set_wait_ms(int32_t(std::min<int64_t>(left.count(), kLongestWait_ms)));
    LOYALTY_RETURN_IF_ERROR(Ask(&rpc::LedgerClient::changes, std::move(next)).status());
  }
}

Result<Metrics> RemoteLedgerImpl::GetMetrics() const {
  return Status(StatusCode::kUnsupported,
                "metrics: the server tells them over HTTP (--http-listen)");
}

Result<Info> RemoteLedgerImpl::GetInfo() const {
  LOYALTY_ASSIGN_OR_RETURN(const auto response,
                           Ask(&rpc::LedgerClient::ledger_info, rpc::LedgerInfoRequest()));
  return wire::FromWire(response);
}

Result<VerifyReport> RemoteLedgerImpl::Verify(const Progress&) const {
  return OnlyWhereTheLedgerIs("verification");
}
Result<Ledger::Snapshot> RemoteLedgerImpl::AllBalances(const BalanceQuery&) const {
  return OnlyWhereTheLedgerIs("balances of all members");
}
Result<Ledger::Snapshot> RemoteLedgerImpl::AllBalancesAsOf(uint16_t, const AsOf&,
                                                           const Progress&) const {
  return OnlyWhereTheLedgerIs("balances of all members");
}
Result<std::vector<Totals>> RemoteLedgerImpl::TrialBalanceAsOf(const AsOf&, const Progress&) const {
  return OnlyWhereTheLedgerIs("the trial balance of the past");
}
Result<Liability> RemoteLedgerImpl::LiabilityAsOf(const std::optional<AsOf>&,
                                                  const std::optional<std::string>&,
                                                  const Progress&) const {
  return OnlyWhereTheLedgerIs("liability");
}
Status RemoteLedgerImpl::Checkpoint() { return OnlyWhereTheLedgerIs("a checkpoint"); }

Status RemoteLedgerImpl::Close() {
  channels_.Close();
  return {};
}

}  // namespace client
}  // namespace loyalty

// Requests as the bytes that go over the wire: encoded once, with members and ids drawn anew for each call.
//
// Encoding costs a client more than the rest of a call, and it is the server that is measured.
#pragma once

#include <Ledger.h>
#include <endian.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flags.h"
#include "workload.h"

namespace loyalty::bench {

using ThriftBuffer = apache::thrift::transport::TMemoryBuffer;
using ThriftBinary = apache::thrift::protocol::TBinaryProtocol;

inline int64_t WallNow_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

inline void PutBigEndian(uint64_t value, char* at) {
  value = htobe64(value);
  std::memcpy(at, &value, sizeof value);
}

class Frame {
 public:
  static Frame OfBalances(size_t members) {
    rpc::BalancesRequest request;
    request.__isset.members = true;
    for (size_t i = 0; i < members; ++i) request.members.push_back(MarkedMember(i));
    const std::string bytes =
        Encode([&](rpc::LedgerClient* client) { client->send_balances(request); });
    return {bytes, members, 0};
  }

  // Kinds and points are those of `random`, the same at each call.
  static Frame OfPostings(size_t postings, Random* random) {
    const int64_t now_us = WallNow_us();
    rpc::PostRequest request;
    request.__isset.postings = true;
    for (size_t i = 0; i < postings; ++i) {
      const bool is_redemption = random->Below(100) < kRedeemPercent;
      rpc::Posting& posting = request.postings.emplace_back();
      rpc::PostingId id;
      id.__set_id(MarkOfId(i));
      posting.__set_id(id);
      posting.__set_kind(is_redemption ? rpc::Kind::REDEEM : rpc::Kind::EARN);
      posting.__set_member(MarkedMember(i));
      posting.__set_points(
          int64_t(is_redemption ? 10 + random->Below(90) : 100 + random->Below(900)));
      posting.__set_money(int64_t(100 + random->Below(19'900)));
      posting.__set_effective_us(now_us);
      if (!is_redemption) posting.__set_expires_us(ExpiryOf(now_us));
    }
    const std::string bytes =
        Encode([&](rpc::LedgerClient* client) { client->send_post(request); });
    return {bytes, postings, postings};
  }

  // Other members out of `members`, and new ids.
  std::string_view Draw(uint64_t members, Random* random) {
    for (const size_t at : members_at_) {
      PutBigEndian(uint64_t(KeyOfMember(random->Below(members)).number), &bytes_[at]);
    }
    const int64_t now_us = ids_at_.empty() ? 0 : WallNow_us();
    for (const size_t at : ids_at_) {
      const Id id = OrderedId(now_us, random);
      PutBigEndian(id.hi, &bytes_[at]);
      PutBigEndian(id.lo, &bytes_[at + 8]);
    }
    return bytes_;
  }

 private:
  static constexpr uint64_t kMark = 0x5AA5'C33C'0FF0'0000;

  Frame(std::string bytes, size_t members, size_t ids) : bytes_(std::move(bytes)) {
    size_t from = 0;
    for (size_t i = 0; i < members; ++i) {
      if (i < ids) ids_at_.push_back(from = Find(MarkOfId(i), from));
      members_at_.push_back(from = Find(Mark(i), from + (i < ids ? 16 : 0)));
    }
  }

  static std::string Mark(uint64_t index) {
    std::string mark(8, '\0');
    PutBigEndian(kMark + index, mark.data());
    return mark;
  }
  static std::string MarkOfId(uint64_t index) { return "the id: " + Mark(index); }
  static rpc::MemberKey MarkedMember(uint64_t index) {
    rpc::MemberKey key;
    key.__set_number(int64_t(kMark + index));
    return key;
  }

  size_t Find(const std::string& mark, size_t from) const {
    const size_t at = bytes_.find(mark, from);
    if (at == std::string::npos) Die("a mark is not in the frame");
    return at;
  }

  template <typename Send>
  static std::string Encode(const Send& send) {
    const auto buffer = std::make_shared<ThriftBuffer>();
    const auto framed = std::make_shared<apache::thrift::transport::TFramedTransport>(buffer);
    rpc::LedgerClient client(std::make_shared<ThriftBinary>(framed));
    send(&client);
    return buffer->getBufferAsString();
  }

  std::string bytes_;
  std::vector<size_t> members_at_;
  std::vector<size_t> ids_at_;
};

// Whether a reply, without the length before it, is a result rather than an exception: the first field of the
// struct after the message's head is the one with number 0.
inline bool IsResult(std::string_view reply) {
  constexpr size_t kNameAt = 8;
  if (reply.size() < kNameAt || reply[3] != apache::thrift::protocol::T_REPLY) return false;
  uint32_t name_bytes = 0;
  std::memcpy(&name_bytes, &reply[4], sizeof name_bytes);
  const size_t field_at = kNameAt + be32toh(name_bytes) + 4;
  return reply.size() > field_at + 2 && reply[field_at + 1] == 0 && reply[field_at + 2] == 0;
}

inline std::shared_ptr<ThriftBinary> Reader(std::string_view reply) {
  std::string framed(4, '\0');
  const uint32_t length = htobe32(uint32_t(reply.size()));
  std::memcpy(framed.data(), &length, sizeof length);
  framed += reply;
  const auto buffer = std::make_shared<ThriftBuffer>();
  buffer->resetBuffer(reinterpret_cast<uint8_t*>(framed.data()), uint32_t(framed.size()),
                      ThriftBuffer::COPY);
  return std::make_shared<ThriftBinary>(
      std::make_shared<apache::thrift::transport::TFramedTransport>(buffer));
}

// Dies unless there is an answer for each member asked for, and each is known.
inline void CheckBalances(std::string_view reply, size_t members) {
  rpc::BalancesResponse response;
  rpc::LedgerClient(Reader(reply)).recv_balances(response);
  if (response.balances.size() != members) Die("balances are missing");
  for (const rpc::Balance& balance : response.balances) {
    if (!balance.found) Die("a member is unknown");
  }
}

// Dies unless each posting has an entry or was refused for too few points.
inline void CheckPostings(std::string_view reply, size_t postings) {
  rpc::PostResponse response;
  rpc::LedgerClient(Reader(reply)).recv_post(response);
  if (response.replies.size() != postings) Die("replies are missing");
  for (const rpc::PostingReply& posting : response.replies) {
    const auto status = PostingStatus(posting.status);
    if (status != PostingStatus::kPosted && status != PostingStatus::kInsufficientPoints) {
      Die("a posting was not taken: " + std::string(ToString(status)));
    }
  }
}

}  // namespace loyalty::bench

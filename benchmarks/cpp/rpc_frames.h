// Requests to loyaltyd as frames of bytes, made once; for each call only numbers in them are changed. So a client costs
// little more than its system calls, as redis-benchmark does.
#pragma once

#include <Ledger.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "flags.h"
#include "workload.h"

namespace loyalty::bench {

// Numbers that stand for what is filled in, each in the request once.
constexpr int64_t kMark = 0x5A5A'0000'0000'0000;

inline int64_t BigEndian(int64_t value) { return int64_t(__builtin_bswap64(uint64_t(value))); }

// A frame, and where the marks kMark, kMark + 1, ... are in it.
class Frame {
 public:
  Frame(std::string bytes, size_t marks) : bytes_(std::move(bytes)) {
    size_t from = 0;
    for (size_t i = 0; i < marks; ++i) {
      const int64_t mark = BigEndian(kMark + int64_t(i));
      from = bytes_.find(std::string(reinterpret_cast<const char*>(&mark), sizeof mark), from);
      if (from == bytes_.npos) Die("a request without its marks");
      places_.push_back(from);
    }
  }
  void Set(size_t mark, int64_t value) {
    const int64_t bytes = BigEndian(value);
    std::memcpy(bytes_.data() + places_[mark], &bytes, sizeof bytes);
  }
  size_t marks() const { return places_.size(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::vector<size_t> places_;
};

template <typename Send>
Frame FrameOf(size_t marks, Send&& send) {
  using apache::thrift::protocol::TBinaryProtocol;
  using apache::thrift::transport::TFramedTransport;
  using apache::thrift::transport::TMemoryBuffer;
  const auto memory = std::make_shared<TMemoryBuffer>();
  rpc::LedgerClient client(
      std::make_shared<TBinaryProtocol>(std::make_shared<TFramedTransport>(memory)));
  send(client);
  return {memory->getBufferAsString(), marks};
}

inline rpc::MemberKey MarkedMember(size_t mark) {
  rpc::MemberKey key;
  key.__set_number(kMark + int64_t(mark));
  return key;
}

// Marks: the keys of the members.
inline Frame BalancesFrame(size_t members) {
  rpc::BalancesRequest request;
  for (size_t i = 0; i < members; ++i) request.members.push_back(MarkedMember(i));
  request.__isset.members = true;
  return FrameOf(members, [&](rpc::LedgerClient& client) { client.send_balances(request); });
}

// Marks of each posting: both halves of its id, the member's key, the time. The kinds are drawn.
constexpr size_t kMarksOfPosting = 4;
inline Frame PostFrame(size_t postings, Random* random) {
  rpc::PostRequest request;
  for (size_t i = 0; i < postings; ++i) {
    const size_t mark = i * kMarksOfPosting;
    const int64_t halves[2] = {BigEndian(kMark + int64_t(mark)),
                               BigEndian(kMark + int64_t(mark) + 1)};
    rpc::PostingId id;
    id.__set_id({reinterpret_cast<const char*>(halves), sizeof halves});
    const bool redeems = random->Below(100) < kRedeemPercent;
    rpc::Posting posting;
    posting.__set_id(id);
    posting.__set_kind(redeems ? rpc::Kind::REDEEM : rpc::Kind::EARN);
    posting.__set_member(MarkedMember(mark + 2));
    posting.__set_points(int64_t(redeems ? 10 + random->Below(90) : 100 + random->Below(900)));
    posting.__set_effective_us(kMark + int64_t(mark) + 3);
    request.postings.push_back(posting);
  }
  request.__isset.postings = true;
  return FrameOf(postings * kMarksOfPosting,
                 [&](rpc::LedgerClient& client) { client.send_post(request); });
}

// Whether a response, without the length of its frame, has the answer of its call rather than an exception.
inline bool IsAnswer(const char* response, size_t size) {
  constexpr size_t kName = 8;  // after version and type, and its own length
  int32_t name_size = 0;
  if (size < kName) return false;
  std::memcpy(&name_size, response + 4, sizeof name_size);
  const size_t result = kName + __builtin_bswap32(uint32_t(name_size)) + 4;
  constexpr char kReply = 2;
  return size > result + 3 && response[3] == kReply && response[result + 1] == 0 &&
         response[result + 2] == 0;
}

}  // namespace loyalty::bench

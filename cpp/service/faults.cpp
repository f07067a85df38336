#include "faults.h"

#include <loyalty_types.h>

#include <algorithm>
#include <optional>

#include "loyalty/text.h"

namespace loyalty::service {
namespace {

// Long enough for a few groups of postings to be written.
constexpr int32_t kRetryAfter_ms = 100;

// Messages repeat what callers sent, which may be long, and no text: then many a client could not read the answer.
std::string Told(std::string message) {
  constexpr size_t kMost = 500;
  if (message.size() > kMost) {
    size_t end = kMost;
    while (end > 0 && (uint8_t(message[end]) & 0xC0) == 0x80) --end;  // not within a character
    message.replace(end, std::string::npos, "...");
  }
  if (!IsText(message)) {
    const auto is_no_ascii = [](char c) { return uint8_t(c) >= 0x80 || c == 0; };
    std::replace_if(message.begin(), message.end(), is_no_ascii, '?');
  }
  return message;
}

template <typename Fault>
[[noreturn]] void Throw(const std::string& message) {
  Fault fault;
  fault.__set_message(Told(message));
  throw fault;
}

template <typename Fault>
[[noreturn]] void Throw(const Status& status) {
  Fault fault;
  fault.__set_message(Told(status.message()));
  fault.__set_code(int32_t(status.code()));
  throw fault;
}

[[noreturn]] void ThrowUnavailable(const Status& status, std::optional<int32_t> retry_after_ms) {
  rpc::Unavailable fault;
  fault.__set_message(Told(status.message()));
  fault.__set_code(int32_t(status.code()));
  if (retry_after_ms) fault.__set_retry_after_ms(*retry_after_ms);
  throw fault;
}

}  // namespace

void ThrowInvalid(const std::string& message) {
  Throw<rpc::InvalidRequest>({StatusCode::kInvalidArgument, message});
}
void ThrowUnauthenticated(const std::string& message) { Throw<rpc::Unauthenticated>(message); }
void ThrowForbidden(const std::string& message) { Throw<rpc::Forbidden>(message); }

void ThrowUnavailable(const std::string& message, int32_t retry_after_ms) {
  ThrowUnavailable({StatusCode::kUnavailable, message}, retry_after_ms);
}

void ThrowUnlessOk(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk: return;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists: Throw<rpc::InvalidRequest>(status);
    case StatusCode::kBusy: ThrowUnavailable(status, kRetryAfter_ms);
    case StatusCode::kClosed:
    case StatusCode::kInterrupted:
    case StatusCode::kUnavailable: ThrowUnavailable(status.message(), kRetryAfter_ms);
    // Somebody has to look at the disk.
    case StatusCode::kReadOnly:
    case StatusCode::kNoSpace:
    case StatusCode::kIoError: ThrowUnavailable(status, std::nullopt);
    case StatusCode::kCorruption:
    case StatusCode::kUnsupportedFormat:
    case StatusCode::kInternal:
    case StatusCode::kUnauthenticated:
    case StatusCode::kForbidden:
    case StatusCode::kUnsupported: break;
  }
  Throw<rpc::Internal>(status);
}

}  // namespace loyalty::service

// Faults: what went wrong in the machine or in the use of the library, as values.
//
// A fault is not a business outcome. "The member has too few points" is a PostingStatus (posting.h) on
// one posting; "the disk is full" is a Status and concerns the whole call. A Status says what happened,
// where, and what to do next. Translated once at each boundary (to Python exceptions, to Thrift faults).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace loyalty {

// Numbers are part of the public interface: never changed, never reused.
enum class StatusCode : int {
  kOk = 0,
  kInvalidArgument = 1,    // the caller's input; the message names row and field
  kNotFound = 2,           // no ledger there, no such member, no such entry
  kAlreadyExists = 3,      // a ledger is there already
  kBusy = 4,               // another process has the ledger open
  kReadOnly = 5,           // the directory cannot be written to, or was opened read-only
  kNoSpace = 6,            // the disk is full; nothing acknowledged was lost
  kIoError = 7,            // a read, write or sync failed; the writer has stopped
  kCorruption = 8,         // stored bytes are not what was written
  kUnsupportedFormat = 9,  // written by a newer version
  kClosed = 10,            // the ledger was closed
  kInterrupted = 11,       // the caller's progress callback asked to stop
  kInternal = 12,          // a broken invariant: a bug in this library
  // Of a ledger that a server has open.
  kUnauthenticated = 13,  // it does not know who asks
  kForbidden = 14,        // who asks may not do that
  kUnavailable = 15,  // it does not answer, or not now; the same again, with the same ids, is safe
  kUnsupported = 16,  // takes the whole ledger: a call that is answered only where the ledger is
};

std::string_view ToString(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// Either a value or the fault that prevented it. value() requires ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

// Leaves the calling function with the fault, if there is one.
#define LOYALTY_RETURN_IF_ERROR(expression)                                      \
  do {                                                                           \
    if (::loyalty::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define LOYALTY_CONCAT_INNER(a, b) a##b
#define LOYALTY_CONCAT(a, b) LOYALTY_CONCAT_INNER(a, b)

// LOYALTY_ASSIGN_OR_RETURN(auto value, Compute());
#define LOYALTY_ASSIGN_OR_RETURN(declaration, expression) \
  LOYALTY_ASSIGN_OR_RETURN_INNER(LOYALTY_CONCAT(result_, __LINE__), declaration, expression)
#define LOYALTY_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return result.status();                             \
  declaration = std::move(result).value()

}  // namespace loyalty

// What a connection's transport does when the system fails it.
#include "transport.h"

#include <gtest/gtest.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TSocket.h>

#include <new>

namespace loyalty::service {
namespace {

using apache::thrift::TException;
using apache::thrift::protocol::TBinaryProtocol;

class NoMemory final : public apache::thrift::transport::TSocket {
 public:
  bool isOpen() const override { return true; }
  bool peek() override { return true; }
  uint32_t read(uint8_t*, uint32_t) override { throw std::bad_alloc(); }
};

// Thrift's loop ends a connection at its own exceptions, and the process at any other.
TEST(TransportTest, NoMemoryForARequestIsItsConnectionsFault) {
  Connections connections{Connections::Limits()};
  const auto frames =
      std::make_shared<Frames>(std::make_shared<NoMemory>(), &connections, MessageLimits());
  const auto protocol = std::make_shared<TBinaryProtocol>(frames);
  EitherProtocol calls(MessageLimits(), nullptr);
  EXPECT_THROW((void)calls.process(protocol, protocol, nullptr), TException);
}

}  // namespace
}  // namespace loyalty::service

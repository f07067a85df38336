#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "loyalty/posting.h"

namespace loyalty {
namespace {

TEST(Sha256, MatchesThePublishedVectors) {  // FIPS 180-2, appendix B
  EXPECT_EQ(ToHex(Sha256({"abc"})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, PartsAreOneMessage) { EXPECT_EQ(Sha256({"ab", "", "c"}), Sha256({"abc"})); }

TEST(IdFromReference, IsTheFirstHalfOfTheDigest) {
  EXPECT_EQ(ToString(IdFromReference("abc")), "ba7816bf8f01cfea414140de5dae2223");
}

TEST(Bytes, BigEndianKeysSortAsNumbers) {
  EXPECT_LT(BigKey<uint64_t>(255), BigKey<uint64_t>(256));
  EXPECT_EQ(LoadBig<uint64_t>(BigKey<uint64_t>(0x0102030405060708).data()), 0x0102030405060708u);
}

}  // namespace
}  // namespace loyalty

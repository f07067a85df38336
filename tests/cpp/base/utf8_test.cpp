#include "loyalty/text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace loyalty {
namespace {

using std::string_view_literals::operator""sv;

TEST(Utf8Test, TakesTextsOfAllLengthsOfCharacters) {
  for (const std::string_view text : {"", "ada", "Zürich", "\u07ff", "\u0800", "\ud7ff", "\ue000",
                                      "会員", "\uffff", "\U00010000", "🎁", "\U0010ffff"}) {
    EXPECT_TRUE(IsText(text)) << text;
  }
}

TEST(Utf8Test, RefusesWhatRfc3629Forbids) {
  for (const std::string_view bytes : {
           "\0"sv,
           "a\0b"sv,
           "\x80"sv,
           "\xbf"sv,  // nothing before them
           "\xc3"sv,
           "\xe4\xbc"sv,
           "\xf0\x9f\x8e"sv,  // cut
           "\xc3("sv,
           "\xe4(\x9a"sv,
           "\xf0\x9f\x8e("sv,
           "\xc0\xaf"sv,
           "\xc1\xbf"sv,
           "\xe0\x9f\xbf"sv,
           "\xf0\x8f\xbf\xbf"sv,  // longer than need be
           "\xed\xa0\x80"sv,
           "\xed\xbf\xbf"sv,  // halves of UTF-16
           "\xf4\x90\x80\x80"sv,
           "\xf5\x80\x80\x80"sv,
           "\xff\xfe"sv,
       }) {
    EXPECT_FALSE(IsText(bytes)) << testing::PrintToString(std::string(bytes));
    EXPECT_FALSE(IsText("ada " + std::string(bytes) + " ada"));
  }
}

}  // namespace
}  // namespace loyalty

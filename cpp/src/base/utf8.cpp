#include "loyalty/text.h"

#include <cstddef>
#include <cstdint>

namespace loyalty {
namespace {

// What may follow a first byte: how many more, and the range of the first of those; the others are 80 to BF.
struct Sequence {
  size_t more = 0;  // 0: no sequence begins so
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

Sequence SequenceOf(uint8_t first) {
  if (first < 0xC2) return {};
  if (first < 0xE0) return {1};
  if (first == 0xE0) return {2, 0xA0, 0xBF};  // shorter ones say less
  if (first == 0xED) return {2, 0x80, 0x9F};  // halves of UTF-16
  if (first < 0xF0) return {2};
  if (first == 0xF0) return {3, 0x90, 0xBF};
  if (first < 0xF4) return {3};
  if (first == 0xF4) return {3, 0x80, 0x8F};  // beyond U+10FFFF
  return {};
}

}  // namespace

bool IsText(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); ++at) {
    const auto first = uint8_t(bytes[at]);
    if (first == 0) return false;
    if (first < 0x80) continue;
    const Sequence sequence = SequenceOf(first);
    if (sequence.more == 0 || bytes.size() - at <= sequence.more) return false;
    const auto second = uint8_t(bytes[at + 1]);
    if (second < sequence.low || second > sequence.high) return false;
    for (size_t i = 2; i <= sequence.more; ++i) {
      if ((uint8_t(bytes[at + i]) & 0xC0) != 0x80) return false;
    }
    at += sequence.more;
  }
  return true;
}

}  // namespace loyalty

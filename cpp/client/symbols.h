// Numbers for texts and for members, in the order in which they are first seen: what a ledger of this process would have
// as codes and slots.
//
// Thread safety: every method may be called from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "loyalty/posting.h"
#include "loyalty/status.h"

namespace loyalty::client {

class Symbols {
 public:
  uint32_t CodeOf(std::string_view text);  // 0 of an empty one
  Result<std::string> TextOf(uint32_t code) const;
  uint32_t SlotOf(const OwnedKey& key);
  Result<OwnedKey> KeyOf(uint32_t slot) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, uint32_t, std::less<>> codes_;
  std::vector<std::string> texts_{""};
  std::map<std::tuple<OwnedKey::Sort, int64_t, std::string>, uint32_t> slots_;
  std::vector<OwnedKey> keys_;
};

}  // namespace loyalty::client

#include "symbols.h"

namespace loyalty::client {

uint32_t Symbols::CodeOf(std::string_view text) {
  if (text.empty()) return 0;
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(text);
  if (found != codes_.end()) return found->second;
  const auto code = uint32_t(texts_.size());
  texts_.emplace_back(text);
  codes_.emplace(text, code);
  return code;
}

Result<std::string> Symbols::TextOf(uint32_t code) const {
  const std::lock_guard lock(mutex_);
  if (code < texts_.size()) return texts_[code];
  return Status(StatusCode::kNotFound, "there is no code " + std::to_string(code));
}

uint32_t Symbols::SlotOf(const OwnedKey& key) {
  if (key.sort == OwnedKey::kErased) return Entry::kNoMember;
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] =
      slots_.try_emplace({key.sort, key.number, key.text}, uint32_t(keys_.size()));
  if (is_new) keys_.push_back(key);
  return at->second;
}

Result<OwnedKey> Symbols::KeyOf(uint32_t slot) const {
  if (slot == Entry::kNoMember) return OwnedKey();  // an erased member's
  const std::lock_guard lock(mutex_);
  if (slot < keys_.size()) return keys_[slot];
  return Status(StatusCode::kNotFound, "there is no member " + std::to_string(slot));
}

}  // namespace loyalty::client

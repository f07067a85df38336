#include "base/hash.h"

#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdlib>
#include <memory>

#include "loyalty/posting.h"

namespace loyalty {

Digest Sha256(std::initializer_list<std::string_view> parts) {
  struct Free {
    void operator()(EVP_MD_CTX* freed) const { EVP_MD_CTX_free(freed); }
  };
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> owned(EVP_MD_CTX_new());
  // EVP_sha256() would be looked up at each call, which takes longer than hashing a short text.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* const context = owned.get();
  Digest digest;
  bool fine = context && kSha256 && EVP_DigestInit_ex(context, kSha256, nullptr);
  for (std::string_view part : parts) {
    fine = fine && EVP_DigestUpdate(context, part.data(), part.size());
  }
  if (!fine || !EVP_DigestFinal_ex(context, digest.data(), nullptr)) std::abort();  // out of memory
  return digest;
}

Digest Sha256(std::string_view text) { return Sha256({text}); }

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string ToHex(const Digest& digest) {
  std::string text;
  for (uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

Id IdFromReference(std::string_view reference) { return LoadId(Sha256({reference}).data()); }

}  // namespace loyalty

// Texts of callers, keys and codes: what other languages can read again.
#pragma once

#include <string_view>

namespace loyalty {

// Whether bytes are UTF-8 (RFC 3629) without U+0000.
bool IsText(std::string_view bytes);

}  // namespace loyalty

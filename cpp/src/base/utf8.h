// Texts of callers: what other languages can read again.
#pragma once

#include <string_view>

namespace loyalty::base {

// Whether bytes are UTF-8 (RFC 3629) without U+0000.
bool IsText(std::string_view bytes);

}  // namespace loyalty::base

// Ids that Python gives as text.
#pragma once

#include <cstdint>
#include <string_view>

#include "loyalty/posting.h"

namespace loyalty::python {

// The id that a UUID's text (36 characters, or its 32 hex digits) spells out; any other text is a
// reference, and hashed.
Id IdFromText(std::string_view text);

}  // namespace loyalty::python

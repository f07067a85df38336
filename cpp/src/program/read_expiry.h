// An expiry of the normalised form.
#pragma once

#include <string>

#include "program/expiry.h"
#include "program/json.h"

namespace loyalty::program {

// Throws Wrong.
Expiry ReadExpiry(const Json& from, const std::string& path);

}  // namespace loyalty::program

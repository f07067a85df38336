// The ladders of the normalised form.
#pragma once

#include <vector>

#include "program/json.h"
#include "program/program.h"

namespace loyalty::program {

// Throws Wrong.
std::vector<Ladder> ReadLadders(const Json& list, const std::vector<Currency>& currencies);

}  // namespace loyalty::program

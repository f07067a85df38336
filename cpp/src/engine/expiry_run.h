// The run that journals what time has done to accounts: lots that became active or expired, holds and
// confirmations whose time has passed. It changes no answer about any instant; it makes the books say so.
#pragma once

#include "engine/pipeline.h"

namespace loyalty::engine {

// Journals the run's start and end, and in between, account by account in the order of slots, what fell due
// by `as_of_us`. Stopped anywhere, the next run goes on: what is journaled is due no more. A dry run does the
// same to copies.
Result<ExpiryReport> RunExpiry(Core* core, Pipeline* pipeline, int64_t as_of_us, bool dry_run,
                               const Progress& progress);

}  // namespace loyalty::engine

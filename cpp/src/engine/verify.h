// The proof that what is derived agrees with the journal, and the journal with itself.
#pragma once

#include "engine/core.h"

namespace loyalty::engine {

// `snapshot` is a durable one: the journal is replayed up to it into a fresh state and compared page by
// page. `progress` is told sequences. Findings are in the report; a fault is only what prevented reading.
Result<VerifyReport> VerifyAll(const Core& core, const ledger::Snapshot& snapshot,
                               const Progress& progress);

std::vector<Totals> PublicTotals(const std::vector<std::string>& currencies,
                                 const std::vector<ledger::CurrencyTotals>& totals);

}  // namespace loyalty::engine

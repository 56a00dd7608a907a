// Records in, records out.
#pragma once

#include "options.h"

namespace infer {

// Runs the network over the records that have no results yet. Raises InputError.
void run_application(const Options& options);

}  // namespace infer

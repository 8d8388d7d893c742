// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "actors/session_table.hpp"
#include "supervision/system.hpp"

namespace lyceum {

/// Takes out of the session table what is over, twice a minute. The table outlives it; readers and writers do not ask it.
///
/// Crash: what is over stays in memory a little longer. Nobody is let in by it: readers look at the time themselves.
caf::behavior session_keeper(caf::event_based_actor* self, session_table* table);

} // namespace lyceum

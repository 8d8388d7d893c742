// SPDX-License-Identifier: Apache-2.0
// The pool of threads that pooled actors run on.
#pragma once

#include <caf/fwd.hpp>

namespace lyceum::supervision {

/// Makes `config` use our pool: CAF's work sharing (one queue for all threads), with a queue that wakes a thread only where none is
/// awake and looking, and a clock that the end of an actor without timeouts does not disturb.
void use_pool(caf::actor_system_config& config);

} // namespace lyceum::supervision

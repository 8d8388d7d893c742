// SPDX-License-Identifier: Apache-2.0
// The pool of threads that pooled actors run on.
#pragma once

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace lyceum::supervision {

/// Makes `config` use our pool: CAF's work sharing (one queue for all threads), with a queue that wakes a thread only where none is
/// awake and looking, and a clock that the end of an actor without timeouts does not disturb.
void use_pool(caf::actor_system_config& config);

/// How our pool is getting on.
struct pool_pace {
  std::uint64_t turns = 0; ///< that its threads have begun
  bool waited_for = false; ///< a thread waits for something to do
  bool operator==(const pool_pace&) const = default;
};
/// Nothing where the system uses another pool.
std::optional<pool_pace> pace_of_pool(caf::actor_system& actors);
/// Runs on this thread the jobs that wait in our pool's queue and that `which` picks, a turn each. How many they were.
std::size_t run_from_pool(caf::actor_system& actors, const std::function<bool(caf::resumable*)>& which);

} // namespace lyceum::supervision

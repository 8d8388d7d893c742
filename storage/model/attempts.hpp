// SPDX-License-Identifier: Apache-2.0
// How often something may go wrong before whoever does it has to wait.
#pragma once

#include "storage/model/time.hpp"

#include <chrono>
#include <optional>

namespace lyceum {

/// So many failures a window are free; the last of them, and each further one, blocks: `block_min` at first, then twice as long each
/// time up to `block_max`. One window after the last block nothing is remembered. A `block_min` of 0 blocks until the window ends, and
/// then nothing is remembered: for what all share, where doubling would let a stranger shut out everybody.
struct attempt_rule {
  int failures_max = 8;
  std::chrono::seconds window = std::chrono::hours(1);
  std::chrono::seconds block_min = std::chrono::minutes(10);
  std::chrono::seconds block_max = std::chrono::hours(12);

  bool operator==(const attempt_rule&) const = default;
};

/// What is remembered of one who fails.
struct attempts {
  int failures = 0;
  unix_time window_ends_at{}; ///< from then on it is as if nothing had been
  std::optional<unix_time> blocked_until;

  bool operator==(const attempts&) const = default;
};

/// `before` after one more failure at `now`.
attempts after_failure(const attempts& before, const attempt_rule&, unix_time now);

/// How long to wait before the next try, rounded up to a second; 0: go on. Never more than `block_max` (or the window,
/// where `block_min` is 0), whatever the clock did.
std::chrono::seconds wait_of(const attempts&, const attempt_rule&, unix_time now);

} // namespace lyceum

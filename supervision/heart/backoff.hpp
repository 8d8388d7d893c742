// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace lyceum::heart {

/// How long to wait before the next start: nothing after a server that had served, and 0, 1, 2, 4 … units after each
/// further one that died young. Pure.
class backoff {
public:
  using duration = std::chrono::milliseconds;

  backoff(duration unit, duration longest) : unit_(unit), longest_(longest) {}

  duration after_young_death();
  duration after_late_death();
  /// Deaths in a row that were young.
  int young_deaths() const { return deaths_; }

private:
  duration unit_;
  duration longest_;
  duration next_{0};
  int deaths_ = 0;
};

} // namespace lyceum::heart

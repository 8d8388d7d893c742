// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/backoff.hpp"

#include <algorithm>

namespace lyceum::heart {

backoff::duration backoff::after_young_death() {
  ++deaths_;
  auto pause = next_;
  next_ = next_ == duration::zero() ? std::min(unit_, longest_) : std::min(next_ * 2, longest_);
  return pause;
}

backoff::duration backoff::after_late_death() {
  deaths_ = 0;
  next_ = duration::zero();
  return duration::zero();
}

} // namespace lyceum::heart

// SPDX-License-Identifier: Apache-2.0
#include "actors/mail_patience.hpp"

#include <algorithm>

namespace lyceum {

bool mail_patience::may_claim(std::size_t worker, clock::time_point now) {
  if (!in_trouble())
    return true;
  if (now < next_ || (probing_ && probing_ != worker && now - probing_since_ < probe_max))
    return false;
  probing_ = worker;
  probing_since_ = now;
  return true;
}

void mail_patience::ended(std::size_t worker, delivery::result how, clock::time_point now) {
  const bool probed = probing_ == worker;
  leave(worker);
  using result = delivery::result;
  if (how == result::interrupted)
    return;
  if (how != result::unreachable && how != result::misconfigured) {
    failures_ = 0;
    probing_.reset();
    return;
  }
  if (in_trouble() && !probed) // began before the trouble: nothing new
    return;
  constexpr int doublings_max = 6; // 64 s is beyond the longest pause
  const auto pause = std::min(pause_max, pause_min * (1 << std::min(failures_, doublings_max)));
  ++failures_;
  next_ = now + std::chrono::duration_cast<clock::duration>(pause * (0.8 + 0.4 * jitter_()));
}

void mail_patience::leave(std::size_t worker) {
  if (probing_ == worker)
    probing_.reset();
}

} // namespace lyceum

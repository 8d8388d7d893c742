// SPDX-License-Identifier: Apache-2.0
#include "storage/model/attempts.hpp"

#include <algorithm>

namespace lyceum {

attempts after_failure(const attempts& before, const attempt_rule& rule, unix_time now) {
  attempts after = before;
  if (before.failures == 0 || now >= before.window_ends_at)
    after = {0, now + rule.window, std::nullopt};
  after.failures = std::min(after.failures + 1, 1'000'000);
  if (after.failures < rule.failures_max)
    return after;
  if (rule.block_min == std::chrono::seconds(0)) {
    after.blocked_until = after.window_ends_at;
    return after;
  }
  auto block = rule.block_min;
  for (int doubled = rule.failures_max; doubled < after.failures && block < rule.block_max; ++doubled)
    block *= 2;
  after.blocked_until = now + std::min(block, rule.block_max);
  after.window_ends_at = *after.blocked_until + rule.window;
  return after;
}

std::chrono::seconds wait_of(const attempts& kept, const attempt_rule& rule, unix_time now) {
  if (!kept.blocked_until || now >= *kept.blocked_until)
    return std::chrono::seconds(0);
  const auto longest = rule.block_min == std::chrono::seconds(0) ? rule.window : rule.block_max;
  return std::min(std::chrono::ceil<std::chrono::seconds>(*kept.blocked_until - now), longest);
}

} // namespace lyceum

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace lyceum {

/// A moment: microseconds since 1970-01-01T00:00:00Z. Stored as BIGINT of the same count.
using unix_time = std::chrono::sys_time<std::chrono::microseconds>;

inline unix_time now_utc() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}
inline std::int64_t micros(unix_time t) {
  return t.time_since_epoch().count();
}
inline unix_time from_micros(std::int64_t us) {
  return unix_time{std::chrono::microseconds{us}};
}

} // namespace lyceum

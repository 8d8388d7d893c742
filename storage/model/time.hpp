// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

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

// A moment in UTC, for any of the years 1 to 9999. (What formats a system_clock's time point goes by nanoseconds, which end in 2262: a grant
// until 2999 was shown as ended in 1830.)

/// RFC 3339, to the second: "2026-11-26T14:03:11Z".
std::string utc_text(unix_time);
/// For people: "2026-11-26 14:03:11 UTC".
std::string utc_words(unix_time);
/// For people who need no seconds: "2026-11-26 14:03 UTC".
std::string utc_minute(unix_time);

} // namespace lyceum

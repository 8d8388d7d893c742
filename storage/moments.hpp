// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::storage {

/// True for an IANA zone that this machine knows; "UTC" always is.
bool is_timezone(std::string_view name);

/// A date or a time as authors write it: "2024-05-01", "2024-05-01 09:30", "2024-05-01T09:30:00.5Z", "… +02:00". A date is
/// its midnight. Without a zone of its own it is `timezone`'s; a time that a clock change makes twice is the earlier one, and
/// one that it leaves out is the moment of the change. Nothing where it is not a moment of the years 1970 to 9999.
std::optional<unix_time> parse_moment(std::string_view text, std::string_view timezone);

/// A moment on the clock of a place.
struct local_moment {
  std::int64_t day = 0;           ///< days since 1970-01-01 there
  std::chrono::minutes of_day{0}; ///< since midnight, by what the clock shows
  bool operator==(const local_moment&) const = default;
};
/// What the clocks of a zone show; UTC's where this machine does not know the zone.
local_moment local_moment_of(unix_time at, std::string_view timezone);
/// "2026-11-26" for such a day.
std::string day_text(std::int64_t day);

} // namespace lyceum::storage

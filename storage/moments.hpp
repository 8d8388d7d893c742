// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/time.hpp"

#include <optional>
#include <string_view>

namespace lyceum::storage {

/// True for an IANA zone that this machine knows; "UTC" always is.
bool is_timezone(std::string_view name);

/// A date or a time as authors write it: "2024-05-01", "2024-05-01 09:30", "2024-05-01T09:30:00.5Z", "… +02:00". A date is
/// its midnight. Without a zone of its own it is `timezone`'s; a time that a clock change makes twice is the earlier one, and
/// one that it leaves out is the moment of the change. Nothing where it is not a moment of the years 1970 to 9999.
std::optional<unix_time> parse_moment(std::string_view text, std::string_view timezone);

} // namespace lyceum::storage

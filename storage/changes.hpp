// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/db.hpp"

#include <set>
#include <string>

namespace lyceum::storage {

/// The channel that PostgreSQL's listeners hear of new changes on; the payload is the newest sequence number.
inline constexpr std::string_view content_channel = "lyceum_content";
/// Changes kept at most. Who is further behind must take everything as changed.
inline constexpr std::int64_t changes_kept_max = 100000;

/// Writes the tags of what changed, in the transaction that changed it. Returns the newest sequence number. The counter's row
/// stays locked until the commit, so that sequence numbers appear in their order; call it last.
std::int64_t add_changes(db&, const std::set<std::string>& tags, unix_time now);

} // namespace lyceum::storage

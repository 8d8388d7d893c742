// SPDX-License-Identifier: Apache-2.0
// How nodes hear that what they keep of an account is stale: its sessions, its grants, its role.
#pragma once

#include "storage/db.hpp"
#include "storage/model/id.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace lyceum::storage {

/// The channel that PostgreSQL's listeners hear of new changes on; the payload is the newest sequence number in digits. On SQLite, and
/// after a lost connection, `account_seq` is asked instead: often enough for "within a second".
inline constexpr std::string_view accounts_channel = "lyceum_accounts";
/// Changes kept at most. Who is further behind must take everything as changed.
inline constexpr std::int64_t account_changes_kept_max = 100000;

/// Everything that was kept of this account must be asked for again: a session of it ended or may do more or less, a grant came or went,
/// it was suspended, renamed or deleted.
struct account_change {
  std::int64_t seq = 0;
  id account_id = 0;
};
std::int64_t account_seq(db&); ///< of the newest change; 0: none yet
/// In order, without gaps: where the first is not `seq` + 1, older ones are gone, and everything may have changed.
std::vector<account_change> account_changes_since(db&, std::int64_t seq, int limit = 10000);

} // namespace lyceum::storage

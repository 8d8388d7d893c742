// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "actors/session_table.hpp"
#include "storage/db.hpp"
#include "supervision/system.hpp"

#include <functional>
#include <string>

namespace lyceum {

/// What the keeper keeps. Outlives it.
struct session_keeping {
  session_table* table = nullptr;
  /// Tells the database that a session (its token's hash, 64 hexadecimal digits) is in use, and puts into the table what it is now. Called
  /// by a database worker; throws what the database throws.
  std::function<void(const std::string& session, storage::db&)> renew;
};

/// Looks after the session table, which outlives it, and which nobody asks it for: takes out what is over, and tells the database which
/// sessions are in use, many in one task. So the loops tell it of a session's use once a minute at the price of a note in memory, and what the
/// table holds of whoever reads on is never older than a minute or so, and lasts a quarter of an hour without a database.
///
/// Crash: what is over stays in memory a little longer, and some uses are told a minute later. Readers look at the time themselves.
caf::behavior session_keeper(caf::event_based_actor* self, const session_keeping* what, supervision::system* tree);

} // namespace lyceum

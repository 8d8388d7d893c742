// SPDX-License-Identifier: Apache-2.0
// The schema's history, forward only. Each step is one transaction, so a crash leaves the old schema or the new one.
#pragma once

#include "storage/db.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage {

struct migration {
  int version = 0;
  std::string name; ///< "catalogue"
  std::string_view sql;
  std::string checksum; ///< SHA-256 of the text, 64 hexadecimal digits
};

struct migration_state {
  int version = 0;
  std::string name;
  std::optional<unix_time> applied_at; ///< nothing: still to come
};

/// This program's history for an engine, in order.
std::vector<migration> migrations_for(engine);

/// Brings the schema up to date. Returns what it applied. Two servers that start at once take turns.
/// Throws `error` where the schema is newer than this program, or where an applied migration's text has changed since.
std::vector<migration_state> migrate(db&, unix_time now = now_utc());
/// The same with a history of the caller's, for tests.
std::vector<migration_state> migrate(db&, std::span<const migration> history, unix_time now);

/// Every migration of this program, and those that only the database knows.
std::vector<migration_state> migration_status(db&);

/// True where there is nothing to do. Throws as `migrate` does for a newer schema.
bool is_up_to_date(db&);

} // namespace lyceum::storage

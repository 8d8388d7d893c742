// SPDX-License-Identifier: Apache-2.0
// The database of a configuration, for commands that work beside a server or without one.
#pragma once

#include "ops/config.hpp"
#include "storage/db.hpp"

#include <memory>

namespace lyceum {

/// For a look that changes nothing: the database as it is, and an empty one in memory where there is none yet.
std::unique_ptr<storage::db> look_into_database(const config& cfg);

/// The database, its folder made where it is missing. Throws storage::error.
std::unique_ptr<storage::db> open_database(const config& cfg);

/// The database as a server or `lyceum migrate` left it, up to date. Throws storage::error, which says what to do, where there is none yet
/// or its schema is older than this program.
std::unique_ptr<storage::db> open_existing_database(const config& cfg);

} // namespace lyceum

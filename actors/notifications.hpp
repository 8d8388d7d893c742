// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/db_pool.hpp"
#include "actors/messages.hpp"
#include "storage/db.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace lyceum {

struct notification_options {
  std::string url;
  std::chrono::milliseconds period{
      500}; ///< between two looks where nobody can say anything (SQLite: another process imported)
  std::chrono::milliseconds fallback{5000}; ///< between two looks where PostgreSQL tells, in case that a word was lost
  std::function<void(const std::string&)> log;
};

/// How far the changes of content have been followed. Outlives the actor, so that a restart misses none and repeats none.
struct content_cursor {
  std::atomic<std::int64_t> seq = 0;
};

/// Follows the content's changes, whoever made them, and tells the page cache what to evict.
///
///   look   something was committed by this process: look at once
///
/// Detached: it waits for the database. Another process may import as well. PostgreSQL tells of it (LISTEN), and this actor waits
/// for that word, half a second at a time, so that messages get their turn; `handle` ends such a wait from outside. SQLite is asked
/// twice a second, and so is a PostgreSQL that lets nobody listen (a standby).
/// Crash: its successor goes on from the cursor.
caf::behavior notifications(caf::event_based_actor* self, const notification_options* options,
                            supervision::system* tree, content_cursor* cursor, db_worker_handle* handle);

} // namespace lyceum

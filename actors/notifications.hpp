// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/db_pool.hpp"
#include "actors/messages.hpp"
#include "storage/db.hpp"
#include "storage/model/id.hpp"
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

/// What is kept of accounts, as it hears of their changes. Outlives the actor; called on its thread.
struct account_followers {
  std::function<void(id account)> changed; ///< what is kept of this account is stale
  std::function<void()> unknown;           ///< nobody can say what changed: everything is
  std::atomic<std::int64_t> seq = -1;      ///< of the newest change that was told; -1: none was looked for yet
};

/// How far the changes of content have been followed. Outlives the actor, so that a restart misses none and repeats none.
struct content_cursor {
  std::atomic<std::int64_t> seq = 0;
};

/// Follows the content's changes, whoever made them, and tells the page cache what to evict; and those of accounts, for what is kept of
/// who is signed in.
///
///   look   something was committed by this process: look at once
///
/// Detached: it waits for the database. Another process may import as well. PostgreSQL tells of it (LISTEN), and this actor waits
/// for that word, half a second at a time, so that messages get their turn; `handle` ends such a wait from outside. SQLite is asked
/// twice a second, and so is a PostgreSQL that lets nobody listen (a standby).
/// Crash: its successor goes on from the cursor.
caf::behavior notifications(caf::event_based_actor* self, const notification_options* options,
                            supervision::system* tree, content_cursor* cursor, account_followers* accounts,
                            db_worker_handle* handle);

} // namespace lyceum

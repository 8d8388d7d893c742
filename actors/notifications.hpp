// SPDX-License-Identifier: Apache-2.0
#pragma once

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
  std::chrono::milliseconds period{500}; ///< between two looks where nobody said anything (another process imported)
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
/// Detached: it waits for the database. Besides `look` it asks for what is newer than its cursor twice a second, on both engines,
/// since another process may have imported.
/// Crash: its successor goes on from the cursor.
caf::behavior notifications(caf::event_based_actor* self, const notification_options* options,
                            supervision::system* tree, content_cursor* cursor);

} // namespace lyceum

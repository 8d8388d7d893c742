// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/db_pool.hpp"
#include "actors/hasher.hpp"
#include "actors/importer.hpp"
#include "actors/notifications.hpp"
#include "actors/page_cache.hpp"
#include "actors/session.hpp"
#include "actors/session_keeper.hpp"
#include "actors/warmer.hpp"
#include "actors/watcher.hpp"
#include "actors/webhook_actor.hpp"
#include "ops/clock.hpp"
#include "ops/console.hpp"
#include "ops/mail.hpp"
#include "supervision/control.hpp"
#include "supervision/supervisor.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace lyceum {

/// What the tree's actors are given: everything here outlives them, so that a restart finds it again. Sizes are fixed before the
/// tree is made.
struct site_parts {
  supervision::system& tree;

  db_options database;
  database_state database_health;
  std::deque<db_worker_handle> database_workers;
  notification_options changes;
  db_worker_handle listener; ///< of storage/notifications
  content_cursor cursor;
  account_followers accounts;
  session_keeping signed_in;

  page_table* pages = nullptr;
  page_store* store = nullptr;
  page_keeper::limits page_limits;
  warmer_options warming;

  render_desk desk;
  hashing_desk hashing;
  std::atomic<int> highlight_pid = 0;

  importer_options importing;
  import_news news;
  watcher_options watching;
  bool watches = false;
  wake_up watcher_bell;

  mail_parts mail;
  clock_parts clock;
  webhook_desk feedback; ///< of mails; without a topic there is none

  std::size_t sessions_max = 256;
  std::unique_ptr<session_tools> sessions;

  std::vector<loop_controls> loops;
  process_vitals vitals;
  supervision::control* control = nullptr;
  lyceum::console* console = nullptr;

  explicit site_parts(supervision::system& in) : tree(in) {}
};

/// The site as a tree: what runs, in start order; it is stopped in reverse. ARCHITECTURE.md says what each part's death costs.
supervision::child site_tree(site_parts& parts);

} // namespace lyceum

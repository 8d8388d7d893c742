// SPDX-License-Identifier: Apache-2.0
#include "ops/site_tree.hpp"

#include <fmt/format.h>

#include <csignal>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using supervision::birth;
using supervision::child;
using supervision::strategy;
using supervision::supervisor;
using supervision::worker;

/// Longer than the longest statement and the wait for a lost connection together; a visitor has had 504 long before.
constexpr auto handler_max = 8s;

/// A subsystem's budget: 5 restarts in 30 s; then it is degraded, and tried again later.
supervision::sup_flags subsystem(strategy how = strategy::one_for_one) {
  supervision::sup_flags flags;
  flags.strategy = how;
  flags.intensity = 5;
  flags.period = 30s;
  flags.pooled = true; // replaces a child within the crash's own microseconds
  return flags;
}

child noted(child what, std::string note) {
  what.note = std::move(note);
  return what;
}

child interruptible(child what, std::function<void()> interrupt) {
  what.interrupt = std::move(interrupt);
  return what;
}

/// What would be lost with this child now, counted in its mailbox: "3 jobs, asked again by their requests".
child at_stake(child what, site_parts& parts, std::string path, std::string one, std::string many) {
  what.at_stake = [&parts, path = std::move(path), one = std::move(one), many = std::move(many)] {
    const auto seen = parts.tree.states().below(path);
    const auto n = seen.empty() ? 0 : seen.front().mailbox;
    return n == 0 ? std::string() : fmt::format("{} {}", n, n == 1 ? one : many);
  };
  return what;
}

/// For detached workers whose every message has an end: whoever holds on for longer loops, and is replaced.
child hasty(child what) {
  what.handler_max = handler_max;
  return what;
}

child telemetry_tree(site_parts& parts) {
  return noted(
      supervisor({.id = "telemetry"}, subsystem(),
                 {worker({.id = "metrics"}, [&parts](birth& at) { return at.pooled(metrics_sampler, &parts.vitals); }),
                  alerts_child(parts.mail)}),
      "nothing: figures stand still");
}

child storage_tree(site_parts& parts) {
  std::vector<child> children;
  children.push_back(at_stake(
      worker({.id = "db_pool"}, [&parts](birth& at) { return at.pooled(db_pool, &parts.database, &parts.tree); }),
      parts, "storage/db_pool", "job on its way, asked again by its request", "jobs on their way, asked again"));
  const bool sqlite = storage::engine_of(parts.database.url) == storage::engine::sqlite;
  for (std::size_t i = 0; i < parts.database.workers; ++i) {
    auto* handle = &parts.database_workers.emplace_back();
    const bool writes = !sqlite || i == 0;
    const auto id = fmt::format("db-{}", i + 1);
    auto made = interruptible(hasty(worker({.id = id},
                                           [&parts, handle, writes](birth& at) {
                                             return at.detached(db_worker, &parts.database, &parts.tree,
                                                                &parts.database_health, handle, writes);
                                           })),
                              [handle] { handle->interrupt(); });
    children.push_back(at_stake(std::move(made), parts, "storage/" + id, "transaction, rolled back and asked again",
                                "transactions, rolled back and asked again"));
  }
  children.push_back(interruptible(worker({.id = "notifications"},
                                          [&parts](birth& at) {
                                            return at.detached(notifications, &parts.changes, &parts.tree,
                                                               &parts.cursor, &parts.accounts, &parts.listener);
                                          }),
                                   [&parts] { parts.listener.interrupt(); }));
  return noted(supervisor({.id = "storage"}, subsystem(), std::move(children)),
               "pages that are kept are served; others answer 503");
}

/// Pages are compressed by a neighbour, so that the page cache always answers at once.
page_encoder encoder_of(site_parts& parts) {
  return [&parts](const page_ptr& what, int quality, std::function<void(page_ptr)> done) {
    supervision::tell(parts.tree.named("cache/encoder"), encode_page{what, quality, std::move(done)});
  };
}

child cache_tree(site_parts& parts) {
  return noted(
      supervisor(
          {.id = "cache"}, subsystem(),
          {worker({.id = "page_cache"},
                  [&parts](birth& at) {
                    return at.detached(page_cache, parts.pages, parts.store, parts.page_limits, encoder_of(parts));
                  }),
           worker({.id = "session_table"},
                  [&parts](birth& at) { return at.pooled(session_keeper, &parts.signed_in, &parts.tree); }),
           worker({.id = "encoder"}, [](birth& at) { return at.detached(page_encoder_actor); }),
           worker({.id = "warmer"}, [&parts](birth& at) { return at.pooled(warmer, &parts.warming, &parts.tree); })}),
      "nothing: the table is read without it; evictions wait");
}

child rendering_tree(site_parts& parts) {
  std::vector<child> children;
  for (std::size_t i = 1; i <= parts.desk.renderers; ++i)
    children.push_back(at_stake(hasty(worker({.id = fmt::format("renderer-{}", i)},
                                             [&parts](birth& at) { return at.detached(renderer, &parts.desk); })),
                                parts, fmt::format("rendering/renderer-{}", i), "text being rendered, asked again",
                                "texts being rendered, asked again"));
  children.push_back(interruptible(
      worker({.id = "highlight"}, [&parts](birth& at) { return at.detached(highlighter, &parts.highlight_pid); }),
      [&parts] {
        if (const int pid = parts.highlight_pid; pid > 0)
          kill(pid, SIGKILL);
      }));
  return noted(supervisor({.id = "rendering"}, subsystem(), std::move(children)),
               "texts that are new wait; code stays plain");
}

child accounts_tree(site_parts& parts) {
  std::vector<child> children;
  for (std::size_t i = 1; i <= parts.hashing.hashers; ++i)
    children.push_back(
        at_stake(hasty(worker({.id = fmt::format("hasher-{}", i)}, [](birth& at) { return at.detached(hasher); })),
                 parts, fmt::format("accounts/hasher-{}", i), "password being judged, done again",
                 "passwords being judged, done again"));
  return noted(supervisor({.id = "accounts"}, subsystem(), std::move(children)),
               "signing in by password answers 503; who is signed in stays so");
}

child content_tree(site_parts& parts) {
  std::vector<child> children;
  children.push_back(at_stake(
      worker({.id = "importer"},
             [&parts](birth& at) {
               return at.detached(importer, &parts.importing, &parts.tree, &parts.desk, &parts.news);
             }),
      parts, "content/importer", "import, begun again by its successor", "imports, begun again by its successor"));
  if (parts.watches)
    children.push_back(interruptible(
        worker({.id = "watcher"},
               [&parts](birth& at) { return at.detached(watcher, &parts.watching, &parts.tree, &parts.watcher_bell); }),
        [&parts] { parts.watcher_bell.ring(); }));
  return noted(supervisor({.id = "content"}, subsystem(strategy::rest_for_one), std::move(children)),
               "nothing: what authors save is live later");
}

/// What SES says comes last, so that its restart touches no mail.
child mail_with_feedback(site_parts& parts) {
  auto made = mail_tree(parts.mail, parts.tree);
  if (!parts.feedback.topic.empty())
    made.children.push_back(interruptible(
        worker({.id = "feedback"},
               [&parts](birth& at) { return at.detached(webhook_listener, &parts.feedback, &parts.tree); }),
        [&parts] { parts.feedback.stop = true; }));
  return made;
}

child sessions_tree(site_parts& parts) {
  auto flags = subsystem();
  flags.max_children = parts.sessions_max;
  auto made = supervision::dynamic_supervisor({.id = "sessions"}, flags, [&parts](birth& at) {
    return at.pooled(session, at.args().get_as<job_ptr>(0), parts.sessions.get());
  });
  made.at_stake = [&parts] {
    const auto running = parts.tree.dynamic("sessions").running();
    return running == 0 ? std::string() : fmt::format("{} being handled, answered 503", running);
  };
  return noted(std::move(made), "requests that were being handled answer 503; kept pages are served");
}

child web_tree(site_parts& parts) {
  std::vector<child> children;
  for (std::size_t i = 0; i < parts.loops.size(); ++i)
    children.push_back(worker({.id = fmt::format("listener-{}", i + 1)},
                              [controls = &parts.loops[i]](birth& at) { return at.pooled(listener, controls); }));
  auto made = noted(supervisor({.id = "web"}, subsystem(), std::move(children)),
                    "nothing while it is replaced; stopped, nobody new is accepted");
  made.essential = true;
  return made;
}

child control_tree(site_parts& parts) {
  auto made = noted(supervisor({.id = "control"}, subsystem(),
                               {supervision::control_socket(*parts.control), console_child(*parts.console)}),
                    "nothing: `ctl` waits, and the console stands still");
  made.essential = true;
  return made;
}

} // namespace

child site_tree(site_parts& parts) {
  auto root = subsystem();
  root.spent = supervision::when_spent::degrade;
  auto first = telemetry_tree(parts);
  first.essential = true;
  return supervisor({.id = "site"}, root,
                    {std::move(first), storage_tree(parts), cache_tree(parts), rendering_tree(parts),
                     accounts_tree(parts), content_tree(parts), mail_with_feedback(parts),
                     clock_tree(parts.clock, parts.tree), sessions_tree(parts), web_tree(parts), control_tree(parts)});
}

} // namespace lyceum

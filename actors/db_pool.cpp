// SPDX-License-Identifier: Apache-2.0
#include "actors/db_pool.hpp"

#include "storage/migrate.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace lyceum {
namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// Who waits and who is idle. Pure: knows no actor but as a name to send to.
struct pool {
  struct worker {
    caf::actor actor;
    bool writes;
    bool busy;
  };
  struct waiting {
    db_task_ptr task;
    clock::time_point since;
  };
  std::vector<worker> workers;
  std::deque<waiting> queue;
  bool ticking = false; // a timer is on its way: one at a time, however often the queue runs empty and fills again

  /// A free worker for this need; readers keep the writer free where they can.
  worker* idle_for(db_use need) {
    worker* found = nullptr;
    for (auto& one : workers)
      if (!one.busy && (one.writes || need == db_use::reads) && (!found || !one.writes))
        found = &one;
    return found;
  }
  bool any_for(db_use need) const {
    return std::ranges::any_of(workers, [&](const worker& one) { return one.writes || need == db_use::reads; });
  }
};

const problem crowded{problem::kind::unavailable, "The database is busy.", 1s};

} // namespace

namespace {
constexpr auto repeat_pause = 30s; // between two lines that say nothing new
}

void database_state::tell(bool now, const std::string& what, const log_line& log) {
  away = !now;
  const bool turned = answers.exchange(now) != now;
  if (now && !turned)
    return;
  {
    std::lock_guard lock(guard_);
    const auto time = clock::now();
    if (!turned && (what == said_ || time - said_at_ < repeat_pause) && !said_.empty())
      return;
    said_ = what;
    said_at_ = time;
  }
  if (log)
    log(what);
}

void database_state::tell_unwritable(const std::string& what, const log_line& log) {
  {
    std::lock_guard lock(guard_);
    const auto time = clock::now();
    if (unwritable_at_ != clock::time_point{} && time - unwritable_at_ < repeat_pause)
      return;
    unwritable_at_ = time;
  }
  if (log)
    log("the database cannot be written; what is kept is served on: " + what);
}

void submit(supervision::system& tree, db_task_ptr task) {
  supervision::tell(tree.named("storage/db_pool"), std::move(task));
}

caf::behavior db_pool(caf::event_based_actor* self, const db_options* options, supervision::system* tree) {
  auto state = std::make_shared<pool>();
  const auto serve = [self, state, options](bool timer) {
    const auto now = clock::now();
    auto& queue = state->queue;
    for (auto at = queue.begin(); at != queue.end();) {
      // A worker first: where the whole machine paused, everybody has waited too long, and nobody needs to be sent away.
      auto* worker = now > at->task->deadline ? nullptr : state->idle_for(at->task->needs);
      if (worker != nullptr) {
        worker->busy = true;
        self->send(worker->actor, std::move(at->task));
        at = queue.erase(at);
      } else if (now - at->since > options->wait_max || now > at->task->deadline) {
        at->task->fail(crowded);
        at = queue.erase(at);
      } else {
        ++at;
      }
    }
    if (timer)
      state->ticking = false;
    if (!queue.empty() && !std::exchange(state->ticking, true))
      self->delayed_send(self, 100ms, tick_atom::value);
  };

  self->set_down_handler([state](const caf::down_msg& gone) {
    std::erase_if(state->workers, [&](const pool::worker& one) { return one.actor.address() == gone.source; });
  });
  supervision::on_inspect(self, [state] {
    const auto busy = std::ranges::count_if(state->workers, [](const pool::worker& one) { return one.busy; });
    return fmt::format(R"({{"workers":{},"busy":{},"waiting":{}}})", state->workers.size(), busy, state->queue.size());
  });
  // Workers that outlived the last pool.
  for (std::size_t i = 1; i <= options->workers; ++i)
    if (auto there = tree->named(fmt::format("storage/db-{}", i)).handle())
      self->send(caf::actor_cast<caf::actor>(there), who_atom::value);

  return {
      [self, state, options, serve](db_task_ptr& task) {
        if (state->queue.size() >= options->queue_max)
          return task->fail(crowded);
        state->queue.push_back({std::move(task), clock::now()});
        serve(false);
      },
      [self, state, serve](hello_atom, const caf::strong_actor_ptr& from, bool writes, bool finished) {
        auto actor = caf::actor_cast<caf::actor>(from);
        auto known = std::ranges::find(state->workers, actor, &pool::worker::actor);
        if (known == state->workers.end()) {
          self->monitor(actor);
          state->workers.push_back({actor, writes, false});
        } else if (finished) { // else it only says that it is there, and may have been given a task meanwhile
          known->busy = false;
        }
        serve(false);
      },
      [serve](tick_atom) { serve(true); },
  };
}

namespace {

/// One worker's connection and its manners.
class connection {
public:
  connection(const db_options& options, database_state& health, db_worker_handle& handle, bool writes,
             supervision::fence fence)
      : options_(options), health_(health), handle_(handle), writes_(writes), fence_(std::move(fence)) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { drop(); }

  /// Connects where that is due. Null while the database is away.
  storage::db* get() {
    if (db_ && db_->healthy())
      return db_.get();
    drop();
    const auto now = clock::now();
    if (now < next_try_)
      return nullptr;
    if (!writes_ && !health_.schema_ready.load(std::memory_order_acquire))
      return nullptr; // db-1 is about to make the schema, or to find out why not
    next_try_ = now + options_.reconnect_pause;
    try {
      auto fresh = storage::open(options_.url, writes_ ? storage::mode::writes : storage::mode::reads, options_.waits);
      if (writes_ && options_.migrates && !health_.schema_ready.load(std::memory_order_acquire)) {
        const supervision::unhurried migrating; // as long as it takes
        storage::migrate(*fresh);
        health_.schema_ready.store(true, std::memory_order_release);
      }
      fresh->fence([fence = fence_] { return fence.open(); });
      db_ = std::move(fresh);
      std::lock_guard lock(handle_.guard);
      handle_.connection = db_.get();
    } catch (
        const storage::error& away) { // refused, no rights, a schema from the future: nothing that a restart would mend
      note(away.what());
      return nullptr;
    }
    health_.tell(true, "the database answers", options_.log);
    next_try_ = {};
    return db_.get();
  }

  void run(db_task& task) {
    if (clock::now() > task.deadline)
      return task.fail(crowded);
    constexpr int tries = 3;
    for (int i = 1;; ++i) {
      auto* db = get();
      if (!db)
        return task.fail({problem::kind::unavailable, "The database is away.", 2s});
      try {
        return task.perform(*db);
      } catch (const storage::outage& away) {
        note(away.what());
        return task.fail({problem::kind::unavailable, "The database is away.", 2s});
      } catch (const storage::retry& busy) {
        if (i == tries)
          return task.fail({problem::kind::unavailable, busy.what(), 1s});
      } catch (const storage::timeout& late) {
        return task.fail({problem::kind::timeout, late.what()});
      } catch (const storage::unwritable& full) {
        health_.tell_unwritable(full.what(), options_.error);
        return task.fail({problem::kind::unavailable, "The database cannot be written.", 10s});
      } catch (const storage::interrupted&) {
        return task.fail({problem::kind::unavailable, "The part that asks the database was restarted.", 1s});
      } catch (const std::exception& fault) {
        // One guard for all handlers: a visitor's request never ends what others share.
        return task.fail({problem::kind::internal, fault.what()});
      }
    }
  }

private:
  void note(const std::string& why) {
    drop();
    health_.tell(false, "the database is away: " + why, options_.error);
  }
  void drop() {
    std::lock_guard lock(handle_.guard);
    if (handle_.connection == db_.get()) // else it is the successor's already, and this life was given up
      handle_.connection = nullptr;
    db_.reset();
  }

  const db_options& options_;
  database_state& health_;
  db_worker_handle& handle_;
  const bool writes_;
  supervision::fence fence_;
  std::unique_ptr<storage::db> db_;
  clock::time_point next_try_{};
};

} // namespace

caf::behavior db_worker(caf::event_based_actor* self, const db_options* options, supervision::system* tree,
                        database_state* health, db_worker_handle* handle, bool writes) {
  auto link = std::make_shared<connection>(*options, *health, *handle, writes, supervision::fence_of(self));
  const auto hello = [self, tree, writes](bool finished) {
    supervision::tell(tree->named("storage/db_pool"), hello_atom::value, caf::actor_cast<caf::strong_actor_ptr>(self),
                      writes, finished);
  };
  // So that the schema stands before others start. Where the database is away, that is a state, and one worker's wait finds it out:
  // were each to wait for a host that does not answer, their supervisor could not start in time.
  if (!health->away)
    link->get();
  hello(false);
  // While the database is away nobody sends work for long: look now and then, so that its return is noticed without a visitor.
  self->delayed_send(self, options->reconnect_pause, tick_atom::value);
  return {
      [link, hello](db_task_ptr& task) {
        auto mine = std::move(task);
        link->run(*mine);
        mine.reset();
        hello(true);
      },
      [hello](who_atom) { hello(false); },
      [self, link, options](tick_atom) {
        link->get();
        self->delayed_send(self, options->reconnect_pause, tick_atom::value);
      },
  };
}

} // namespace lyceum

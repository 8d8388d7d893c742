// SPDX-License-Identifier: Apache-2.0
// Work for workers that may die at any moment: each task is done once, or fails once. Knows no CAF.
#pragma once

#include "actors/exchange.hpp"
#include "storage/model/rendered.hpp"
#include "views/markdown.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace lyceum {

/// One piece of work with the database. `work` tells its own outcome; where it never ran to its end, `failed` is called instead:
/// `lost` says that its worker was replaced (asking again may help at once), otherwise the problem says what is the matter.
/// A task that is dropped anywhere on the way fails as lost. Callbacks run on any thread, must be quick and must not throw.
class db_task {
public:
  using clock = std::chrono::steady_clock;

  db_task(db_use what, std::function<void(storage::db&)> work, std::function<void(const problem&, bool lost)> failed,
          clock::time_point until = clock::now() + std::chrono::seconds(4))
      : needs(what), deadline(until), work_(std::move(work)), failed_(std::move(failed)) {}
  db_task(const db_task&) = delete;
  db_task& operator=(const db_task&) = delete;
  ~db_task() { settle({problem::kind::unavailable, "The part that asks the database was restarted."}, true); }

  const db_use needs;
  const clock::time_point deadline;

  /// Runs the work. What it throws passes through, and leaves the task unsettled.
  void perform(storage::db& db) {
    work_(db);
    settled_.store(true, std::memory_order_release);
  }
  void fail(const problem& why) { settle(why, false); }

private:
  void settle(const problem& why, bool lost) {
    if (!settled_.exchange(true, std::memory_order_acq_rel))
      failed_(why, lost);
  }

  std::function<void(storage::db&)> work_;
  std::function<void(const problem&, bool)> failed_;
  std::atomic<bool> settled_ = false;
};
using db_task_ptr = std::shared_ptr<db_task>;

/// One text to render: bytes in, HTML out. Same rules as `db_task`.
class render_task {
public:
  using answer = std::function<void(expected<rendered_text>&&, bool lost)>;

  render_task(render_input what, views::colours known, answer done)
      : input(std::move(what)), colours(std::move(known)), done_(std::move(done)) {}
  render_task(const render_task&) = delete;
  render_task& operator=(const render_task&) = delete;
  ~render_task() { settle(fail(problem::kind::unavailable, "A renderer was restarted."), true); }

  const render_input input;
  const views::colours colours;

  void settle(expected<rendered_text>&& made, bool lost = false) {
    if (!settled_.exchange(true, std::memory_order_acq_rel))
      done_(std::move(made), lost);
  }

private:
  answer done_;
  std::atomic<bool> settled_ = false;
};
using render_task_ptr = std::shared_ptr<render_task>;

} // namespace lyceum

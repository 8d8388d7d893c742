// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "storage/db.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace lyceum {

/// How the database is, told by its workers. Outlives them.
struct database_state {
  using log_line = std::function<void(const std::string&)>;

  std::atomic<bool> answers = false;      ///< the last thing that a worker heard of it
  std::atomic<bool> away = false;         ///< and it was an outage, or a schema that is not ours
  std::atomic<bool> schema_ready = false; ///< migrations are done; readers wait for it

  /// What a worker found out: said when it differs from what was said last (another reason is news, too), and at most once
  /// in 30 s where it goes on changing.
  void tell(bool now, const std::string& what, const log_line& log);
  /// Reading goes on, writing does not: said once in 30 s.
  void tell_unwritable(const std::string& what, const log_line& log);

private:
  std::mutex guard_;
  std::string said_;
  std::chrono::steady_clock::time_point said_at_{};
  std::chrono::steady_clock::time_point unwritable_at_{};
};

struct db_options {
  std::string url;
  storage::limits waits;
  std::size_t workers = 4;                         ///< db-1 … db-N; on SQLite db-1 writes and the others read
  std::size_t queue_max = 64;                      ///< tasks that wait for a worker
  std::chrono::milliseconds wait_max{1000};        ///< longest wait for a worker; then `unavailable`
  std::chrono::milliseconds reconnect_pause{2000}; ///< at most one attempt to connect in this time
  bool migrates = true;                            ///< db-1 brings the schema up to date when it connects
  std::function<void(const std::string&)> log;     ///< that it answers
  std::function<void(const std::string&)> error;   ///< that it does not
};

/// The queue before the database.
///
///   db_task_ptr   goes to an idle worker that can do it, or waits, bounded in number and time
///   hello, from, writes, finished    a worker is there; `finished`: done with the task that it was given
///
/// Crash: what waits fails as lost and is asked again by its session; the successor asks the workers who is there.
caf::behavior db_pool(caf::event_based_actor* self, const db_options* options, supervision::system* tree);

/// One connection. Detached: SQL blocks. A database that is away is a state, not a crash: tasks are answered `unavailable` and
/// connecting is tried again after a pause.
///
///   db_task_ptr   runs it, rolls back what it throws, and hands the fault to that task alone
///   who           says hello
///
/// Crash: the task at hand fails as lost; the successor opens a connection of its own.
struct db_worker_handle {
  std::mutex guard;
  storage::db* connection = nullptr; ///< for `interrupt`, which another thread calls
  void interrupt() {
    std::lock_guard lock(guard);
    if (connection)
      connection->interrupt();
  }
};
caf::behavior db_worker(caf::event_based_actor* self, const db_options* options, supervision::system* tree,
                        database_state* health, db_worker_handle* handle, bool writes);

/// Sends a task to the pool of a tree. Any thread.
void submit(supervision::system& tree, db_task_ptr task);

} // namespace lyceum

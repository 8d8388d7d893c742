// SPDX-License-Identifier: Apache-2.0
// What the supervisors, the system and the watchdog share. Not for others.
#pragma once

#include "supervision/engine.hpp"
#include "supervision/system.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace lyceum::supervision {

/// The promise of an answer, kept by its destructor where a supervisor dies with the question in its mailbox.
class pending_answer {
public:
  explicit pending_answer(outcome_callback to) : to_(std::move(to)) {}
  pending_answer(const pending_answer&) = delete;
  pending_answer& operator=(const pending_answer&) = delete;
  ~pending_answer() { give({false, "noproc", "its supervisor ended before it could answer", 0, node_state::down}); }
  void give(outcome what) {
    if (auto to = std::exchange(to_, nullptr))
      to(std::move(what));
  }

private:
  outcome_callback to_;
};
using answer_ptr = std::shared_ptr<pending_answer>;

/// The same for a call in OTP's words.
class pending_reply {
public:
  explicit pending_reply(reply_callback to) : to_(std::move(to)) {}
  pending_reply(const pending_reply&) = delete;
  pending_reply& operator=(const pending_reply&) = delete;
  ~pending_reply() {
    supervisor_reply gone;
    gone.error = errc::noproc;
    give(std::move(gone));
  }
  void give(supervisor_reply what) {
    if (auto to = std::exchange(to_, nullptr))
      to(std::move(what));
  }

private:
  reply_callback to_;
};
using reply_ptr = std::shared_ptr<pending_reply>;

/// A place among a dynamic supervisor's max_children, from the call until the child's end.
struct ticket {
  explicit ticket(std::shared_ptr<dynamic_children::gate> of) : gate(std::move(of)) {}
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;
  ~ticket() { gate->count.fetch_sub(1, std::memory_order_relaxed); }
  std::shared_ptr<dynamic_children::gate> gate;
};

// --- messages -------------------------------------------------------------------------------------------------------

struct said_message { ///< child to supervisor
  enum class kind { started, ignored, failed };
  kind what;
  child_handle number;
  std::string text;
};
struct sys_message { ///< to a child; handled ahead of its own behaviour
  enum class kind { suspend, resume, inspect };
  kind what;
  answer_ptr done;
};
struct run_message {
  std::function<void()> what;
};
struct op_message { ///< to a supervisor, about a child
  operation what;
  std::string id;
  std::shared_ptr<child> extra; ///< for a child that is added
  answer_ptr done;
  std::uint64_t if_generation = 0; ///< only to this life; 0: to any
};
struct call_message { ///< to a supervisor, in OTP's words
  supervisor_call what;
  std::shared_ptr<supervision::ticket> ticket; ///< for start_child of a dynamic one
  reply_ptr done;
};
struct dynamic_start {
  caf::message args;
  std::shared_ptr<supervision::ticket> ticket;
};
struct tick_message {};

// --- what outlives actors -------------------------------------------------------------------------------------------

/// One that lives, for those who must wait for its end when its supervisor is gone.
struct alive_entry {
  caf::strong_actor_ptr who;
  std::shared_ptr<supervision::vitals> vitals;
  std::function<void()> interrupt;
};
/// The children of one life of a dynamic supervisor.
struct roster {
  std::mutex guard;
  std::unordered_map<child_handle, alive_entry> all;
};

/// What the watchdog has said of a child's handler.
struct watched {
  std::uint64_t generation = 0;
  std::int64_t since_ns = 0;  ///< tells that handler from the next
  milliseconds first_seen{0}; ///< how long it had been running then, and what its thread had used
  milliseconds first_cpu{0};
  bool named = false;
  bool replaced = false;
};

struct system::inner {
  inner(caf::actor_system& on, system_options with, supervision::system& tree)
      : self(tree), actors(on), options(std::move(with)), crashes(options.crashes), poison(options.poison) {}

  supervision::system& self;
  caf::actor_system& actors;
  const system_options options;
  registry states;
  crash_log crashes;
  quarantine poison;
  std::atomic<std::uint64_t> demoted = 0; ///< threads of lives that were given up, since start

  std::mutex guard;
  std::map<std::string, std::unique_ptr<route>, std::less<>> routes;
  std::map<std::string, std::shared_ptr<dynamic_children::gate>, std::less<>> gates;
  std::map<std::string, std::shared_ptr<roster>, std::less<>> rosters;
  std::map<std::string, alive_entry, std::less<>> alive; ///< static children by path
  std::map<std::string, milliseconds, std::less<>> handler_max;
  std::map<std::string, std::function<std::string()>, std::less<>> at_stake; ///< by path
  bool stopping = false;

  // The root's life.
  std::mutex root_guard;
  std::condition_variable root_changed;
  caf::actor root;
  bool root_up = false;
  bool root_ended = false;
  bool root_ignored = false;
  std::string root_reason;

  // The watchdog's thread.
  std::thread watch;
  std::mutex watch_guard;
  std::condition_variable watch_wake;
  bool watch_over = false;
  std::thread relief; ///< runs the pooled supervisors while all threads of the pool are held
  std::atomic<bool> relieving = false;
  std::atomic<bool> relief_over = false;
  caf::actor canary;
  std::atomic<std::int64_t> canary_heard_ns = 0;

  route& named(std::string_view path);
  /// Strong handles of all that live below this path, roster children included.
  std::vector<std::pair<std::string, alive_entry>> living_below(const std::string& path);
  std::vector<route*> routes_below(const std::string& path);
  /// The supervisor that lives at a normal path now; empty where there is none, or a worker.
  caf::actor supervisor_at(const std::string& path);
  void say(const std::string& line) const;
  void watch_loop();
  void look_for_stuck(std::map<std::string, watched>& known);
  void demote_abandoned();
  void relieve_pool(std::uint64_t turns); ///< that the pool had begun when it was held
  void tell_inherited();
  void tell_quarantined(const quarantine::row& held, std::uint64_t generation);
  void start_watch();
  void end_watch();
};

/// Spawns the actor of a supervisor. `parent` null: the root.
caf::actor spawn_supervisor(caf::event_based_actor* parent, birth_certificate of, std::shared_ptr<const child> what);
caf::actor spawn_root(caf::actor_system& actors, birth_certificate of, std::shared_ptr<const child> what);

std::string child_path(const registry& states, const std::string& parent, const std::string& id);

} // namespace lyceum::supervision

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::said_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::sys_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::run_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::op_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::dynamic_start)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::tick_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::call_message)

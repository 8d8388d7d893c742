// SPDX-License-Identifier: Apache-2.0
// A supervisor's decisions, as a pure state machine: events and the time go in, effects come out. Knows no CAF and no thread.
#pragma once

#include "supervision/child_spec.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lyceum::supervision {

/// One life of one child, named by the engine. 0: none.
using child_handle = std::uint64_t;
using call_id = std::uint64_t;

struct exit_reason {
  enum class kind { normal, shutdown, killed, crash };
  kind what = kind::normal;
  std::string text;          ///< for people: what() and the like
  bool budget_spent = false; ///< a supervisor that gave up, rather than one that was told to stop

  bool clean() const noexcept { return what == kind::normal || what == kind::shutdown; }
};
std::string to_string(const exit_reason&);

/// A call to a supervisor: OTP's API, and an operator's commands.
struct call {
  enum class op {
    start_child, ///< `spec`; for simple_one_for_one a child of the template
    terminate_child,
    restart_child,
    delete_child,
    which_children,
    count_children,
    get_childspec,
    kill,      ///< `as_crash` spends the budget
    restart,   ///< orderly, with dependants
    start_now, ///< like restart_child; a restarting or degraded child is tried at once
    degrade,
    reset,
  };
  op what = op::which_children;
  std::string id{};
  child_handle handle = 0; ///< terminate_child and get_childspec by handle
  bool alive = false;      ///< with a handle that the engine does not know: whether somebody lives there
  child_spec spec{};
  bool has_start = true;
  bool as_crash = false;
};
struct child_info {
  std::string id; ///< empty for simple_one_for_one
  slot_state state = slot_state::undefined;
  child_handle handle = 0;
  child_type type = child_type::worker;
};
struct call_result {
  errc error = errc::none;
  std::string detail;      ///< start_error: why
  child_handle handle = 0; ///< 0 with errc::none: ok(undefined)
  std::string info;        ///< what the child said when it started: OTP's ok(child, info)
  slot_state state = slot_state::undefined;
  std::vector<child_info> children;
  child_counts counts;
  std::optional<child_spec> spec; ///< get_childspec; start_error: the spec that has been discarded
};

/// What the adapter has to do, in order.
struct effect {
  enum class kind {
    start, ///< spawn `child` for slot `id`, then say started / ignored / failed (or down). `previous`: the life that it replaces;
    ///< `call`: who asked for it, 0 where nobody did
    ask,       ///< ask `child` to stop
    kill,      ///< kill `child`; interrupt what blocks it
    abandon,   ///< `child` did not end in time: forget it and fence it off
    state,     ///< slot `id` is now seen as `state`, its life is `child`; `retry_at` where it will be tried again
    removed,   ///< slot `id` is no more (of a dynamic child that would have been restarted: `child` was its last life)
    restarted, ///< slot `id` spent one restart
    reply,     ///< to `call`
    report,    ///< `report`, slot `id`, life `child`, `reason`; `detail` is the decision
    up,        ///< all children have been started: tell the parent
    ignored,   ///< there is nothing to supervise: tell the parent
    ended,     ///< the supervisor is over, for `reason`
  };
  enum class report_kind { none, child_terminated, start_error, shutdown_error, budget_spent, abandoned, degraded };
  kind what = kind::report;
  child_handle child = 0;
  child_handle previous = 0;
  std::string id;
  slot_state state = slot_state::undefined;
  time_point retry_at{};
  exit_reason reason;
  call_id call = 0;
  call_result result;
  report_kind report = report_kind::none;
  std::string detail;
};

/// One supervisor. Stop and start sequences are steps: while one runs, calls and exits of others wait inside, as in OTP's mailbox.
class engine {
public:
  /// `seed` is for the ± 20 % of the pauses. `has_start` false makes every spec fail as `missing_start`.
  engine(sup_flags flags, std::vector<child_spec> specs, std::uint64_t seed = 1);

  /// Events. Effects collect in order; `take` hands them out.
  void start(time_point now);
  void init_ignored(time_point now);                    ///< instead of `start`: there is nothing to supervise
  void init_failed(std::string reason, time_point now); ///< instead of `start`
  void started(child_handle, time_point now, std::string info = {});
  void ignored(child_handle, time_point now);
  void failed(child_handle, std::string reason, time_point now);
  void down(child_handle, exit_reason reason, time_point now);
  void ask(call_id, call what, time_point now);
  void shutdown(exit_reason why, time_point now);
  void tick(time_point now);

  std::vector<effect> take() { return std::exchange(out_, {}); }
  /// When `tick` wants to be called. Absent: not until something else happens.
  std::optional<time_point> next_deadline() const;

  bool over() const noexcept { return over_; }
  bool busy() const noexcept { return plan_.what != plan::kind::none; }
  const sup_flags& flags() const noexcept { return flags_; }
  std::size_t live() const noexcept { return by_handle_.size(); }

  static constexpr milliseconds healthy_after{60'000}; ///< a child that ran so long has its pauses forgotten
  static constexpr milliseconds pause_max{30'000};     ///< between tries of a degraded child
  static constexpr milliseconds retry_min{10};         ///< between failed restarts, doubled up to
  static constexpr milliseconds retry_max{1000};

private:
  struct slot {
    child_spec spec;
    slot_state state = slot_state::undefined;
    child_handle handle = 0;
    child_handle last = 0;  // the latest attempt
    child_handle lived = 0; // the latest life that had started
    std::optional<time_point> retry_at;
    int failures = 0; // failed restarts in a row
    int pauses = 0;   // of a degraded child
    time_point running_since{};
    std::vector<time_point> spent; // under when_spent::degrade; few, and empty costs nothing
    std::list<slot>::iterator self;
  };
  struct plan {
    enum class kind { none, initial, restart, start_new, start_one, stop_one, kill_one, stop_degrade, shutdown };
    kind what = kind::none;
    // Lists, since an empty deque costs two allocations, and there is a plan for each dynamic child.
    std::list<slot*> stop;
    std::list<slot*> start;
    slot* subject = nullptr;
    call_id call = 0;
    bool spend = false;  // kill_one
    bool brutal = false; // kill_one
    bool hold = false;   // stop_degrade: until an operator says otherwise
    exit_reason why;     // shutdown
    call_result result;  // what a waiting call will hear
  };
  enum class phase { none, stopping, killing, starting, start_killing };
  struct waiting {
    slot* who = nullptr;
    child_handle handle = 0;
    phase at = phase::none;
    bool brutal = false;
    bool timed_out = false;
    std::optional<time_point> deadline;
  };
  /// A dynamic child that is being stopped while the others, and calls, go on.
  struct aside {
    phase at = phase::stopping; // none: abandoned, its end is only to be booked
    bool brutal = false;        // `killed` is what was wanted
    bool comes_back = false;
    bool spend = false;
    std::vector<call_id> calls;
    std::optional<time_point> deadline;
  };
  struct event {
    child_handle down = 0;
    exit_reason reason;
    call_id id = 0;
    call what;
  };

  // engine.cpp, engine_restart.cpp, engine_slots.cpp
  effect& emit(effect::kind what, const slot* of = nullptr);
  void show(slot& s, slot_state seen, std::optional<time_point> retry_at = {});
  void advance(time_point now);
  bool next_event(time_point now);
  void begin_stop(slot& s, time_point now);
  void end_stop(slot& s, child_handle h, const exit_reason& reason, bool abandoned, time_point now);
  void begin_start(slot& s, time_point now);
  void end_start(slot& s, bool ok, const std::string& reason, time_point now);
  void start_error(slot& s, const std::string& reason, time_point now);
  void finish_plan(time_point now);
  void handle_down(slot& s, const exit_reason& reason, time_point now);
  void restart_slot(slot& s, bool spend, call_id reply_to, time_point now);
  bool spend_restart(slot& s, time_point now);
  void budget_spent(slot& s, call_id reply_to, time_point now);
  void to_degraded(slot& s, const std::string& reason, time_point now);
  void begin_shutdown(exit_reason why);
  void check_auto_shutdown(const slot& ended);
  void erase(slot& s);
  slot& insert(child_spec spec);
  slot* find(const std::string& id);
  slot* find(child_handle h);
  void drop_handle(slot& s);
  void report(effect::report_kind kind, const slot& s, child_handle h, exit_reason reason, std::string detail);
  bool degrades() const noexcept { return flags_.spent == when_spent::degrade; }
  bool simple() const noexcept { return flags_.strategy == strategy::simple_one_for_one; }
  time_point::duration retry_pause(const slot& s) const;

  // engine_calls.cpp
  void run_call(call_id id, const call& what, time_point now);
  void reply(call_id id, call_result what);
  void refuse(call_id id, errc why, std::string detail = {});
  call_result describe(bool list) const;

  // engine_dynamic.cpp: a simple_one_for_one stops all at once, with one timer, or one beside the others
  void run_dynamic_call(call_id id, const call& what, time_point now);
  void begin_mass_stop(time_point now);
  void mass_down(slot& s, child_handle h, const exit_reason& reason, time_point now);
  void mass_deadline(time_point now);
  void stop_aside(slot& s, call_id id, const call& what, time_point now);
  void end_aside(slot& s, const exit_reason& reason, time_point now);
  void asides_deadline(time_point now);
  bool clean_stop(const slot& s, const exit_reason& reason, bool brutal) const;

  sup_flags flags_;
  std::vector<child_spec> initial_;
  std::optional<child_spec> template_;
  std::minstd_rand random_;
  std::list<slot> slots_;
  std::unordered_map<std::string, slot*> by_id_;
  std::unordered_map<child_handle, slot*> by_handle_;
  std::vector<slot*> retrying_;
  std::vector<time_point> spent_;
  plan plan_;
  waiting wait_;
  std::unordered_map<slot*, aside> asides_;
  phase mass_ = phase::none;
  std::optional<time_point> mass_deadline_;
  std::deque<event> pending_;
  std::optional<exit_reason> stop_wanted_;
  bool up_ = false;
  bool over_ = false;
  child_handle handles_ = 0;
  std::vector<effect> out_;
};

} // namespace lyceum::supervision

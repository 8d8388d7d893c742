// SPDX-License-Identifier: Apache-2.0
// The tree as a whole.
#pragma once

#include "supervision/crash_log.hpp"
#include "supervision/engine.hpp"
#include "supervision/quarantine.hpp"
#include "supervision/registry.hpp"
#include "supervision/route.hpp"
#include "supervision/supervisor.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lyceum::supervision {

/// The configuration that every CAF system of ours runs with: one queue for max(2, cores) threads (supervision/scheduler.hpp),
/// throughput 50, silent loggers. Measured: the stock policy spawns 20 to 130 times slower, and an unlimited throughput starves
/// neighbours.
std::unique_ptr<caf::actor_system_config> caf_config();

using route = basic_route<caf::strong_actor_ptr>;

/// What came of a command.
struct outcome {
  bool ok = true;
  std::string code;             ///< OTP's word: "not_found", "running", "already_started", "timeout", "noproc"
  std::string detail;           ///< a sentence for people; for `inspect` the state's summary
  std::uint64_t generation = 0; ///< the child's generation afterwards
  node_state state = node_state::stopped;
  explicit operator bool() const noexcept { return ok; }
};
using outcome_callback = std::function<void(outcome)>;

enum class operation {
  restart,       ///< orderly stop, then start; with dependants, as the strategy says; spends no budget
  stop,          ///< OTP's terminate_child
  start,         ///< OTP's restart_child; a restarting or degraded child is tried now
  kill,          ///< brutal, then restarted; spends no budget; answers after the DOWN and the new start
  kill_as_crash, ///< the same, but spends the budget
  remove,        ///< OTP's delete_child: of a stopped one
  suspend,       ///< stops taking messages; still killable
  resume,
  inspect, ///< asks the actor for its summary
  degrade, ///< stops it until `undegrade` or `start`
  undegrade,
  reset, ///< forgets spent restarts and pauses
};
/// From "kill", "restart" …; false where there is no such operation.
bool parse_operation(std::string_view word, operation& to);

/// A call to a supervisor, in OTP's words.
struct supervisor_call {
  call::op what = call::op::which_children;
  std::string id{};               ///< of the child
  caf::actor whom{};              ///< or who it is: for dynamic children, which have no ids
  caf::message args{};            ///< start_child of a dynamic supervisor
  std::shared_ptr<child> extra{}; ///< start_child of any other
};
/// A row of which_children. A handle that is kept for long pins the thread of a detached child after its death.
struct child_row {
  std::string id;    ///< empty for dynamic children
  caf::actor living; ///< empty: see `state`, OTP's `restarting` or `undefined`
  slot_state state = slot_state::undefined;
  child_type type = child_type::worker;
};
/// What it came to. `name_of(error)` is OTP's word.
struct supervisor_reply {
  errc error = errc::none;
  std::string detail;              ///< start_error: why
  caf::actor living;               ///< who lives there now; empty without an error: OTP's ok(undefined)
  std::string info;                ///< what it said at its start (`life::started`)
  std::vector<child_row> children; ///< which_children: in reverse start order
  child_counts counts;             ///< count_children
  std::optional<child_spec> spec;  ///< get_childspec, defaults filled in; start_error: the spec that was discarded
  explicit operator bool() const noexcept { return error == errc::none; }
};
using reply_callback = std::function<void(supervisor_reply)>;

/// A live supervisor of temporary children. Cheap to copy; keep one where children are started often. Any thread.
class dynamic_children {
public:
  /// Starts a child whose start function sees `args`. Never blocks. False (nothing happens, `args` are dropped) where
  /// max_children run already or the supervisor is given up; while it restarts, the start waits, bounded, as in any route.
  bool start(caf::message args) const;
  std::size_t running() const; ///< starts that are on their way included

  struct gate {
    std::atomic<std::size_t> count = 0;
    std::size_t max = SIZE_MAX;
    route* to = nullptr;
  };
  explicit dynamic_children(std::shared_ptr<gate> of) : gate_(std::move(of)) {}

private:
  std::shared_ptr<gate> gate_;
};

/// Something outside of the tree that `health` has to name: "the database is away".
struct condition {
  std::string path;   ///< of the part that it concerns
  std::string state;  ///< a word: "away"
  std::string detail; ///< a sentence
};

struct system_options {
  crash_log::limits crashes;
  quarantine::limits poison;
  milliseconds named_after{4000};        ///< a handler that runs longer is reported, whatever its limit
  std::size_t abandoned_max = 16;        ///< lives given up that may still run; beyond it `fit` is false
  milliseconds pooled_handler_max{5000}; ///< see child::handler_max
  parking_limits parking;
  std::function<void(const std::string&)> log; ///< one sentence an event; any thread; must be quick
  std::function<std::vector<condition>()>
      conditions;                                 ///< what is wrong now outside of the tree; any thread; must be quick
  std::function<void(const std::string&)> on_end; ///< the root ended by itself, for this reason: end the process
};

/// Owns what outlives every actor: states, crash log, routes, the watchdog's thread. Must outlive the tree's actors, so it stops them
/// when it goes (at most 5 s; then it leaves, and the process should `_exit`).
class system {
public:
  explicit system(caf::actor_system& actors, system_options options = {});
  ~system();
  system(const system&) = delete;
  system& operator=(const system&) = delete;

  /// Starts the tree and waits until it stands or has failed. Not from an actor. Once.
  outcome start(child root);
  /// Stops in reverse order. True if everything ended before the deadline; else somebody still runs, and the caller should `_exit`.
  bool stop(milliseconds deadline);

  /// The route of a path, "cache/page_cache". Valid as long as this object; unknown names wait for somebody to be born there.
  route& named(std::string_view path);
  /// The dynamic supervisor of a path. Works before the tree is started.
  dynamic_children dynamic(std::string_view path);

  registry& states() noexcept;
  const registry& states() const noexcept;
  crash_log& crashes() noexcept;
  quarantine& poison() noexcept;
  caf::actor_system& actors() noexcept;

  /// An operator's command. Any thread; `then` is called once, on some thread, and must be quick. No deadline of its own.
  /// `if_generation`: only to this life (0: to any); where another has begun, the code is "generation".
  void operate(operation what, std::string_view path, outcome_callback then, std::uint64_t if_generation = 0);
  /// The same, waiting. Not from an actor.
  outcome operate(operation what, std::string_view path, milliseconds timeout = milliseconds{5000});
  /// OTP's start_child on a running supervisor. The child is lost when that supervisor restarts.
  void add_child(std::string_view supervisor, child what, outcome_callback then);
  /// OTP's API on the supervisor of a path; the root's id, or "", is the root. A supervisor that does not live answers noproc at
  /// once. Calls wait while it stops and starts others, as in OTP, but no longer than `timeout`. Not from an actor; those use
  /// `call_supervisor`, whose `then` is called once, on some thread, and must be quick.
  supervisor_reply which_children(std::string_view supervisor, milliseconds timeout = milliseconds{5000});
  supervisor_reply count_children(std::string_view supervisor, milliseconds timeout = milliseconds{5000});
  supervisor_reply get_childspec(std::string_view supervisor, std::string_view id,
                                 milliseconds timeout = milliseconds{5000});
  supervisor_reply get_childspec(std::string_view supervisor, const caf::actor& whom,
                                 milliseconds timeout = milliseconds{5000});
  supervisor_reply start_child(std::string_view supervisor, child what, milliseconds timeout = milliseconds{5000});
  supervisor_reply start_child(std::string_view supervisor, caf::message args,
                               milliseconds timeout = milliseconds{5000});
  supervisor_reply terminate_child(std::string_view supervisor, std::string_view id,
                                   milliseconds timeout = milliseconds{5000});
  supervisor_reply terminate_child(std::string_view supervisor, const caf::actor& whom,
                                   milliseconds timeout = milliseconds{5000});
  supervisor_reply restart_child(std::string_view supervisor, std::string_view id,
                                 milliseconds timeout = milliseconds{5000});
  supervisor_reply delete_child(std::string_view supervisor, std::string_view id,
                                milliseconds timeout = milliseconds{5000});
  void call_supervisor(std::string_view supervisor, supervisor_call what, reply_callback then);

  /// Waits until this path, and all below, is running. Not from an actor.
  bool wait_serving(std::string_view path, milliseconds timeout);

  /// True where the shared scheduler answers: a pooled canary was heard within the last 4 s.
  bool pool_alive() const noexcept;
  /// True where the pool answers and few threads are lost to lives that never end: feed the heart with it.
  bool fit() const { return pool_alive() && abandoned() <= abandoned_max(); }
  std::size_t abandoned_max() const noexcept;
  std::uint64_t
  demoted() const noexcept; ///< threads of given up lives that wait for all others now, counted since start
  /// Lives that were given up and still run. Beyond a few, a new process is the cure.
  std::size_t abandoned() const;

  struct inner; ///< the supervisors' side; see supervisor.cpp
  inner& inside() noexcept { return *inner_; }

private:
  supervisor_reply call_and_wait(std::string_view supervisor, supervisor_call what, milliseconds timeout);

  std::unique_ptr<inner> inner_;
};

/// Sends to a name, from any thread. False where it failed at once. What waits for a restart and waits too long is dropped: put a
/// reply slot into the message, whose destructor answers.
bool tell_message(route& to, caf::message what);
template <class... Ts>
bool tell(route& to, Ts&&... xs) {
  if (const auto now = to.handle()) { // nearly always: the message and its envelope are one piece
    now->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::forward<Ts>(xs)...), nullptr);
    return true;
  }
  return tell_message(to, caf::make_message(std::forward<Ts>(xs)...));
}
inline bool start_dynamic(system& tree, std::string_view path, caf::message args) {
  return tree.dynamic(path).start(std::move(args));
}

/// Runs `what` as a message of `self`'s own, so that it may touch its state. For supervised actors.
void run_in(const caf::actor& self, std::function<void()> what);

/// A question from a supervised actor to a name. While the name is restarting it waits (bounded by the route's limits and by
/// `timeout`); a question that a dying actor never took up is put again to its successor, up to three times. One that it did take up
/// is not repeated: `failed` gets its error. `answered` and `failed` run in `self`.
template <class Self, class Answered, class Failed>
void ask(Self* self, route& to, std::chrono::milliseconds timeout, caf::message question, Answered answered,
         Failed failed) {
  struct attempt {
    Self* self;
    route& to;
    std::chrono::steady_clock::time_point until;
    caf::message question;
    Answered answered;
    Failed failed;
    int left = 3;

    static void put(std::shared_ptr<attempt> a, std::uint64_t newer_than) {
      const auto now = a->to.current();
      if (now.to && now.generation > newer_than)
        return request(std::move(a), now.to, now.generation);
      // The handle arrives on another thread: it comes back here as a message.
      auto me = caf::actor_cast<caf::actor>(a->self);
      auto* route_of = &a->to;
      const auto until = a->until;
      route_of->send(
          [a, me, route_of](const caf::strong_actor_ptr& found) {
            const auto generation = found ? route_of->current().generation : 0;
            run_in(me, [a, found, generation] {
              if (found)
                request(a, found, generation);
              else
                a->failed(caf::make_error(caf::sec::request_receiver_down));
            });
          },
          newer_than, until);
    }
    static void request(std::shared_ptr<attempt> a, const caf::strong_actor_ptr& whom, std::uint64_t generation) {
      const auto rest =
          std::chrono::duration_cast<std::chrono::milliseconds>(a->until - std::chrono::steady_clock::now());
      if (rest.count() <= 0)
        return a->failed(caf::make_error(caf::sec::request_timeout));
      auto* me = a->self;
      me->request(caf::actor_cast<caf::actor>(whom), rest, a->question)
          .then(a->answered, [a, generation](caf::error& e) {
            const bool never_taken = e && e.category() == caf::atom("system") &&
                                     e.code() == static_cast<std::uint8_t>(caf::sec::request_receiver_down);
            if (never_taken && --a->left > 0)
              put(a, generation);
            else
              a->failed(e);
          });
    }
  };
  attempt::put(std::make_shared<attempt>(attempt{self, to, std::chrono::steady_clock::now() + timeout,
                                                 std::move(question), std::move(answered), std::move(failed)}),
               0);
}

} // namespace lyceum::supervision

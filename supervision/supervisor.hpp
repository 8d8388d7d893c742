// SPDX-License-Identifier: Apache-2.0
//
// An actor, a tree, a start, a question:
//
//   caf::behavior counter(caf::stateful_actor<int>* self, int first) {      // an ordinary function actor
//     self->state = first;
//     on_inspect(self, [self] { return fmt::format("{{\"count\":{}}}", self->state); });
//     return {[self](add_atom, int n) { return self->state += n; }};
//   }
//
//   child site = supervisor({.id = "site"}, {.strategy = strategy::one_for_one, .intensity = 5, .period = 30s}, {
//     worker({.id = "counter"}, [](birth& at) { return at.pooled(counter, 41); }),
//     worker({.id = "disk", .shutdown = 30s}, [](birth& at) { return at.detached(disk_writer); }),   // whatever may block
//     dynamic_supervisor({.id = "sessions"}, {.max_children = 10000},
//                        [](birth& at) { return at.pooled(session, at.args().get_as<job_ptr>(0)); }),
//   });
//
//   auto config = caf_config();                                             // scheduler and loggers as they must be
//   caf::actor_system actors(*config);
//   supervision::system tree(actors);
//   if (auto up = tree.start(std::move(site)); !up)                         // waits for the whole tree
//     return complain(up.detail);
//   tell(tree.named("counter"), add_atom::value, 1);                        // from any thread; waits out a restart, bounded
//   tree.dynamic("sessions").start(caf::make_message(job));                 // a child for this job; false when there are too many
//   ask(self, tree.named("counter"), 1s, caf::make_message(add_atom::value, 1),   // from an actor
//       [](int now) { … }, [](const caf::error&) { … });
//   tree.stop(20s);
//
// A start function runs on the supervisor's thread: it spawns and returns, and never blocks. The actor's own function runs on
// the actor's thread: whatever it throws there is a failed start.
#pragma once

#include "supervision/child.hpp"
#include "supervision/child_spec.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lyceum::supervision {

/// What a start function is given: its place in the tree, and the way to spawn there. Spawn exactly one actor with it and
/// return that; return an empty caf::actor to be ignored (nothing to do here). Not valid after the start function has returned.
class birth {
public:
  birth(caf::event_based_actor* parent, birth_certificate of, caf::message args)
      : parent_(parent), of_(std::move(of)), args_(std::move(args)) {}

  const std::string& path() const { return of_.vitals->path; }        ///< "cache/page_cache"
  std::uint64_t generation() const { return of_.vitals->generation; } ///< 1 at first, one more each start
  supervision::system& tree() const { return *of_.tree; }
  const caf::message& args() const { return args_; } ///< what a dynamic child was started with

  /// Spawns the child linked and monitored (a supervisor that is killed takes its children with it).
  /// `pooled`: on the shared scheduler, for actors that never block. `fn(self, args…)` returns its caf::behavior;
  /// everything of `life` (supervision/child.hpp) is added to it.
  template <class F, class... Ts>
  caf::actor pooled(F fn, Ts&&... args) {
    return spawn_as<caf::no_spawn_options>(std::move(fn), std::forward<Ts>(args)...);
  }
  /// On a thread of its own: everything that may block or loop.
  template <class F, class... Ts>
  caf::actor detached(F fn, Ts&&... args) {
    of_.vitals->detached = true;
    return spawn_as<caf::detached>(std::move(fn), std::forward<Ts>(args)...);
  }

  /// What was spawned last; the supervisor ends it where the start function did not return it.
  const caf::actor& spawned() const { return spawned_; }

private:
  template <caf::spawn_options Options, class F, class... Ts>
  caf::actor spawn_as(F fn, Ts&&... args) {
    using actor_type = typename living_of<F, std::decay_t<Ts>...>::type;
    std::tuple<std::decay_t<Ts>...> kept(std::forward<Ts>(args)...);
    // The end of a linked child costs a walk along all links of its parent (measured: 445 us each with 20,000 alive), so children
    // of a dynamic supervisor, many and short-lived, have none: when it is killed, its parent ends them by its roster.
    if (of_.dynamic)
      return spawned_ = parent_->spawn<actor_type, Options + caf::monitored>(of_, std::move(fn), std::move(kept));
    return spawned_ =
               parent_->spawn<actor_type, Options + caf::monitored + caf::linked>(of_, std::move(fn), std::move(kept));
  }

  caf::event_based_actor* parent_;
  birth_certificate of_;
  caf::message args_;
  caf::actor spawned_;
};

using start_function = std::function<caf::actor(birth&)>;

struct child;

/// What a supervisor's `init` answers: who it is this time.
struct supervisor_init {
  sup_flags flags;
  std::vector<child> children;
};
/// OTP's init: called on the supervisor's own thread at each of its starts. Empty: nothing to supervise here (`ignore`). What it
/// throws is a failed start. It must not block for long: its parent waits, at most start_timeout.
using init_function = std::function<std::optional<supervisor_init>()>;

/// A node of the tree before it lives: a worker with its start function, or a supervisor with its children.
struct child {
  child_spec spec;
  start_function start;            ///< for a worker
  sup_flags flags;                 ///< for a supervisor
  std::vector<child> children;     ///< for a supervisor; for a dynamic one its template, alone
  init_function init;              ///< for a supervisor: instead of `flags` and `children`
  std::function<void()> interrupt; ///< thread-safe; called before the kill grace: sqlite3_interrupt, PQcancel, a signal
  bool essential = false;          ///< at boot: if it cannot start, the program does not (others begin degraded)
  std::string note;                ///< what learners notice while it is away, in words; `ctl` shows it
  /// What its end would cost now, in its own words ("2 texts being rendered, asked again"), for `ctl impact`; empty: nothing of note.
  /// Thread-safe, and quick.
  std::function<std::string()> at_stake{};
  /// A handler that runs longer is stuck: reported, killed, given up after the grace, replaced. Absent: 5 s for pooled actors,
  /// no limit for detached ones, which may wait for others.
  std::optional<milliseconds> handler_max;
};

child worker(child_spec spec, start_function start);
child supervisor(child_spec spec, sup_flags flags, std::vector<child> children);
/// A supervisor that learns its flags and children at each start. Their strategy is not simple_one_for_one.
child supervisor(child_spec spec, init_function init);
/// simple_one_for_one: temporary children made on demand from one start function (`system::dynamic`, `system::start_child`).
child dynamic_supervisor(child_spec spec, sup_flags flags, start_function start);
/// The same from a whole template, a worker: its restart type, shutdown, interrupt. What is restarted sees its first arguments again.
child dynamic_supervisor(child_spec spec, sup_flags flags, child of);

/// Checks a supervisor's flags and children, start functions included, as its start does before anybody is started.
errc check_children(const sup_flags& flags, const std::vector<child>& children);
/// OTP's check_childspecs.
errc check_childspecs(const std::vector<child>& children, std::optional<auto_shutdown> mode = {});

} // namespace lyceum::supervision

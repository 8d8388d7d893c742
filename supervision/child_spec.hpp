// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// OTP's supervisor, as a library. This header and the engine know neither CAF nor the site.
namespace lyceum::supervision {

using std::chrono::milliseconds;
using time_point = std::chrono::steady_clock::time_point;

enum class restart_type { permanent, transient, temporary };
enum class child_type { worker, supervisor };
enum class strategy { one_for_one, one_for_all, rest_for_one, simple_one_for_one };
enum class auto_shutdown { never, any_significant, all_significant };

/// How a child is stopped.
struct brutal_kill {
  bool operator==(const brutal_kill&) const = default;
};
struct infinity {
  bool operator==(const infinity&) const = default;
};
using shutdown_type = std::variant<milliseconds, brutal_kill, infinity>;

/// A child as data: OTP's child_spec() without its start function, which the adapter keeps beside it.
struct child_spec {
  std::string id; ///< mandatory; joined with '/' it is part of the child's path
  restart_type restart = restart_type::permanent;
  std::optional<shutdown_type> shutdown{}; ///< absent: 5 s for a worker, infinity for a supervisor
  child_type type = child_type::worker;
  bool significant = false;
  bool essential =
      false; ///< under `when_spent::degrade`: if it cannot start at first, its supervisor does not start either

  shutdown_type shutdown_or_default() const;
  bool operator==(const child_spec&) const = default;
};

/// What to do when a budget of restarts is spent.
enum class when_spent {
  escalate, ///< OTP's way: stop all children and exit `shutdown`
  degrade, ///< the child goes to `degraded`, its routes answer unavailable, and it is tried again after 1, 2, 4 … 30 s ± 20 %.
  ///< The budget is then counted per child, and a sub-supervisor that gave up degrades at once.
};

struct sup_flags {
  lyceum::supervision::strategy strategy = strategy::one_for_one;
  int intensity = 1; ///< restarts allowed within `period`
  milliseconds period{5000};
  lyceum::supervision::auto_shutdown auto_shutdown = auto_shutdown::never;
  std::optional<std::size_t> max_children{}; ///< for simple_one_for_one
  when_spent spent = when_spent::escalate;
  milliseconds kill_grace{1000}; ///< how long a killed child may still run its handler
  milliseconds start_timeout{5000};
  /// The supervisor itself runs on the pool instead of a thread of its own: a restart takes a third of the time. While every thread of
  /// the pool is held, the watchdog gives it one, after 100 to 200 ms (with `caf_config`'s pool; on another one it waits). A dynamic
  /// supervisor is always pooled.
  bool pooled = false;

  bool operator==(const sup_flags&) const = default;
};

/// Where a child's place in its supervisor stands. OTP tells callers only of a pid, `restarting` and `undefined`.
enum class slot_state { undefined, starting, running, stopping, restarting, degraded };

/// What count_children answers: places, living children, and places of either type.
struct child_counts {
  std::size_t specs = 0, active = 0, supervisors = 0, workers = 0;
  bool operator==(const child_counts&) const = default;
};

/// Why a child, or a call, was refused. `name_of` gives OTP's word: "already_started".
enum class errc {
  none,
  already_started,
  already_present,
  start_error,
  max_children,
  not_found,
  running,
  restarting,
  simple_one_for_one,
  noproc,
  not_running,
  timeout, ///< ours: the supervisor did not answer in the caller's time
  missing_id,
  missing_start,
  invalid_restart_type,
  invalid_shutdown,
  invalid_child_type,
  duplicate_child,
  invalid_intensity,
  invalid_period,
  invalid_strategy,
  invalid_auto_shutdown,
  bad_combination,
  bad_start_spec,
};
std::string_view name_of(errc);
std::string_view name_of(restart_type);
std::string_view name_of(strategy);

/// Checks flags alone. errc::none where they are sound.
errc check_flags(const sup_flags&);
/// Checks one spec. `has_start` says whether a start function stands beside it.
errc check_spec(const child_spec&, auto_shutdown, bool has_start = true);
/// OTP's check_childspecs: duplicates included, nothing started. Without `mode` a significant child is not held against it.
errc check_childspecs(const std::vector<child_spec>&, std::optional<auto_shutdown> mode = {});
/// Checks a whole list with its flags, duplicates included, without starting anything.
errc check_specs(const sup_flags&, const std::vector<child_spec>&);

} // namespace lyceum::supervision

// SPDX-License-Identifier: Apache-2.0
// The state of the whole tree, readable from any thread at any time. Knows no CAF.
#pragma once

#include "supervision/child_spec.hpp"
#include "supervision/vitals.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::supervision {

enum class node_state {
  starting,
  running,
  suspended, ///< by an operator; its mailbox grows
  stopping,
  restarting, ///< ended, and will be tried again at once or soon
  degraded,   ///< its budget is spent; tried again with growing pauses
  stopped,    ///< by an operator, or it ended as it should
  down,       ///< its supervisor is away
};
std::string_view name_of(node_state);

enum class node_kind { worker, supervisor, dynamic };
std::string_view name_of(node_kind);

/// One child as seen at one moment.
struct node_view {
  std::string path;   ///< "cache/page_cache"; the root's own is its id, "site"
  std::string parent; ///< empty for the root
  node_kind kind = node_kind::worker;
  node_state state = node_state::starting;
  std::uint64_t generation = 0; ///< 0: never started
  int restarts = 0;             ///< within the period of the budget that it spends
  int budget = 0;               ///< restarts allowed in that period
  milliseconds period{0};
  std::uint64_t restarts_total = 0;
  std::uint64_t mailbox = 0;
  std::uint64_t handled = 0; ///< messages, by all its lives; of a dynamic supervisor, by its children that have ended
  milliseconds cpu{0};       ///< CPU time so far, of all its lives (see vitals::cpu)
  milliseconds uptime{0};    ///< zero unless it lives
  milliseconds busy{0};      ///< how long its present handler has been seen running
  bool at_work = false;      ///< in a handler
  milliseconds retry_in{0};  ///< for `restarting` and `degraded`: when it is tried again
  std::size_t children = 0;  ///< for a dynamic supervisor: running now
  std::size_t abandoned = 0; ///< lives of it that were given up and may still run
  std::size_t demoted = 0;   ///< those of them whose thread waits for all others
  restart_type restart = restart_type::permanent;
  lyceum::supervision::strategy strategy = strategy::one_for_one; ///< for supervisors
  bool detached = false;
  bool essential = false;
  std::string last_exit; ///< why its last life ended; empty at first
  std::string note;      ///< what learners notice while it is away
};

/// Every node of the tree in start order, parents before their children. Thread-safe.
class registry {
public:
  /// Reading.
  std::vector<node_view> snapshot(time_point now = std::chrono::steady_clock::now()) const;
  /// Empty where there is no such path.
  std::vector<node_view> below(std::string_view path,
                               time_point now = std::chrono::steady_clock::now()) const; ///< itself first
  bool knows(std::string_view path) const;
  /// True where every node is running or suspended or was stopped on purpose: nothing is starting, restarting, degraded or down.
  bool all_well() const;
  /// Paths that are degraded or down, in start order: what /readyz names.
  std::vector<std::string> unwell() const;
  /// False once another life of this path has begun, or this one has been given up.
  bool current(std::string_view path, std::uint64_t generation) const;
  /// "site/cache" and "cache/" mean "cache"; the root's own name and "" mean the root.
  std::string normal(std::string_view path) const;
  std::string root() const;
  /// Lives that were given up and still run, with a thread of their own that has not been demoted.
  std::vector<std::shared_ptr<vitals>> to_demote() const;

  /// Something that happened to a node. Told under the registry's lock: whoever hears it is quick and does not call back.
  struct happening {
    enum class kind { state, exit, restart }; ///< restart: a life after the first has begun to run
    kind what = kind::state;
    std::string_view path;
    std::uint64_t generation = 0;
    node_state state = node_state::starting;
    std::string_view reason{}; ///< of an exit
  };
  /// Hears of everything as long as what is returned lives.
  std::shared_ptr<void> listen(std::function<void(const happening&)> hear);

  /// Writing: the supervisors' side.
  struct entry {
    std::string path;
    std::string parent{};
    node_kind kind = node_kind::worker;
    restart_type restart = restart_type::permanent;
    lyceum::supervision::strategy strategy = strategy::one_for_one;
    int budget = 0;
    milliseconds period{0};
    bool essential = false;
    std::string note{};
  };
  void add(entry what);                            ///< again with the same path: keeps generation and history
  void remove(std::string_view path);              ///< with all below
  std::uint64_t begin_life(std::string_view path); ///< next generation; state `starting`
  void attach(std::string_view path, std::shared_ptr<vitals> of);
  void attach_count(std::string_view path,
                    std::shared_ptr<const std::atomic<std::size_t>> children); ///< of a dynamic supervisor
  void describe(std::string_view path, lyceum::supervision::strategy how); ///< of a supervisor whose `init` has spoken
  void set(std::string_view path, node_state state, time_point retry_at = {});
  void set_below(std::string_view path, node_state state); ///< its descendants, not itself
  void restarted(std::string_view path, time_point when);  ///< spends budget
  void forgive(std::string_view path);                     ///< forgets restarts within the period
  void exited(std::string_view path, std::string reason);
  void abandoned(std::string_view path, std::shared_ptr<vitals> life); ///< counted until that life ends

private:
  struct node {
    entry is;
    node_state state = node_state::starting;
    std::uint64_t generation = 0;
    std::uint64_t restarts_total = 0;
    std::deque<time_point> restarts;
    time_point retry_at{};
    time_point since{};
    std::shared_ptr<vitals> life;
    std::uint64_t handled_before = 0; // by lives that are over
    milliseconds cpu_before{0};
    void retire();
    std::vector<std::shared_ptr<vitals>> zombies;
    std::shared_ptr<const std::atomic<std::size_t>> children;
    std::string last_exit;
    std::vector<std::string> below;
  };
  node* find(std::string_view path);
  const node* find(std::string_view path) const;
  void collect(const std::string& path, time_point now, std::vector<node_view>& to) const;
  void drop(const std::string& path);
  void tell(const node& of, happening::kind what, std::string_view reason = {}) const;

  mutable std::mutex guard_;
  std::map<std::string, node, std::less<>> nodes_;
  std::string root_;
  std::vector<std::weak_ptr<std::function<void(const happening&)>>> ears_;
};

} // namespace lyceum::supervision

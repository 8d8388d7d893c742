// SPDX-License-Identifier: Apache-2.0
// Stable names for things that are replaced. Knows no CAF: the handle is a parameter.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace lyceum::supervision {

enum class route_state {
  restarting, ///< nobody answers now, but somebody will: requests wait (also before the first start)
  up,
  down, ///< given up (degraded, stopped): requests fail at once
};

/// Requests that wait for a restart: bounded in number and in time.
struct parking_limits {
  std::size_t requests_max = 1024;
  std::chrono::milliseconds wait_max{1000};
};

/// A name that stays while what it means is replaced: current handle, generation, and the requests that wait between two.
/// Thread-safe. `Handle` is copyable, and false where it is empty.
///
/// A job runs exactly once: with the handle, or with an empty one when nobody will come (given up, waited too long, too many
/// waiting). It runs on the thread that decides so, outside the lock; it must be quick and must not throw.
template <class Handle>
class basic_route {
public:
  using job = std::function<void(const Handle&)>;
  using clock = std::chrono::steady_clock;

  explicit basic_route(std::string name = {}, parking_limits limits = {}) : name_(std::move(name)), limits_(limits) {}
  basic_route(const basic_route&) = delete;
  basic_route& operator=(const basic_route&) = delete;
  ~basic_route() { fail_all(); }

  const std::string& name() const noexcept { return name_; }

  struct view {
    route_state state;
    Handle to;
    std::uint64_t generation;
  };
  /// Who answers now. `to` is empty unless the state is `up`. Do not keep it: look it up at use.
  view current() const {
    std::shared_lock lock(guard_);
    return {state_, to_, generation_};
  }
  Handle handle() const {
    std::shared_lock lock(guard_);
    return to_;
  }

  /// Gives `what` to the current handle, now or after the restart. `newer_than`: that generation is known to be dead, so only a
  /// later one will do. Returns false where it failed at once (then `what` has been run with an empty handle).
  bool send(job what, std::uint64_t newer_than = 0) {
    return send(std::move(what), newer_than, clock::now() + limits_.wait_max);
  }
  bool send(job what, std::uint64_t newer_than, clock::time_point until) {
    Handle to;
    {
      std::unique_lock lock(guard_);
      if (state_ == route_state::up && generation_ > newer_than)
        to = to_;
      else if (state_ != route_state::down && parked_.size() < limits_.requests_max) {
        parked_.push_back({std::move(what), newer_than, std::min(until, clock::now() + limits_.wait_max)});
        return true;
      }
    }
    const bool found = static_cast<bool>(to);
    what(to);
    return found;
  }

  /// The supervisor's side: a new life has begun. Runs what waited, in order.
  void publish(Handle to, std::uint64_t generation) {
    std::vector<job> ready;
    {
      std::unique_lock lock(guard_);
      state_ = route_state::up;
      to_ = to;
      generation_ = generation;
      std::deque<parked> rest;
      for (auto& one : parked_) {
        if (generation > one.newer_than)
          ready.push_back(std::move(one.what));
        else
          rest.push_back(std::move(one));
      }
      parked_ = std::move(rest);
    }
    for (auto& one : ready)
      one(to);
  }
  /// The supervisor's side: it ended and will be replaced. The handle is dropped at once, since it would pin a dead thread.
  void restarting() {
    std::unique_lock lock(guard_);
    state_ = route_state::restarting;
    to_ = Handle{};
  }
  /// The supervisor's side: given up. What waits fails, and so does all that comes, until `publish` or `restarting`.
  void down() {
    {
      std::unique_lock lock(guard_);
      state_ = route_state::down;
      to_ = Handle{};
    }
    fail_all();
  }
  /// Fails what has waited too long. Called a few times a second.
  void expire(clock::time_point now) {
    std::vector<job> late;
    {
      std::unique_lock lock(guard_);
      if (parked_.empty())
        return;
      std::deque<parked> rest;
      for (auto& one : parked_) {
        if (one.until <= now)
          late.push_back(std::move(one.what));
        else
          rest.push_back(std::move(one));
      }
      parked_ = std::move(rest);
    }
    for (auto& one : late)
      one(Handle{});
  }
  std::size_t waiting() const {
    std::shared_lock lock(guard_);
    return parked_.size();
  }

private:
  struct parked {
    job what;
    std::uint64_t newer_than;
    clock::time_point until;
  };

  void fail_all() {
    std::deque<parked> lost;
    {
      std::unique_lock lock(guard_);
      lost.swap(parked_);
    }
    for (auto& one : lost)
      one.what(Handle{});
  }

  const std::string name_;
  const parking_limits limits_;
  mutable std::shared_mutex guard_;
  route_state state_ = route_state::restarting;
  Handle to_{};
  std::uint64_t generation_ = 0;
  std::deque<parked> parked_;
};

} // namespace lyceum::supervision

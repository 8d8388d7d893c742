// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

namespace lyceum {

/// The hashers of a tree and how much they have to do. Outlives them.
struct hashing_desk {
  std::size_t hashers = 2; ///< accounts/hasher-1 … hasher-N: a password takes tens of milliseconds and 19 MiB
  std::size_t waiting_max =
      16; ///< besides those at work; one more is `unavailable`, or hashing would be a way to stop the site
  std::atomic<std::size_t> at_hand = 0;
  std::atomic<std::size_t> next = 0;
};

/// One piece of slow work. `done` is called once, on any thread, must be quick and must not throw: `lost` says that its worker was replaced.
/// A task that is dropped anywhere on the way is lost.
class hash_task {
public:
  using answer = std::function<void(expected<void>, bool lost)>;

  hash_task(hashing_desk& desk, std::function<void()> work, answer done)
      : desk_(desk), work_(std::move(work)), done_(std::move(done)) {
    desk_.at_hand.fetch_add(1, std::memory_order_relaxed);
  }
  hash_task(const hash_task&) = delete;
  hash_task& operator=(const hash_task&) = delete;
  ~hash_task() {
    settle(fail(problem::kind::unavailable, "The part that judges passwords was restarted."), true);
    desk_.at_hand.fetch_sub(1, std::memory_order_relaxed);
  }

  /// Does it, and tells how it went: what it throws is `internal`.
  void perform() {
    try {
      work_();
    } catch (const std::exception& fault) {
      return settle(fail(problem::kind::internal, fault.what()), false);
    }
    settle({}, false);
  }
  void settle(expected<void> how, bool lost) {
    if (!settled_.exchange(true, std::memory_order_acq_rel))
      done_(std::move(how), lost);
  }

private:
  hashing_desk& desk_;
  std::function<void()> work_;
  answer done_;
  std::atomic<bool> settled_ = false;
};
using hash_task_ptr = std::shared_ptr<hash_task>;

/// Slow work with secrets, such as passwords. Detached, since nothing can interrupt it.
///
///   hash_task_ptr   performed and settled
///
/// Crash: its task and those in its mailbox are lost, and done again by the session that waits for them.
caf::behavior hasher(caf::event_based_actor* self);

/// Gives work to a hasher that runs, in turn. Any thread.
void submit(supervision::system& tree, hashing_desk& desk, std::function<void()> work, hash_task::answer done);

} // namespace lyceum

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::hash_task_ptr)

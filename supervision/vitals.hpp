// SPDX-License-Identifier: Apache-2.0
// What may be known of a living child without asking it. Knows no CAF.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace lyceum::supervision {

/// What an actor that died of an exception left for the report about it.
struct last_words {
  std::string type;    ///< of the exception, readable: "std::runtime_error"
  std::string request; ///< id of the request that it worked for; empty: none
  std::string work;    ///< label of what it worked on, where it said so
};

/// One life of one child: counters that its thread writes and anybody reads. Outlives the actor.
struct vitals {
  vitals(std::string at, std::uint64_t number) : path(std::move(at)), generation(number) {}

  // Senders write this one, and the child's thread what stands last: 64 bytes apart, so that they do not take turns in one cache line.
  std::atomic<std::uint64_t> arrived = 0; ///< messages put into its mailbox

  const std::string path;
  const std::uint64_t generation;
  const std::chrono::steady_clock::time_point born = std::chrono::steady_clock::now();
  std::atomic<int> thread = 0; ///< kernel's number of the thread that last ran it
  bool detached = false;       ///< on a thread of its own; written before the actor runs

  std::atomic<std::uint64_t> handled = 0; ///< messages taken out for good; its thread alone writes it
  std::atomic<std::uint64_t> handler = 0; ///< counts the handlers that began; 0 while it waits
  std::atomic<bool> suspended = false;
  std::atomic<bool> fenced = false;  ///< ended or abandoned: whatever still runs must not take effect
  std::atomic<bool> over = false;    ///< its actor has ended: `spent_ns` is final, and its thread may be another's
  std::atomic<bool> demoted = false; ///< given up, and its thread made to wait for all others
  // When the handler that runs was first seen running: no message pays for reading a clock. Written by who watches.
  std::atomic<std::uint64_t> seen_handler = 0;
  std::atomic<std::int64_t> seen_since_ns = 0; ///< steady clock
  /// Time spent in its turns by the steady clock; of a detached actor, once it has ended, the CPU time of its thread.
  std::atomic<std::int64_t> spent_ns = 0;
  /// Written by the dying actor before anybody hears of its end, read by its supervisor afterwards.
  std::unique_ptr<last_words> words;

  /// CPU time so far: of the thread for a detached actor (read from outside: it costs the actor nothing), of its turns for a pooled
  /// one, where the time that its thread had to wait for a core counts too.
  std::chrono::milliseconds cpu() const noexcept;

  std::uint64_t mailbox() const noexcept {
    const auto out = handled.load(std::memory_order_relaxed); // first: a message arrives before it is handled
    const auto in = arrived.load(std::memory_order_relaxed);
    return in > out ? in - out : 0;
  }
  /// How long the handler that runs now has been seen running; zero between messages, and until it is seen.
  std::chrono::milliseconds busy_for() const noexcept {
    const auto seen = seen_handler.load(std::memory_order_acquire);
    if (seen == 0 || seen != handler.load(std::memory_order_relaxed))
      return {};
    const auto since = seen_since_ns.load(std::memory_order_relaxed);
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::nanoseconds(now > since ? now - since : 0));
  }
  /// Called now and then by the one who watches: what runs now and ran before has been running since then.
  void see() noexcept {
    const auto runs = handler.load(std::memory_order_relaxed);
    if (runs == seen_handler.load(std::memory_order_relaxed))
      return;
    seen_handler.store(0, std::memory_order_release); // nobody reads the one's time for the other's
    seen_since_ns.store(std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    seen_handler.store(runs, std::memory_order_release);
  }
};

/// CPU time of a thread of this process by the kernel's number; negative where there is none.
std::chrono::nanoseconds thread_cpu_time(int thread) noexcept;

inline std::chrono::milliseconds vitals::cpu() const noexcept {
  if (detached && !over.load(std::memory_order_acquire)) {
    const auto spent = thread_cpu_time(thread.load(std::memory_order_relaxed));
    if (!over.load(std::memory_order_acquire)) // else that was perhaps another thread, which has its number now
      return std::chrono::duration_cast<std::chrono::milliseconds>(std::max(spent, std::chrono::nanoseconds{0}));
  }
  const std::chrono::nanoseconds turns{spent_ns.load(std::memory_order_relaxed)};
  return std::chrono::duration_cast<std::chrono::milliseconds>(turns) +
         (detached ? std::chrono::milliseconds{0} : busy_for());
}

/// Thrown by `fence::check` in a child that has been given up. Let it pass: it ends the handler.
struct fenced_off : std::runtime_error {
  explicit fenced_off(const std::string& path) : std::runtime_error("given up by its supervisor: " + path) {}
};

/// Tells a job whether the child that it works for is still the current one. Copy it into the job, and ask before COMMIT,
/// before DATA, before a POST: a handler cannot be interrupted, so a killed child's work may go on beside its successor.
/// Any thread. A default-made fence is always open (for tests and for work outside the tree).
class fence {
public:
  fence() = default;
  explicit fence(std::shared_ptr<const vitals> of) : of_(std::move(of)) {}
  bool open() const noexcept { return !of_ || !of_->fenced.load(std::memory_order_acquire); }
  /// Throws `fenced_off` where the fence is closed.
  void check() const {
    if (!open())
      throw fenced_off(of_->path);
  }
  std::uint64_t generation() const noexcept { return of_ ? of_->generation : 0; }

private:
  std::shared_ptr<const vitals> of_;
};

} // namespace lyceum::supervision

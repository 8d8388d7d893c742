// SPDX-License-Identifier: Apache-2.0
// What the threads of a pool wait on. Knows no CAF.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace lyceum::supervision {

/// First in, first out; any number of threads on both sides. Its length is bounded by who pushes: an actor stands in it once.
///
/// A thread that finds it empty looks again for a moment before it sleeps: actors answer each other within microseconds, and to
/// wake a thread costs ten times that. One thread looks at a time, the others sleep; where there is one core, none looks.
template <class T>
class work_queue {
public:
  explicit work_queue(std::chrono::microseconds look_max = std::chrono::microseconds{25})
      : look_max_(std::thread::hardware_concurrency() > 1 ? look_max : std::chrono::microseconds{0}) {}

  void push(T one) {
    {
      std::lock_guard lock(guard_);
      items_.push_back(std::move(one));
      length_.store(items_.size(), std::memory_order_relaxed);
    }
    if (!looking_.load()) // who looks comes to the lock after looking, and finds it
      some_.notify_one();
  }

  /// Waits until there is something.
  T pop() {
    const bool looked = length_.load(std::memory_order_relaxed) == 0 && look();
    std::unique_lock lock(guard_);
    ++waiting_;
    some_.wait(lock, [this] { return !items_.empty(); });
    --waiting_;
    ++popped_;
    auto one = take();
    const bool more = !items_.empty();
    lock.unlock();
    if (looked && more) // those that came while this thread looked have woken nobody
      some_.notify_one();
    return one;
  }

  /// False where there is nothing.
  bool try_pop(T& to) {
    std::lock_guard lock(guard_);
    if (items_.empty())
      return false;
    to = take();
    return true;
  }

  /// How many `pop`s have ended, and whether one is under way: where that stands still and none is, all threads are at work.
  struct pace {
    std::uint64_t popped = 0;
    bool waited_for = false;
  };
  pace now() const {
    std::lock_guard lock(guard_);
    return {popped_, waiting_ > 0};
  }
  /// Takes the first that `which` picks out of the order. False where there is none.
  template <class Which>
  bool take_if(Which which, T& to) {
    std::lock_guard lock(guard_);
    const auto it = std::find_if(items_.begin(), items_.end(), which);
    if (it == items_.end())
      return false;
    to = std::move(*it);
    items_.erase(it);
    length_.store(items_.size(), std::memory_order_relaxed);
    return true;
  }

private:
  T take() {
    auto one = std::move(items_.front());
    items_.pop_front();
    length_.store(items_.size(), std::memory_order_relaxed);
    return one;
  }

  bool look() {
    if (look_max_.count() == 0 || looking_.exchange(true))
      return false;
    const auto until = std::chrono::steady_clock::now() + look_max_;
    do {
      for (int i = 0; i < 32 && length_.load(std::memory_order_relaxed) == 0; ++i)
        pause();
    } while (length_.load(std::memory_order_relaxed) == 0 && std::chrono::steady_clock::now() < until);
    looking_.store(false);
    return true;
  }

  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const std::chrono::microseconds look_max_;
  std::atomic<bool> looking_ = false;
  std::atomic<std::size_t> length_ = 0; ///< of items_, for those who look without the lock
  mutable std::mutex guard_;
  int waiting_ = 0; ///< threads in `pop` that found nothing
  std::uint64_t popped_ = 0;
  std::condition_variable some_;
  std::deque<T> items_;
};

} // namespace lyceum::supervision

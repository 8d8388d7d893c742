// SPDX-License-Identifier: Apache-2.0
#include "supervision/threads.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace lyceum::supervision {
namespace {

/// One thread's entry. While its guard is held, the life that it names cannot leave its turn.
struct watch_slot {
  std::mutex guard;
  vitals* now = nullptr;
  const work_in_hand* work = nullptr;
};

struct all_slots {
  std::mutex guard;
  std::vector<watch_slot*> slots;
};

all_slots& slots() {
  static auto* all = new all_slots; // threads may outlive main's statics
  return *all;
}

struct registered_slot {
  watch_slot slot;
  registered_slot() {
    std::lock_guard lock(slots().guard);
    slots().slots.push_back(&slot);
  }
  ~registered_slot() {
    std::lock_guard lock(slots().guard);
    std::erase(slots().slots, &slot);
  }
};

watch_slot& my_slot() {
  thread_local registered_slot mine;
  return mine.slot;
}

} // namespace

void watch_begin(vitals* who) noexcept {
  auto& slot = my_slot();
  std::lock_guard lock(slot.guard);
  slot.now = who;
}

void watch_end() noexcept {
  auto& slot = my_slot();
  std::lock_guard lock(slot.guard);
  slot.now = nullptr;
}

const work_in_hand* watch_work(const work_in_hand* now) noexcept {
  auto& slot = my_slot();
  std::lock_guard lock(slot.guard);
  return std::exchange(slot.work, now);
}

unhurried::unhurried() noexcept {
  auto& slot = my_slot();
  std::lock_guard lock(slot.guard);
  whose_ = std::exchange(slot.now, nullptr);
}

unhurried::~unhurried() {
  if (!whose_)
    return;
  whose_->seen_handler.store(0, std::memory_order_release); // from here on it counts
  watch_begin(whose_);
}

void see_handlers() {
  std::lock_guard all(slots().guard);
  for (auto* slot : slots().slots) {
    std::lock_guard one(slot->guard);
    if (slot->now)
      slot->now->see();
  }
}

std::vector<busy_thread> busy_threads(std::chrono::milliseconds at_least) {
  std::vector<busy_thread> found;
  std::lock_guard all(slots().guard);
  for (auto* slot : slots().slots) {
    std::lock_guard one(slot->guard);
    if (!slot->now || slot->now->busy_for() < at_least || slot->now->fenced.load(std::memory_order_relaxed))
      continue;
    busy_thread busy;
    busy.path = slot->now->path;
    busy.generation = slot->now->generation;
    busy.detached = slot->now->detached;
    busy.busy = slot->now->busy_for();
    busy.since_ns = slot->now->seen_since_ns.load(std::memory_order_relaxed);
    busy.thread_cpu = std::chrono::duration_cast<std::chrono::milliseconds>(
        thread_cpu_time(slot->now->thread.load(std::memory_order_relaxed)));
    if (slot->work)
      busy.work = *slot->work;
    found.push_back(std::move(busy));
  }
  return found;
}

bool demote(vitals& life) noexcept {
  if (!life.detached)
    return false; // a pool thread has others to serve
  std::lock_guard all(slots().guard);
  for (auto* slot : slots().slots) {
    std::lock_guard one(slot->guard); // it cannot end its turn meanwhile, so the number is still its own
    if (slot->now != &life)
      continue;
    const int thread = life.thread.load(std::memory_order_relaxed);
    const bool nice = setpriority(PRIO_PROCESS, static_cast<id_t>(thread), 19) == 0;
    const sched_param none{};
    const bool idle = sched_setscheduler(thread, SCHED_IDLE, &none) == 0;
    return nice || idle;
  }
  return false;
}

std::chrono::nanoseconds thread_cpu_time(int thread) noexcept {
  // The kernel's clock of a thread (include/linux/posix-timers.h): the number inverted, then 4 for "a thread", 2 for "as scheduled".
  // Reading it costs the thread nothing.
  if (thread <= 0)
    return std::chrono::nanoseconds{-1};
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3U) | 6U);
  timespec spent{};
  if (clock_gettime(clock, &spent) != 0)
    return std::chrono::nanoseconds{-1};
  return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

int thread_number() noexcept {
  thread_local const int number = static_cast<int>(::syscall(SYS_gettid));
  return number;
}

} // namespace lyceum::supervision

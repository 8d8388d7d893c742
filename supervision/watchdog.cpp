// SPDX-License-Identifier: Apache-2.0
// A plain thread that needs no scheduler: it sees who holds a thread too long, fails requests that have waited too long for a
// restart, and listens for the pool's canary.
#include "supervision/child.hpp"
#include "supervision/inside.hpp"

#include <set>
#include <utility>

namespace lyceum::supervision {
namespace {

struct watch_slot {
  std::mutex guard;
  vitals* now = nullptr;
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

std::int64_t steady_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

struct canary_message {};

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

unhurried::unhurried() noexcept {
  auto& slot = my_slot();
  std::lock_guard lock(slot.guard);
  whose_ = std::exchange(slot.now, nullptr);
}

unhurried::~unhurried() {
  if (!whose_)
    return;
  whose_->busy_since_ns.store(steady_ns(), std::memory_order_relaxed); // from here on it counts
  watch_begin(whose_);
}

std::vector<busy_thread> busy_threads(milliseconds at_least) {
  std::vector<busy_thread> found;
  std::lock_guard all(slots().guard);
  for (auto* slot : slots().slots) {
    std::lock_guard one(slot->guard);
    if (slot->now && slot->now->busy_for() >= at_least && !slot->now->fenced.load(std::memory_order_relaxed))
      found.push_back({slot->now->path, slot->now->generation, slot->now->detached, slot->now->busy_for()});
  }
  return found;
}

} // namespace lyceum::supervision

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::supervision::canary_message)

namespace lyceum::supervision {
namespace {

// A class, since CAF's function actors dereference a null shared_ptr (init_fun_factory.hpp), which hardened builds abort on.
class canary_actor final : public caf::event_based_actor {
public:
  canary_actor(caf::actor_config& config, std::atomic<std::int64_t>* heard)
      : caf::event_based_actor(config), heard_(heard) {}
  caf::behavior make_behavior() override {
    return {[heard = heard_](canary_message) { heard->store(steady_ns(), std::memory_order_relaxed); }};
  }

private:
  std::atomic<std::int64_t>* heard_;
};

} // namespace

void system::inner::start_watch() {
  canary_heard_ns = steady_ns();
  canary = actors.spawn<canary_actor>(&canary_heard_ns);
  watch = std::thread([this] { watch_loop(); });
}

void system::inner::end_watch() {
  {
    std::lock_guard lock(watch_guard);
    watch_over = true;
  }
  watch_wake.notify_all();
  if (watch.joinable())
    watch.join();
  if (canary) {
    exit_now(canary, caf::exit_reason::kill);
    canary = nullptr;
  }
}

void system::inner::watch_loop() {
  std::set<std::pair<std::string, std::uint64_t>> told;
  for (unsigned turn = 0;; ++turn) {
    {
      std::unique_lock lock(watch_guard);
      if (watch_wake.wait_for(lock, milliseconds{100}, [this] { return watch_over; }))
        return;
    }
    std::vector<route*> names;
    {
      std::lock_guard lock(guard);
      for (const auto& [name, one] : routes)
        names.push_back(one.get());
    }
    const auto now = std::chrono::steady_clock::now();
    for (auto* one : names)
      one->expire(now);
    if (turn % 5 != 0)
      continue;
    caf::anon_send(canary, canary_message{});
    for (const auto& busy : busy_threads(milliseconds{100})) {
      std::optional<milliseconds> limit;
      {
        std::lock_guard lock(guard);
        auto it = handler_max.find(busy.path);
        if (it == handler_max.end()) // a dynamic child: its supervisor's limit
          it = handler_max.find(busy.path.substr(0, busy.path.rfind('/')));
        if (it != handler_max.end())
          limit = it->second;
      }
      if (!limit && !busy.detached)
        limit = options.pooled_handler_max;
      if (!limit || busy.busy < *limit || !told.emplace(busy.path, busy.generation).second)
        continue;
      crash what;
      what.kind = "stuck";
      what.path = busy.path;
      what.generation = busy.generation;
      what.reason = "has held its thread for " + std::to_string(busy.busy.count()) + " ms";
      what.decision = "killed, given up after the grace, replaced";
      crashes.add(what);
      say(busy.path + " " + what.reason + ": " + what.decision);
      // Not as a crash: what a visitor asks for must not spend the budget of what others share.
      self.operate(operation::kill, busy.path, [](outcome) {});
    }
    if (told.size() > 10000)
      told.clear();
  }
}

} // namespace lyceum::supervision

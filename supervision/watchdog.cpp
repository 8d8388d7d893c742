// SPDX-License-Identifier: Apache-2.0
// A plain thread that needs no scheduler: it sees who holds a thread too long, fails requests that have waited too long for a
// restart, demotes the threads of lives that were given up, and listens for the pool's canary.
#include "supervision/inside.hpp"
#include "supervision/scheduler.hpp"
#include "supervision/supervisor_actor.hpp"
#include "supervision/threads.hpp"

#include <utility>

namespace lyceum::supervision {
namespace {

constexpr auto turn_pause =
    milliseconds{100}; // this exact is how long a handler has run, and when a waiting request is failed
constexpr auto relief_pause = milliseconds{2}; // between two looks for supervisors while the pool is held
constexpr unsigned look_each = 5;              // turns: handlers are looked at twice a second
constexpr std::size_t known_max = 10'000;

std::int64_t steady_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

struct canary_message {};

/// "4 s", "250 ms": thresholds, not measurements, so that what is alike can be folded.
std::string length_text(milliseconds span) {
  return span.count() % 1000 == 0 ? std::to_string(span.count() / 1000) + " s" : std::to_string(span.count()) + " ms";
}

} // namespace
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
  tell_inherited();
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
  relief_over = true;
  if (relief.joinable())
    relief.join();
  if (canary) {
    exit_now(canary, caf::exit_reason::kill);
    canary = nullptr;
  }
}

void system::inner::tell_inherited() {
  for (const auto& one : poison.inherited()) {
    crash what;
    what.kind = one.id != 0 ? "quarantined" : "process";
    what.path = one.path;
    what.reason = one.reason;
    what.work = one.label;
    what.request = one.request;
    what.decision = one.id != 0 ? "refused from now on: quarantine show " + std::to_string(one.id)
                                : "counted: " + std::to_string(one.crashes) + " of " +
                                      std::to_string(options.poison.crashes_max) + " before it is refused";
    say(what.path + ": " + what.reason + ": " + what.work + " (" + what.decision + ")");
    crashes.add(std::move(what));
  }
}

void system::inner::tell_quarantined(const quarantine::row& held, std::uint64_t generation) {
  crash what;
  what.kind = "quarantined";
  what.path = held.path;
  what.generation = generation;
  what.reason = "crashed it " + std::to_string(held.crashes) + " times: " + held.reason;
  (held.kind == quarantine::kind::message ? what.last_message : what.work) = held.label;
  what.request = held.request;
  what.decision = "refused from now on: quarantine show " + std::to_string(held.id);
  say(what.path + " " + what.reason + ": " + held.label + " is " + what.decision);
  crashes.add(std::move(what));
}

void system::inner::watch_loop() {
  std::map<std::string, watched> known;
  std::optional<pool_pace> before;
  for (unsigned turn = 0;; ++turn) {
    {
      std::unique_lock lock(watch_guard);
      if (watch_wake.wait_for(lock, turn_pause, [this] { return watch_over; }))
        return;
    }
    std::vector<route*> names;
    {
      std::lock_guard lock(guard);
      for (const auto& [name, one] : routes)
        names.push_back(one.get());
    }
    see_handlers();
    const auto pace = pace_of_pool(actors);
    if (pace && pace == before && !pace->waited_for)
      relieve_pool(pace->turns);
    before = pace;
    const auto now = std::chrono::steady_clock::now();
    for (auto* one : names)
      one->expire(now);
    poison.beat();
    if (turn % look_each != 0)
      continue;
    caf::anon_send(canary, canary_message{});
    look_for_stuck(known);
    demote_abandoned();
  }
}

// A handler is named once it has run for `named_after`, and replaced once it has passed its limit.
void system::inner::look_for_stuck(std::map<std::string, watched>& known) {
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
    auto& said = known[busy.path];
    if (said.generation != busy.generation || said.since_ns != busy.since_ns)
      said = {busy.generation, busy.since_ns, busy.busy, busy.thread_cpu, false, false};
    const bool over = limit && busy.busy >= *limit;
    if (!over && busy.busy < options.named_after)
      continue;
    if (over ? std::exchange(said.replaced, true) : std::exchange(said.named, true))
      continue;
    crash what;
    what.kind = "stuck";
    what.path = busy.path;
    what.generation = busy.generation;
    what.reason = "has held its thread for more than " + length_text(over ? *limit : options.named_after);
    what.work = busy.work.label;
    what.request = busy.work.request;
    if (busy.busy > said.first_seen) // else nothing is known of what it did meanwhile
      what.state = (busy.thread_cpu - said.first_cpu) * 4 >= busy.busy - said.first_seen ? "it computes" : "it waits";
    what.decision = over    ? "killed, given up after the grace, replaced"
                    : limit ? "replaced if it goes on for " + length_text(*limit)
                            : "left alone: it has no limit";
    say(busy.path + " " + what.reason + (what.work.empty() ? "" : " on " + what.work) + ": " + what.decision);
    crashes.add(std::move(what));
    if (!over)
      continue;
    if (!busy.work.key.empty()) // as bad as a crash: it costs a thread
      if (const auto held = poison.died({quarantine::kind::work,
                                         busy.path,
                                         busy.work.key,
                                         busy.work.label,
                                         busy.work.request,
                                         "held its thread for more than " + length_text(*limit),
                                         {}}))
        tell_quarantined(*held, busy.generation);
    // Not as a crash: what a visitor asks for must not spend the budget of what others share.
    self.operate(operation::kill, busy.path, [](outcome) {});
  }
  if (known.size() > known_max)
    known.clear();
}

// All threads of the pool have been in one turn since the last look. Whoever holds them is replaced by a supervisor, and who asks is
// answered by one: those that wait behind the held threads get one of their own until the pool moves again.
void system::inner::relieve_pool(std::uint64_t turns) {
  if (relieving.exchange(true))
    return;
  if (relief.joinable())
    relief.join();
  relief = std::thread([this, held = std::optional(pool_pace{turns, false})] {
    do {
      run_from_pool(actors, [](caf::resumable* job) { return dynamic_cast<supervisor_actor*>(job) != nullptr; });
      std::this_thread::sleep_for(relief_pause);
    } while (!relief_over && pace_of_pool(actors) == held);
    relieving = false;
  });
}

void system::inner::demote_abandoned() {
  for (const auto& life : states.to_demote()) {
    if (!demote(*life))
      continue;
    life->demoted.store(true, std::memory_order_relaxed);
    demoted.fetch_add(1, std::memory_order_relaxed);
    crash what;
    what.kind = "demoted";
    what.path = life->path;
    what.generation = life->generation;
    what.reason = "still runs after it was given up";
    what.decision = "its thread has the lowest priority now";
    say(what.path + " " + what.reason + ": " + what.decision);
    crashes.add(std::move(what));
  }
}

// --- what others ask ------------------------------------------------------------------------------------------------

quarantine& system::poison() noexcept {
  return inner_->poison;
}

std::size_t system::abandoned_max() const noexcept {
  return inner_->options.abandoned_max;
}

std::uint64_t system::demoted() const noexcept {
  return inner_->demoted.load(std::memory_order_relaxed);
}

} // namespace lyceum::supervision

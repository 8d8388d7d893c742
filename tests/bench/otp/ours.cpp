// SPDX-License-Identifier: Apache-2.0
// One row of the comparison with Erlang/OTP, on the supervision library as the site uses it; bench.erl is the other side, step by
// step. Prints one JSON object. tests/bench/otp.py runs both in turn.
//
//   lyceum_otp ROW [COUNT]
#include "supervision/system.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

using namespace lyceum::supervision;
using namespace std::chrono_literals;

namespace {

using steady = std::chrono::steady_clock;

struct here { ///< a worker to its client: it lives
  caf::actor who;
};
struct echo_it {
  int number;
};
struct crash_now {};
struct count_one {
  int number;
};
struct pour { ///< to the sender: begin
  int count;
};
struct work { ///< what a session is started with
  caf::actor client;
  int number;
};
struct done_work {
  int number;
};

struct crowd { ///< visitors who ask in turn until all is asked
  std::atomic<int> left;
  std::atomic<int> unfinished;
  std::promise<void>* over;
};
struct joining {
  crowd* with;
};

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(here)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(echo_it)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crash_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(count_one)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pour)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(done_work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(joining)

namespace {

double us_since(steady::time_point begun) {
  return std::chrono::duration<double, std::micro>(steady::now() - begun).count();
}

double cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(used.ru_utime) + us(used.ru_stime);
}

double resident_bytes() {
  long pages = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// The tree of one row, and where its actors leave what they found.
struct stage {
  std::unique_ptr<caf::actor_system_config> config = caf_config();
  caf::actor_system actors{*config};
  lyceum::supervision::system tree{actors};
  std::promise<void> over;

  void grow(sup_flags flags, std::vector<child> children) {
    if (const auto up = tree.start(supervisor({.id = "bench"}, flags, std::move(children))); !up)
      throw std::runtime_error(up.detail);
  }
  void wait() { over.get_future().wait(); }
};

constexpr sup_flags many_restarts{.strategy = strategy::one_for_one, .intensity = 1'000'000, .period = 1s};

// --- restart: a worker throws; how soon does its replacement answer? ---------------------------------------------------

caf::behavior fragile(caf::event_based_actor* self, route* client) {
  tell(*client, here{caf::actor_cast<caf::actor>(self)});
  return {
      [](const echo_it& asked) { return asked.number; },
      [](crash_now) { throw std::runtime_error("told to"); },
  };
}

struct watcher {
  steady::time_point begun;
  std::vector<double> took;
};
caf::behavior watching(caf::stateful_actor<watcher>* self, std::size_t wanted, std::vector<double>* result,
                       std::promise<void>* over) {
  return {[self, wanted, result, over](const here& one) {
    auto who = one.who;
    self->request(who, caf::infinite, echo_it{1}).then([self, who, wanted, result, over](int) {
      auto& mine = self->state;
      if (mine.begun != steady::time_point{})
        mine.took.push_back(us_since(mine.begun));
      if (mine.took.size() == wanted) {
        *result = std::move(mine.took);
        over->set_value();
        return;
      }
      mine.begun = steady::now();
      self->send(who, crash_now{});
    });
  }};
}

void restart(std::size_t count, bool pooled) {
  stage on;
  const std::size_t warm = count / 10;
  std::vector<double> took;
  auto* client = &on.tree.named("client");
  auto guard = many_restarts;
  guard.pooled = pooled;
  on.grow(many_restarts,
          {worker({.id = "client"}, [&](birth& at) { return at.pooled(watching, count + warm, &took, &on.over); }),
           supervisor({.id = "guard"}, guard,
                      {worker({.id = "worker"}, [client](birth& at) { return at.pooled(fragile, client); })})});
  on.wait();
  took.erase(took.begin(), took.begin() + static_cast<std::ptrdiff_t>(warm));
  std::ranges::sort(took);
  std::printf("{\"p50_us\":%.2f,\"p99_us\":%.2f}\n", took[took.size() / 2], took[took.size() * 99 / 100]);
}

// --- children: one is started with a request, answers it and ends ------------------------------------------------------

caf::behavior session(caf::event_based_actor* self, const work& asked) {
  self->send(asked.client, done_work{asked.number});
  return {};
}

caf::behavior visitor(caf::event_based_actor* self, const dynamic_children& sessions, crowd* all) {
  const auto next = [self, sessions, all] {
    const auto number = all->left.fetch_sub(1, std::memory_order_relaxed);
    if (number > 0)
      sessions.start(caf::make_message(work{caf::actor_cast<caf::actor>(self), number}));
    else if (all->unfinished.fetch_sub(1) == 1)
      all->over->set_value();
  };
  next();
  return {[next](const done_work&) { next(); }};
}

void children(int count) {
  constexpr int visitors = 64;
  stage on;
  const auto sessions = on.tree.dynamic("sessions");
  on.grow({}, {dynamic_supervisor({.id = "sessions"}, {},
                                  [](birth& at) { return at.pooled(session, at.args().get_as<work>(0)); }),
               dynamic_supervisor({.id = "visitors"}, {}, [sessions](birth& at) {
                 return at.pooled(visitor, sessions, at.args().get_as<joining>(0).with);
               })});
  const auto run = [&](int children) {
    std::promise<void> over;
    crowd all{children, visitors, &over};
    for (int i = 0; i < visitors; ++i)
      start_dynamic(on.tree, "visitors", caf::make_message(joining{&all}));
    over.get_future().wait();
    while (sessions.running() > 0) // the supervisor has taken note of each end
      std::this_thread::yield();
  };
  run(count / 10);
  const auto cpu = cpu_us();
  const auto begun = steady::now();
  run(count);
  const auto took = us_since(begun);
  std::printf("{\"per_second\":%.0f,\"cpu_us\":%.3f}\n", count / took * 1e6, (cpu_us() - cpu) / count);
}

// --- messages: one sender, one receiver ----------------------------------------------------------------------------------

struct counted {
  int number = 0;
  int until = 0;
};
caf::behavior counter(caf::stateful_actor<counted>* self, std::atomic<std::promise<void>*>* over) {
  return {
      [self](const pour& all) {
        self->state = {0, all.count};
        return 1;
      },
      [self, over](const count_one&) {
        if (++self->state.number == self->state.until)
          over->load()->set_value();
      },
  };
}

caf::behavior sender(caf::event_based_actor* self, route* to, bool by_name) {
  return {[self, to, by_name](const pour& all) {
    const auto counting = caf::actor_cast<caf::actor>(to->handle());
    for (int i = 0; i < all.count; ++i) {
      if (by_name)
        tell(*to, count_one{i});
      else
        caf::anon_send(counting, count_one{i}); // as `!` in Erlang, it names no sender
    }
  }};
}

void messages(int count, bool by_name) {
  stage on;
  std::atomic<std::promise<void>*> now = nullptr;
  auto* to = &on.tree.named("counter");
  on.grow({}, {worker({.id = "counter"}, [&](birth& at) { return at.pooled(counter, &now); }),
               worker({.id = "sender"}, [to, by_name](birth& at) { return at.pooled(sender, to, by_name); })});
  double took = 0;
  for (const int amount : {count / 10, count}) {
    std::promise<void> over;
    now = &over;
    tell(*to, pour{amount});
    const auto begun = steady::now();
    tell(on.tree.named("sender"), pour{amount});
    over.get_future().wait();
    took = us_since(begun);
  }
  std::printf("{\"per_second\":%.0f}\n", count / took * 1e6);
}

// --- idle: what a child costs that waits; and stop: how soon many have ended ---------------------------------------------

caf::behavior idler(caf::event_based_actor*, std::atomic<int>* alive) {
  alive->fetch_add(1, std::memory_order_relaxed);
  return {[](const echo_it& asked) { return asked.number; }};
}

void crowd_of_idlers(stage& on, int count, std::atomic<int>& alive) {
  for (int i = 0; i < count; ++i)
    start_dynamic(on.tree, "idlers", {});
  while (alive < count)
    std::this_thread::sleep_for(1ms);
}

child idlers(std::atomic<int>& alive) {
  return dynamic_supervisor({.id = "idlers"}, {}, [&alive](birth& at) { return at.pooled(idler, &alive); });
}

void idle(int count) {
  stage on;
  std::atomic<int> alive = 0;
  on.grow({}, {idlers(alive)});
  const auto before = resident_bytes();
  crowd_of_idlers(on, count, alive);
  std::printf("{\"bytes\":%.0f}\n", (resident_bytes() - before) / count);
}

void stop(int count) {
  stage on;
  std::atomic<int> alive = 0;
  on.grow({}, {idlers(alive)});
  double took = 0;
  for (int round = 0; round < 2; ++round) { // the first is the warm-up
    alive = 0;
    crowd_of_idlers(on, count, alive);
    const auto begun = steady::now();
    if (const auto done = on.tree.operate(operation::stop, "idlers", 60s); !done)
      throw std::runtime_error(done.detail);
    took = us_since(begun);
    if (const auto done = on.tree.operate(operation::start, "idlers", 60s); !done)
      throw std::runtime_error(done.detail);
  }
  std::printf("{\"ms\":%.2f}\n", took / 1000);
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view row = argc > 1 ? argv[1] : "";
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  if (count < 10) {
    std::fprintf(stderr, "lyceum_otp restart|restart_detached|children|messages|messages_by_name|idle|stop COUNT\n");
    return 2;
  }
  try {
    if (row == "restart")
      restart(static_cast<std::size_t>(count), true);
    else if (row == "restart_detached")
      restart(static_cast<std::size_t>(count), false);
    else if (row == "children")
      children(count);
    else if (row == "messages")
      messages(count, false);
    else if (row == "messages_by_name")
      messages(count, true);
    else if (row == "idle")
      idle(count);
    else if (row == "stop")
      stop(count);
    else
      throw std::invalid_argument("no such row: " + std::string(row));
    std::fflush(stdout);
    std::_Exit(0); // a hundred thousand children need not be ended one by one
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "lyceum_otp: %s\n", fault.what());
    return 1;
  }
}

// SPDX-License-Identifier: Apache-2.0
// The engine beside a naive model, over random steps. RapidCheck prints the seed of what failed (RC_PARAMS="seed=…" repeats it).
#include "supervision/engine.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace {

using namespace lyceum::supervision;

/// The restart window as a list of all times, and the children as a list of what lives, in order.
struct model {
  strategy how;
  int intensity;
  milliseconds period;
  std::vector<bool> lives;
  std::vector<int> lives_count; ///< generation of each
  std::vector<milliseconds> restarts;
  bool over = false;

  void crash(std::size_t i, milliseconds now) {
    restarts.push_back(now);
    const auto in_window = std::ranges::count_if(restarts, [&](milliseconds t) { return now - t <= period; });
    if (in_window > intensity) {
      over = true;
      lives.assign(lives.size(), false);
      return;
    }
    const auto from = how == strategy::one_for_all ? 0 : i;
    const auto to = how == strategy::one_for_one ? i + 1 : lives.size();
    for (auto k = from; k < to; ++k) {
      lives[k] = true;
      ++lives_count[k];
    }
  }
};

RC_GTEST_PROP(engine_property, restarts_happen_as_in_the_naive_model, ()) {
  const auto how = *rc::gen::element(strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one);
  const auto n = static_cast<std::size_t>(*rc::gen::inRange(1, 6));
  const int intensity = *rc::gen::inRange(0, 6);
  const milliseconds period{*rc::gen::inRange(1, 50)};
  model expected{how, intensity, period, std::vector<bool>(n, true), std::vector<int>(n, 1), {}, false};

  sup_flags flags;
  flags.strategy = how;
  flags.intensity = intensity;
  flags.period = period;
  std::vector<child_spec> specs;
  for (std::size_t i = 0; i < n; ++i) {
    child_spec s;
    s.id = std::to_string(i);
    specs.push_back(std::move(s));
  }
  engine e(flags, std::move(specs));
  time_point now{};
  std::map<std::string, child_handle> living;
  std::map<std::string, int> generation;
  std::vector<std::string> starts, stops;
  bool over = false;
  const auto settle = [&] {
    for (auto todo = e.take(); !todo.empty(); todo = e.take())
      for (auto& x : todo) {
        if (x.what == effect::kind::start) {
          RC_ASSERT(!living.contains(x.id)); // never two lives of one child
          living[x.id] = x.child;
          ++generation[x.id];
          starts.push_back(x.id);
          e.started(x.child, now);
        } else if (x.what == effect::kind::ask) {
          living.erase(x.id);
          stops.push_back(x.id);
          e.down(x.child, {exit_reason::kind::shutdown, {}, false}, now);
        } else if (x.what == effect::kind::ended) {
          over = true;
        }
      }
  };
  e.start(now);
  settle();
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 5), rc::gen::inRange(0, 30)));
  milliseconds clock{0};
  for (const auto& [which, wait] : steps) {
    clock += milliseconds{wait};
    now = time_point{} + clock;
    const auto i = static_cast<std::size_t>(which) % n;
    const auto id = std::to_string(i);
    if (over)
      break;
    starts.clear();
    stops.clear();
    const auto h = living.at(id);
    living.erase(id);
    e.down(h, {exit_reason::kind::crash, "x", false}, now);
    settle();
    expected.crash(i, clock);
    RC_ASSERT(over == expected.over);
    RC_ASSERT(std::ranges::is_sorted(starts));
    RC_ASSERT(std::ranges::is_sorted(stops, std::ranges::greater{}));
    for (std::size_t k = 0; k < n; ++k) {
      RC_ASSERT(living.contains(std::to_string(k)) == expected.lives[k]);
      if (!over)
        RC_ASSERT(generation[std::to_string(k)] == expected.lives_count[k]);
    }
  }
}

/// Whatever comes in whatever order: nobody is started twice, and a shutdown always ends it with nobody left.
RC_GTEST_PROP(engine_property, any_storm_ends_in_order, ()) {
  const auto n = static_cast<std::size_t>(*rc::gen::inRange(1, 5));
  sup_flags flags;
  flags.strategy = *rc::gen::element(strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one);
  flags.intensity = *rc::gen::inRange(0, 8);
  flags.spent = *rc::gen::element(when_spent::escalate, when_spent::degrade);
  std::vector<child_spec> specs;
  for (std::size_t i = 0; i < n; ++i) {
    child_spec s;
    s.id = std::to_string(i);
    s.restart = *rc::gen::element(restart_type::permanent, restart_type::transient, restart_type::temporary);
    specs.push_back(std::move(s));
  }
  engine e(flags, std::move(specs));
  time_point now{};
  std::map<child_handle, std::string> living;
  std::vector<child_handle> starting;
  bool over = false;
  const auto work = [&](bool obey) {
    for (auto todo = e.take(); !todo.empty(); todo = e.take())
      for (auto& x : todo) {
        if (x.what == effect::kind::start) {
          for (const auto& [h, id] : living)
            RC_ASSERT(id != x.id);
          living[x.child] = x.id;
          starting.push_back(x.child);
        } else if (x.what == effect::kind::abandon ||
                   (obey && (x.what == effect::kind::ask || x.what == effect::kind::kill))) {
          living.erase(x.child);
          if (x.what != effect::kind::abandon)
            e.down(x.child, {exit_reason::kind::shutdown, {}, false}, now);
        } else if (x.what == effect::kind::ended) {
          over = true;
        }
      }
  };
  e.start(now);
  work(true);
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 8), rc::gen::inRange(0, 2000)));
  for (const auto& [what, value] : steps) {
    if (over)
      break;
    now += milliseconds{value};
    const auto id = std::to_string(static_cast<std::size_t>(value) % n);
    call c;
    c.id = id;
    switch (what) {
    case 0:
    case 1:
      if (!starting.empty()) {
        const auto h = starting.back();
        starting.pop_back();
        what == 0 ? e.started(h, now) : e.failed(h, "no", now);
        if (what == 1)
          living.erase(h);
      }
      break;
    case 2:
      if (!living.empty()) {
        const auto h = living.begin()->first;
        living.erase(h);
        e.down(h, {exit_reason::kind::crash, "x", false}, now);
      }
      break;
    case 3:
      c.what = call::op::kill;
      e.ask(1, c, now);
      break;
    case 4:
      c.what = call::op::terminate_child;
      e.ask(2, c, now);
      break;
    case 5:
      c.what = call::op::start_now;
      e.ask(3, c, now);
      break;
    case 6:
      c.what = call::op::restart;
      e.ask(4, c, now);
      break;
    default:
      e.tick(now);
      break;
    }
    work(value % 3 != 0);
  }
  e.shutdown({exit_reason::kind::shutdown, {}, false}, now);
  work(false);
  for (int i = 0; i < 100 && !over; ++i) { // deaf children: each is killed and given up in its turn
    now += std::chrono::seconds{10};
    e.tick(now);
    work(false);
  }
  RC_ASSERT(over);
  RC_ASSERT(e.live() == 0U);
}

} // namespace

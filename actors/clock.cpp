// SPDX-License-Identifier: Apache-2.0
#include "actors/clock.hpp"

#include "actors/db_pool.hpp"
#include "supervision/child.hpp"
#include "supervision/crash_log.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <random>
#include <utility>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr auto standby_pause = 1s;
constexpr auto task_wait_max = 20s; // for a worker, and its statements; less than schedule::run_max
constexpr std::size_t outcome_max = 300;

std::function<double()> random_jitter() {
  return [engine = std::make_shared<std::minstd_rand>(std::random_device{}())] {
    return std::uniform_real_distribution<double>(0, 1)(*engine);
  };
}

double seconds(std::chrono::nanoseconds of) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(of).count()) / 1e3;
}

std::string next_of(const schedule::row& of, schedule::clock::time_point now) {
  if (of.running)
    return "runs";
  if (of.next)
    return fmt::format("in {:.0f} s", std::max(0.0, seconds(*of.next - now)));
  return fmt::format("at {:02}:{:02} of the school's timezone", of.daily_at->count() / 60, of.daily_at->count() % 60);
}

class keeper : public std::enable_shared_from_this<keeper> {
public:
  keeper(caf::actor self, clock_desk& desk, supervision::system& tree)
      : self_(std::move(self)), desk_(desk), tree_(tree), all_(random_jitter()) {
    for (const auto& one : desk_.tasks)
      all_.add(one.name, one.when, schedule::clock::now());
    desk_.board.put(all_.rows());
  }

  std::string summary() const {
    const auto now = schedule::clock::now();
    json::array rows;
    for (const auto& one : all_.rows())
      rows.push_back(
          json::object{{"task", one.name},
                       {"last", one.last_at ? json::value(supervision::utc_text(*one.last_at)) : json::value(nullptr)},
                       {"went", !one.last_at  ? ""
                                : one.last_ok ? "well"
                                              : "wrong"},
                       {"outcome", one.last},
                       {"next", next_of(one, now)},
                       {"runs", one.runs},
                       {"failures", one.failures}});
    return json::serialize(json::object{{"step", step_}, {"tasks", std::move(rows)}});
  }

  /// Returns how long to leave it alone.
  std::chrono::milliseconds turn() {
    if ((desk_.active && !desk_.active()) || (desk_.schema_ready && !desk_.schema_ready())) {
      step_ = "stands by";
      return standby_pause;
    }
    step_ = "watches";
    const auto wall_now = now_utc();
    for (const auto& one : all_.begin_due(schedule::clock::now(), desk_.wall(wall_now), wall_now))
      begin(one, wall_now);
    desk_.board.put(all_.rows());
    return std::max<std::chrono::milliseconds>(all_.rest(schedule::clock::now()), 1ms);
  }

private:
  void begin(const schedule::run& which, unix_time now) {
    const auto& what = desk_.tasks[which.task];
    if (what.wanted && !what.wanted())
      return end(which, {true, false, "nothing to do"});
    const auto tell = [me = shared_from_this(), which](task_result how) {
      supervision::run_in(me->self_, [me, which, how = std::move(how)] { me->told(which, how); });
    };
    submit(tree_, std::make_shared<db_task>(
                      db_use::writes,
                      [&what, tell, moment = clock_task::moment{now, which.day}](storage::db& db) {
                        tell(what.work(db, moment));
                      },
                      [tell](const problem& why, bool lost) {
                        tell({false, false, lost ? "the database's worker was replaced" : why.detail});
                      },
                      schedule::clock::now() + task_wait_max));
  }

  void told(const schedule::run& which, const task_result& how) {
    end(which, how);
    desk_.board.put(all_.rows());
    caf::anon_send(self_, tick_atom::value); // there may be more at once
  }

  /// Says once that a task fails, and once that it is well again.
  void end(const schedule::run& which, task_result how) {
    how.outcome.resize(std::min(how.outcome.size(), outcome_max));
    const auto before = all_.rows()[which.task].last_ok;
    if (!all_.end(which, how, schedule::clock::now(), now_utc()) || before == how.ok)
      return;
    const auto& name = all_.name_of(which.task);
    if (!how.ok && desk_.warn)
      desk_.warn(fmt::format("clock: {} failed, and is tried again: {}", name, how.outcome));
    else if (how.ok && desk_.log)
      desk_.log(fmt::format("clock: {} is well again", name));
  }

  caf::actor self_;
  clock_desk& desk_;
  supervision::system& tree_;
  schedule all_;
  const char* step_ = "starts";
};

} // namespace

caf::behavior scheduler(caf::event_based_actor* self, clock_desk* desk, supervision::system* tree) {
  auto keep = std::make_shared<keeper>(caf::actor_cast<caf::actor>(self), *desk, *tree);
  supervision::on_inspect(self, [keep] { return keep->summary(); });
  auto turns = std::make_shared<std::uint64_t>(0); // of the timer that counts: an older one is ignored
  const auto turn = [self, keep, turns] { self->delayed_send(self, keep->turn(), tick_atom::value, ++*turns); };
  turn();
  return {
      [turn](tick_atom) { turn(); },
      [turn, turns](tick_atom, std::uint64_t which) {
        if (which == *turns)
          turn();
      },
  };
}

} // namespace lyceum

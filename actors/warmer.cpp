// SPDX-License-Identifier: Apache-2.0
#include "actors/warmer.hpp"

#include "actors/db_pool.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include <sys/resource.h>
#include <unistd.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

struct round : std::enable_shared_from_this<round> {
  const warmer_options& options;
  caf::actor self;
  std::vector<std::string> left;
  std::size_t flying = 0;
  std::size_t warmed = 0;
  bool running = false;

  round(const warmer_options& how, caf::actor me) : options(how), self(std::move(me)) {}

  void begin(supervision::system& tree) {
    if (std::exchange(running, true))
      return;
    auto me = shared_from_this();
    submit(tree, std::make_shared<db_task>(
                     db_use::reads,
                     [me](storage::db& db) {
                       auto found = std::make_shared<std::vector<std::string>>(me->options.addresses(db));
                       supervision::run_in(me->self, [me, found] {
                         me->left = std::move(*found);
                         me->next();
                       });
                     },
                     [me](const problem&, bool) { supervision::run_in(me->self, [me] { me->running = false; }); }));
  }

  void next() {
    while (flying < options.at_once && !left.empty()) {
      auto path = std::move(left.back());
      left.pop_back();
      if (options.warm(path))
        continue;
      ++flying;
      auto me = shared_from_this();
      options.visit(std::move(path), [me] {
        supervision::run_in(me->self, [me] {
          --me->flying;
          ++me->warmed;
          me->next();
        });
      });
    }
    running = flying > 0 || !left.empty();
  }
};

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_files() {
  std::uint64_t count = 0;
  std::error_code ignored;
  for (std::filesystem::directory_iterator at("/proc/self/fd", ignored), end; at != end; at.increment(ignored))
    ++count;
  return count;
}

std::uint64_t cpu_ms() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& t) { return t.tv_sec * 1000 + t.tv_usec / 1000; };
  return static_cast<std::uint64_t>(ms(used.ru_utime) + ms(used.ru_stime));
}

} // namespace

caf::behavior warmer(caf::event_based_actor* self, const warmer_options* options, supervision::system* tree) {
  auto work = std::make_shared<round>(*options, caf::actor_cast<caf::actor>(self));
  supervision::on_inspect(self, [work] {
    return fmt::format(R"({{"running":{},"left":{},"warmed":{}}})", work->running, work->left.size(), work->warmed);
  });
  return {[work, tree](warm_atom) { work->begin(*tree); }};
}

caf::behavior listener(caf::event_based_actor* self, const loop_controls* controls) {
  supervision::on_inspect(self, [controls] { return controls->vitals(); });
  self->set_exit_handler([self, controls](caf::exit_msg& why) {
    if (why.reason && why.reason.category() == caf::atom("exit") &&
        why.reason.code() == static_cast<std::uint8_t>(caf::exit_reason::user_shutdown))
      controls->disarm();
    self->quit(std::move(why.reason));
  });
  controls->arm();
  return {[](tick_atom) {}};
}

caf::behavior metrics_sampler(caf::event_based_actor* self, process_vitals* vitals) {
  const auto sample = [vitals] {
    vitals->resident_bytes = resident_bytes();
    vitals->open_files = open_files();
    vitals->cpu_ms = cpu_ms();
  };
  sample();
  supervision::on_inspect(self, [vitals] {
    return fmt::format(R"({{"resident_bytes":{},"open_files":{},"cpu_ms":{}}})", vitals->resident_bytes.load(),
                       vitals->open_files.load(), vitals->cpu_ms.load());
  });
  self->delayed_send(self, 1s, tick_atom::value);
  return {[self, sample](tick_atom) {
    sample();
    self->delayed_send(self, 1s, tick_atom::value);
  }};
}

} // namespace lyceum

// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/commands.hpp"

#include "ops/active_lock.hpp"
#include "ops/commands/preflight.hpp"
#include "ops/log.hpp"
#include "ops/site.hpp"
#include "supervision/heart/heart.hpp"
#include "supervision/heart/notify.hpp"
#include "supervision/heart/run_files.hpp"
#include "supervision/heart/sockets.hpp"

#ifdef LYCEUM_WITH_FAULTS
#include "http/routes/faults.hpp"
#include "ops/part_faults.hpp"
#endif

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <unistd.h>
#ifdef LYCEUM_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace lyceum {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* heart_mark = "LYCEUM_HEART"; // in the environment of a server that a heart of ours has started
constexpr const char* standby_mark = "LYCEUM_STANDBY"; // … beside another one, which it is to replace
constexpr int backlog = 4096;
constexpr auto lock_patience = 3s; // a server that was killed a moment ago still holds its files
constexpr auto hand_over_max = 1s; // for the import at hand; then it is cut, and commits nothing
constexpr auto standby_turn = 5ms; // between two looks for the lock, or for the schema

int run_under_heart(const config& cfg, const std::vector<std::string>& arguments) {
  heart::heart_options options;
  options.listen = cfg.listen;
  options.sockets_each = cfg.threads;
  options.run_dir = cfg.run_dir();
  std::error_code failed;
  options.server = {fs::read_symlink("/proc/self/exe", failed).string()};
  // Behind `serve` and before what a person typed: `--` ends the flags.
  options.server.insert(options.server.end(), {arguments.at(1), "--no-heart"});
  options.server.insert(options.server.end(), arguments.begin() + 2, arguments.end());
  options.environment = {std::string(heart_mark) + "=1"};
  options.beside_environment = {std::string(standby_mark) + "=1"};
  options.figures.upgrade_max = cfg.upgrade_timeout;
  return heart::run_heart(options);
}

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int one : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, one);
  return set;
}

void write_run_files(const config& cfg, const std::vector<int>& sockets) {
  std::vector<heart::address> bound;
  for (const int fd : sockets)
    if (const auto at = heart::bound_address(fd); at && std::ranges::find(bound, *at) == bound.end())
      bound.push_back(*at);
  heart::replace_file(cfg.run_dir() / "listen.json", heart::listen_json(bound));
  heart::replace_file(cfg.run_dir() / "server.pid", fmt::format("{}\n", getpid()));
}

/// After an end in good order they would name a process that is no more. The lock on `active` is still held: a successor has not
/// written its own yet.
void remove_run_files(const config& cfg) {
  for (const auto* name : {"listen.json", "server.pid"})
    heart::remove_file(cfg.run_dir() / name);
}

void greet(const config& cfg, const site& school, const std::function<void(const std::string&)>& say) {
  for (const auto& address : school.addresses())
    say(fmt::format("serving http://{}{}", address, cfg.content ? " from " + cfg.content->string() : std::string()));
  say(fmt::format("see its parts with: lyceum ctl --control {} tree", cfg.control.string()));
}

timespec as_timespec(std::chrono::nanoseconds time) {
  return {time / 1s, static_cast<long>((time % 1s).count())};
}

/// Beats, reloads and waits until a signal, `ctl drain` or the tree's own end asks to stop. Takes the lock of the active server once
/// the predecessor lets go of it.
void wait_for_the_end(site& school, active_lock& active, const heart::notifier& heart, const std::atomic<bool>& ended) {
  const auto signals = our_signals();
  const auto beat = heart.beat_period().value_or(1000ms);
  auto next_beat = std::chrono::steady_clock::now();
  while (!ended && !school.asked_to_drain()) {
    if (std::chrono::steady_clock::now() >= next_beat) {
      next_beat += beat;
      if (school.alive())
        heart.beat();
    }
    if (!active.held() && active.try_take())
      school.become_active();
    const auto patience = as_timespec(active.held() ? std::min<std::chrono::nanoseconds>(beat, 250ms) : standby_turn);
    switch (sigtimedwait(&signals, nullptr, &patience)) {
    case SIGTERM:
    case SIGINT:
      return;
    case SIGHUP:
      school.reload();
      break;
    default:
      break;
    }
  }
}

/// Beside another server: until requests can be answered as well as that one answers them. False: asked to stop.
bool stand_by(const site& school, const std::atomic<bool>& ended) {
  const auto signals = our_signals();
  const auto patience = as_timespec(standby_turn);
  while (!school.prepared() && !ended) // the heart says when that takes too long
    if (const int got = sigtimedwait(&signals, nullptr, &patience); got == SIGTERM || got == SIGINT)
      return false;
  return !ended;
}

/// A second signal while draining ends the process at once.
void end_at_once_on_a_second_signal() {
  std::thread([] {
    auto signals = our_signals();
    sigdelset(&signals, SIGHUP);
    int which = 0;
    sigwait(&signals, &which);
    _exit(128 + which);
  }).detach();
}

int run_server(const config& cfg) {
  const auto heart = heart::notifier::from_environment();
  const bool under_heart = std::getenv(heart_mark) != nullptr;
  const bool standby = under_heart && std::getenv(standby_mark) != nullptr;
  unsetenv(heart_mark);
  unsetenv(standby_mark);
  site::options how;
  how.cfg = cfg;
  for (const auto& socket : heart::inherited_sockets())
    how.sockets.push_back(socket.fd);
  if (how.sockets.empty()) {
    const auto opened = heart::open_sockets(cfg.listen, cfg.threads, backlog);
    if (!opened)
      return complain(opened.error().detail);
    for (const auto& socket : *opened)
      how.sockets.push_back(socket.fd);
  }

  // Threads inherit this mask: signals reach the main thread alone.
  const auto signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
#ifdef LYCEUM_JEMALLOC
  // What was needed once is given back to the kernel also while nothing happens.
  std::size_t threads = 1;
  mallctl("max_background_threads", nullptr, nullptr, &threads, sizeof threads);
  bool on = true;
  mallctl("background_thread", nullptr, nullptr, &on, sizeof on);
#endif

  active_lock active(cfg.run_dir() / "active");
  const auto predecessor = active.last_holder();
  if (!standby && !active.take(lock_patience))
    return complain(
        fmt::format("another server is active on {}. Stop it, or choose another --data.", cfg.data.string()));
  how.standby = standby;
  how.last_death = heart.last_death();
  how.replaces = standby ? -1 : predecessor;
  if (under_heart)
    how.upgrade = [heart, patience = cfg.upgrade_timeout + 10s](const std::string& file) -> expected<int> {
      const auto pid = heart.upgrade(file, patience);
      if (!pid)
        return fail(problem::kind::internal, pid.error().detail);
      return *pid;
    };

  if (!under_heart)
    write_run_files(cfg, how.sockets); // with a heart, they are its own

  const auto log = make_log(cfg);
  const auto& say = log.info;
  how.log = log;
#ifdef LYCEUM_WITH_FAULTS
  if (const char* wanted = std::getenv("LYCEUM_FAULTS"); wanted && std::string_view(wanted) == "1") {
    how.more_routes = http::fault_routes();
    how.more_routes_of = part_faults;
    how.before_render = http::fault_text;
    how.render_mail = mail_faults;
    how.fetch = fetch_faults;
  }
#endif
  std::atomic<bool> ended = false;
  how.on_end = [&ended, complain_loudly = log.error](const std::string& why) {
    complain_loudly("the tree has ended: " + why);
    ended = true;
  };

  site school(std::move(how));
  const auto give_up = [&](const std::string& why) {
    heart.status(why); // for who asked for an upgrade
    complain(why);
    school.stop(1s);
    if (!under_heart)
      remove_run_files(cfg);
    _exit(cli::status_failed); // an actor that still starts cannot be waited for
  };
  if (auto started = school.start(); !started)
    give_up(started.error().detail);
  if (standby && !stand_by(school, ended))
    give_up("the server is being stopped");
  if (standby)
    if (auto taken = school.take_over(); !taken)
      give_up(taken.error().detail);
  greet(cfg, school, say);
  heart.ready();
  wait_for_the_end(school, active, heart, ended);

  heart.stopping();
  say("draining");
  end_at_once_on_a_second_signal();
  const auto until = std::chrono::steady_clock::now() + cfg.drain_timeout;
  school.hand_over(std::min<std::chrono::milliseconds>(hand_over_max, cfg.drain_timeout));
  active.release();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  const bool clean = school.stop(std::max<std::chrono::milliseconds>(left, 1ms));
  say(clean ? "stopped" : "stopped; what still ran was cut");
  if (!under_heart)
    remove_run_files(cfg);
  std::fflush(nullptr);
  // The actor system's destructor waits for every actor, also for one that never returns: leave without it.
  _exit(ended ? cli::status_failed : clean ? cli::status_done : cli::status_cut);
}

} // namespace

int run_serve(const cli::serve& how, const std::vector<std::string>& arguments) {
  const auto cannot = [](const std::string& why, int status = cli::status_failed) {
    if (std::getenv(heart_mark) != nullptr)
      heart::notifier::from_environment().status(why); // for who asked for an upgrade
    return complain(why, status);
  };
  const auto cfg = load_config(how.flags, read_environment());
  if (!cfg)
    return cannot(cfg.error().detail, cli::status_usage);
  for (const auto& warning : cfg->warnings)
    complain(warning);
  const bool handed_sockets = std::getenv("LISTEN_FDS") != nullptr;
  if (!handed_sockets)
    if (const auto wrong = preflight::another_server(*cfg, lock_patience))
      return complain(*wrong);
  if (const auto wrong = preflight::what_is_wrong(*cfg))
    return cannot(*wrong);
  if (cfg->no_heart || handed_sockets)
    return run_server(*cfg);
  return run_under_heart(*cfg, arguments);
}

} // namespace lyceum

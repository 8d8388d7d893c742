// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/guard.hpp"

#include "supervision/heart/process.hpp"
#include "supervision/heart/run_files.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace lyceum::heart {

using namespace std::chrono_literals;

namespace {

/// How late the kernel may wake us before we count as held up.
constexpr auto late_max = 250ms;

bool says(const mailbox::message& what, std::string_view name) {
  return value_in(what.text, name) == "1";
}

} // namespace

void say(const std::string& text) {
  std::fprintf(stderr, "lyceum: %s\n", text.c_str());
}

std::string seconds(std::chrono::milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", std::chrono::duration<double>(time).count());
  return text;
}

guard::guard(const heart_options& options, std::vector<listening_socket> sockets)
    : options_(options), figures_(options.figures), sockets_(std::move(sockets)),
      backoff_(figures_.backoff_unit, figures_.backoff_max), outer_(notifier::from_environment()),
      program_(options.server.front()) {}

int guard::run() {
  if (!prepare())
    return 1;
  looked_ = clock::now();
  while (!over()) {
    if (state_ == state::waiting && clock::now() >= start_at_)
      start();
    else
      look();
  }
  for (const char* name : {"heart.pid", "server.pid", "listen.json"})
    remove_file(options_.run_dir / name);
  write_state();
  return *result_;
}

bool guard::prepare() {
  sigset_t ours;
  sigemptyset(&ours);
  for (int each : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
    sigaddset(&ours, each);
  std::signal(SIGPIPE, SIG_IGN);
  // Somebody may have left SIGCHLD ignored, and then no child's end could be seen.
  std::signal(SIGCHLD, SIG_DFL);
  if (sigprocmask(SIG_BLOCK, &ours, nullptr) != 0 || (signals_ = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK)) < 0 ||
      !mailbox_.open()) {
    say(std::string("cannot set up the heart: ") + std::strerror(errno));
    return false;
  }
  if (outer_.beat_period())
    outer_beat_ = clock::now();
  std::vector<address> bound;
  for (const auto& each : sockets_)
    bound.push_back(each.bound);
  if (!replace_file(options_.run_dir / "heart.pid", std::to_string(getpid()) + "\n") ||
      !replace_file(options_.run_dir / "listen.json", listen_json(bound))) {
    say("cannot write in " + options_.run_dir.string() + ": " + std::strerror(errno));
    return false;
  }
  return true;
}

std::optional<guard::life> guard::launch(const std::string& program, bool beside, std::string& why) {
  auto environment = options_.environment;
  if (beside)
    environment.insert(environment.end(), options_.beside_environment.begin(), options_.beside_environment.end());
  environment.push_back("NOTIFY_SOCKET=" + mailbox_.path());
  environment.push_back(
      "WATCHDOG_USEC=" +
      std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(figures_.silence_max).count()));
  if (!beside && !last_death_.empty())
    environment.push_back("HEART_LAST_DEATH=" + last_death_);
  auto argv = options_.server;
  argv.front() = program;
  auto child = start_process({std::move(argv), std::move(environment), sockets_});
  if (!child) {
    why = child.error().detail;
    return {};
  }
  life made;
  made.pid = *child;
  made.program = program;
  made.started = made.last_beat = clock::now();
  return made;
}

void guard::start() {
  while (mailbox_.next()) // what a dead one left behind
    ;
  std::string why;
  auto made = launch(program_, false, why);
  if (!made) {
    say(why);
    if (!any_ready_) {
      result_ = 1;
      return;
    }
    start_at_ = clock::now() + std::max(backoff_.after_young_death(), figures_.backoff_unit);
    write_state();
    return;
  }
  server_ = std::move(*made);
  state_ = state::booting;
  write_server_pid();
  write_state();
}

void guard::write_server_pid() const {
  if (!replace_file(options_.run_dir / "server.pid", std::to_string(server_.pid) + "\n"))
    say("cannot write " + (options_.run_dir / "server.pid").string() + ": " + std::strerror(errno));
}

/// Waits for something to happen, and deals with it. What was received is read before anybody's silence is judged, so
/// that a heart which was itself held up blames nobody, and counts no time that it did not have itself.
void guard::look() {
  // A machine that was paused, or has no time to give, held up the servers as well: their silence begins anew.
  const auto forgive_if_late = [this](clock::time_point than) {
    if (clock::now() - than > late_max)
      server_.last_beat = heir_.started = clock::now();
  };
  forgive_if_late(looked_);
  std::vector<pollfd> polled{{signals_, POLLIN, 0}, {mailbox_.fd(), POLLIN, 0}};
  sign_.watch(polled, sockets_, state_ == state::waiting);
  auto left = std::chrono::ceil<milliseconds>(deadline() - clock::now());
  auto wait = std::clamp<milliseconds>(left, 0ms, 60'000ms);
  const auto woken_by = clock::now() + wait;
  poll(polled.data(), polled.size(), static_cast<int>(wait.count()));
  looked_ = clock::now(); // what is judged now; a pause from here on is forgiven at the next look
  forgive_if_late(woken_by);
  read_signals();
  read_messages();
  reap();
  sign_.serve(polled, sockets_);
  if (clock::now() >= outer_beat_) {
    outer_.beat();
    outer_beat_ = clock::now() + *outer_.beat_period();
  }
  judge();
}

guard::clock::time_point guard::deadline() const {
  auto first = std::min({sign_.deadline(), server_.kill_at, heir_.kill_at, outer_beat_});
  for (const auto& each : leaving_)
    first = std::min(first, each.kill_at);
  if (heir_.pid != 0 && heir_.kill_at == clock::time_point::max())
    first = std::min(first, heir_.started + figures_.upgrade_max);
  if (state_ == state::waiting)
    return std::min(first, start_at_);
  if (!alive() || server_.kill_at != clock::time_point::max() || state_ == state::stopping)
    return first;
  return std::min(first, server_.last_beat + (state_ == state::booting ? figures_.boot_max : figures_.silence_max));
}

void guard::read_signals() {
  signalfd_siginfo got{};
  while (read(signals_, &got, sizeof got) == sizeof got) {
    switch (static_cast<int>(got.ssi_signo)) {
    case SIGTERM:
    case SIGINT:
      order_stop(static_cast<int>(got.ssi_signo));
      break;
    case SIGHUP:
      if (alive())
        kill(server_.pid, SIGHUP);
      if (state_ == state::waiting)
        start_at_ = clock::now(); // whoever mended the configuration need not wait
      break;
    default:
      break; // SIGCHLD: reap() looks anyway
    }
  }
}

void guard::order_stop(int signal) {
  if (passed_signal_ != 0) {
    if (alive()) {
      say("a second signal: the server (pid " + std::to_string(server_.pid) + ") is killed");
      kill(server_.pid, SIGKILL);
    }
    kill_leaving();
    return;
  }
  passed_signal_ = signal;
  if (alive())
    kill(server_.pid, signal);
  else
    result_ = 0;
  outer_.stopping();
  begin_to_stop();
}

/// The server ends in good order, and nobody takes its place.
void guard::begin_to_stop() {
  state_ = state::stopping;
  if (alive())
    server_.kill_at = std::min(server_.kill_at, clock::now() + figures_.stop_max);
  give_up_heir("the server is being stopped");
  write_state();
}

void guard::read_messages() {
  while (auto message = mailbox_.next()) {
    if (message->sender == 0)
      continue;
    if (message->sender == server_.pid)
      hear_server(std::move(*message));
    else if (message->sender == heir_.pid)
      hear_heir(*message);
    else if (std::ranges::any_of(leaving_, [&](const life& one) { return one.pid == message->sender; }))
      hear_leaving(*message);
  }
}

void guard::hear_server(mailbox::message what) {
  server_.last_beat = clock::now();
  if (says(what, "READY") && state_ == state::booting) {
    state_ = state::serving;
    server_.was_ready = any_ready_ = true;
    server_.ready_at = server_.last_beat;
    program_ = server_.program; // the heir of one that died meanwhile may be another than before
    outer_.ready();
    write_state();
  }
  if (says(what, "STOPPING") && !server_.said_stopping) {
    server_.said_stopping = true;
    begin_to_stop();
  }
  if (auto text = value_in(what.text, "STATUS"); text && outer_.listened_to())
    outer_.status(*text);
  if (auto file = value_in(what.text, "X_UPGRADE"))
    ask_upgrade(*file, std::move(what.attached));
}

void guard::reap() {
  int status = 0;
  if (heir_.pid != 0 && waitpid(heir_.pid, &status, WNOHANG) == heir_.pid) {
    read_messages(); // its last words came before its end
    if (heir_.pid != 0)
      heir_died(status);
    else
      died(status); // and the last of them was READY
  }
  if (alive() && waitpid(server_.pid, &status, WNOHANG) == server_.pid) {
    read_messages();
    died(status);
  }
  reap_leaving();
}

/// What the time that has passed means.
void guard::judge() {
  const auto now = looked_;
  judge_heir(now);
  judge_leaving(now);
  if (!alive())
    return;
  if (now >= server_.kill_at) {
    say("the server (pid " + std::to_string(server_.pid) + ") does not end: SIGKILL");
    kill(server_.pid, SIGKILL);
    server_.kill_at = now + figures_.kill_after;
  } else if (server_.kill_at != clock::time_point::max()) {
    return; // it has its SIGABRT, or is stopping
  } else if (state_ == state::serving && now - server_.last_beat >= figures_.silence_max) {
    kill_slowly(server_, "has not beaten for " + seconds(figures_.silence_max));
  } else if (state_ == state::booting && now - server_.last_beat >= figures_.boot_max) {
    kill_slowly(server_, "is not ready after " + seconds(figures_.boot_max));
  }
}

void guard::kill_slowly(life& whom, std::string fault) {
  say((&whom == &heir_ ? "the new server (pid " : "the server (pid ") + std::to_string(whom.pid) + ") " + fault +
      ": SIGABRT");
  whom.fault = std::move(fault);
  kill(whom.pid, SIGABRT);
  whom.kill_at = clock::now() + figures_.kill_after;
}

/// The heart's exit status, if this death is the last one.
std::optional<int> guard::final_status(int wait_status) const {
  int exited = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  if (passed_signal_ != 0) {
    if (exited >= 0)
      return exited;
    return WTERMSIG(wait_status) == passed_signal_ ? 0 : 128 + WTERMSIG(wait_status);
  }
  if (server_.said_stopping && (exited == 0 || exited == 70))
    return exited;
  if (!any_ready_ && std::ranges::find(options_.final_statuses, exited) != options_.final_statuses.end())
    return exited;
  return {};
}

std::string guard::end_of(const life& whom, int wait_status) const {
  auto age = std::chrono::round<milliseconds>(clock::now() - whom.started);
  return "server (pid " + std::to_string(whom.pid) + ") " + (whom.fault.empty() ? "" : whom.fault + ": ") +
         describe_end(wait_status) + " after " + seconds(age);
}

void guard::died(int wait_status) {
  auto now = clock::now();
  last_death_ = "the " + end_of(server_, wait_status);
  remove_file(options_.run_dir / "server.pid");
  result_ = final_status(wait_status);
  auto gone = std::exchange(server_, {});
  if (result_) {
    state_ = state::stopping;
    if (*result_ != 0 && passed_signal_ == 0)
      say(last_death_ + (gone.said_stopping ? ": what still ran was cut" : ": starting it again would not help"));
    return;
  }
  ++restarts_;
  auto count = ", restart " + std::to_string(restarts_);
  if (heir_.pid != 0 && heir_.kill_at == clock::time_point::max()) {
    say(last_death_ + "; the new server of the upgrade (pid " + std::to_string(heir_.pid) + ") takes its place" +
        count);
    server_ = std::exchange(heir_, {});
    state_ = state::booting;
    server_.last_beat = now;
    write_server_pid();
    write_state();
    return;
  }
  bool young = !gone.was_ready || now - gone.ready_at < figures_.young;
  auto pause = young ? backoff_.after_young_death() : backoff_.after_late_death();
  state_ = state::waiting;
  start_at_ = now + pause;
  if (upgrade_ && upgrade_->at == upgrade::state::starting)
    fail_upgrade(last_death_);
  if (pause == 0ms)
    say(last_death_ + "; started again at once" + count);
  else
    say(last_death_ + ", " + (gone.was_ready ? "just after it was ready" : "before it was ready") +
        "; started again in " + seconds(pause) + count + ". Visitors get 503 until then");
  write_state();
}

void guard::write_state() const {
  static constexpr std::array names{"waiting", "booting", "serving", "stopping"};
  static constexpr std::array upgrades{"starting", "done", "failed"};
  auto number = [](auto value) { return std::to_string(value); };
  auto text_or_null = [](const std::string& text) { return text.empty() ? "null" : json_string(text); };
  auto in = std::chrono::ceil<milliseconds>(start_at_ - clock::now());
  bool waits = state_ == state::waiting && !result_;
  std::string text =
      "{\"state\": " + json_string(result_ && over() ? "stopped" : names[static_cast<std::size_t>(state_)]);
  text += ", \"heart_pid\": " + number(getpid());
  text += ", \"server_pid\": " + (alive() ? number(server_.pid) : "null");
  text += ", \"program\": " + json_string(program_);
  text += ", \"restarts\": " + number(restarts_);
  text += ", \"deaths_in_a_row\": " + number(backoff_.young_deaths());
  text += ", \"next_start_in_ms\": " + (waits ? number(std::max(in, 0ms).count()) : "null");
  text += ", \"last_death\": " + text_or_null(last_death_);
  if (upgrade_)
    text += ", \"upgrade\": {\"result\": " + json_string(upgrades[static_cast<std::size_t>(upgrade_->at)]) +
            ", \"file\": " + json_string(upgrade_->file) + ", \"detail\": " + text_or_null(upgrade_->detail) + "}";
  else
    text += ", \"upgrade\": null";
  std::string pids;
  for (const auto& each : leaving_)
    pids += (pids.empty() ? "" : ", ") + number(each.pid);
  text += ", \"leaving\": [" + pids + "]";
  text += ", \"status\": " + (result_ ? number(*result_) : "null");
  text += ", \"at\": " +
          number(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
                     .count()) +
          "}\n";
  if (!replace_file(options_.run_dir / "heart.json", text))
    say("cannot write " + (options_.run_dir / "heart.json").string() + ": " + std::strerror(errno));
}

} // namespace lyceum::heart

// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/heart.hpp"

#include "supervision/heart/backoff.hpp"
#include "supervision/heart/closed_sign.hpp"
#include "supervision/heart/notify.hpp"
#include "supervision/heart/process.hpp"
#include "supervision/heart/run_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lyceum::heart {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How late the kernel may wake us before we count as held up.
constexpr auto late_max = 250ms;

void say(const std::string& text) {
  std::fprintf(stderr, "lyceum: %s\n", text.c_str());
}

std::string seconds(milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", std::chrono::duration<double>(time).count());
  return text;
}

/// Our end of NOTIFY_SOCKET. Abstract, with a name that the kernel chooses; who sends is known by credentials.
struct mailbox {
  int fd = -1;
  std::string path;

  bool open() {
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    socklen_t size = sizeof(sa_family_t);
    int on = 1;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
      return false;
    size = sizeof name;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0)
      return false;
    path = "@" + std::string(name.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
    return true;
  }

  /// The next message of `sender`; others' are dropped. Empty: none is left.
  std::optional<std::string> next(pid_t sender) const {
    for (;;) {
      std::array<char, 4096> bytes;
      alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
      iovec where{bytes.data(), bytes.size()};
      msghdr head{};
      head.msg_iov = &where;
      head.msg_iovlen = 1;
      head.msg_control = control.data();
      head.msg_controllen = control.size();
      auto got = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return {};
      ucred from{};
      for (auto* each = CMSG_FIRSTHDR(&head); each != nullptr; each = CMSG_NXTHDR(&head, each))
        if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_CREDENTIALS)
          std::memcpy(&from, CMSG_DATA(each), sizeof from);
      if (from.pid == sender && sender != 0)
        return std::string(bytes.data(), static_cast<std::size_t>(got));
    }
  }
};

/// True if the message holds this line.
bool says(std::string_view message, std::string_view line) {
  while (!message.empty()) {
    auto end = std::min(message.find('\n'), message.size());
    if (message.substr(0, end) == line)
      return true;
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return false;
}

class guard {
public:
  guard(const heart_options& options, std::vector<listening_socket> sockets)
      : options_(options), figures_(options.figures), sockets_(std::move(sockets)),
        backoff_(figures_.backoff_unit, figures_.backoff_max), outer_(notifier::from_environment()) {}

  int run();

private:
  enum class state { waiting, booting, serving, stopping };

  bool prepare();
  void start();
  void look();
  void read_signals();
  void read_messages();
  void order_stop(int signal);
  void reap();
  void judge();
  void kill_slowly(const std::string& why);
  void died(int wait_status);
  void write_state() const;
  clock::time_point deadline() const;
  std::optional<int> final_status(int wait_status) const;
  bool alive() const { return child_ != 0; }
  void signal_child(int signal) const {
    if (alive())
      kill(child_, signal);
  }

  const heart_options& options_;
  const heart_figures& figures_;
  std::vector<listening_socket> sockets_;
  backoff backoff_;
  notifier outer_; ///< systemd, if it is there
  mailbox mailbox_;
  closed_sign sign_;
  int signals_ = -1;

  state state_ = state::waiting;
  pid_t child_ = 0;
  clock::time_point started_, ready_at_, last_beat_;
  clock::time_point start_at_ = clock::now();            ///< in `waiting`
  clock::time_point kill_at_ = clock::time_point::max(); ///< after SIGABRT, or in `stopping`
  clock::time_point outer_beat_ = clock::time_point::max();
  bool was_ready_ = false; ///< this server said READY
  bool any_ready_ = false; ///< one of them did
  bool said_stopping_ = false;
  int passed_signal_ = 0; ///< SIGTERM or SIGINT, once one came
  int restarts_ = 0;
  std::string last_death_;
  std::optional<int> result_;
};

int guard::run() {
  if (!prepare())
    return 1;
  while (!result_) {
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

void guard::start() {
  auto environment = options_.environment;
  environment.push_back("NOTIFY_SOCKET=" + mailbox_.path);
  environment.push_back(
      "WATCHDOG_USEC=" +
      std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(figures_.silence_max).count()));
  while (mailbox_.next(0)) // what a dead one left behind
    ;
  auto child = start_process({options_.server, std::move(environment), sockets_});
  if (!child) {
    say(child.error().detail);
    if (!any_ready_) {
      result_ = 1;
      return;
    }
    start_at_ = clock::now() + std::max(backoff_.after_young_death(), figures_.backoff_unit);
    write_state();
    return;
  }
  child_ = *child;
  state_ = state::booting;
  started_ = last_beat_ = clock::now();
  kill_at_ = clock::time_point::max();
  was_ready_ = said_stopping_ = false;
  if (!replace_file(options_.run_dir / "server.pid", std::to_string(child_) + "\n"))
    say("cannot write " + (options_.run_dir / "server.pid").string() + ": " + std::strerror(errno));
  write_state();
}

/// Waits for something to happen, and deals with it. What was received is read before anybody's silence is judged, so
/// that a heart which was itself held up blames nobody, and counts no time that it did not have itself.
void guard::look() {
  std::vector<pollfd> polled{{signals_, POLLIN, 0}, {mailbox_.fd, POLLIN, 0}};
  sign_.watch(polled, sockets_, state_ == state::waiting);
  auto left = std::chrono::ceil<milliseconds>(deadline() - clock::now());
  auto wait = std::clamp<milliseconds>(left, 0ms, 60'000ms);
  const auto woken_by = clock::now() + wait;
  poll(polled.data(), polled.size(), static_cast<int>(wait.count()));
  // A machine that was paused, or has no time to give, held up the server as well: its silence begins anew.
  if (clock::now() - woken_by > late_max)
    last_beat_ = clock::now();
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

clock::time_point guard::deadline() const {
  auto first = std::min({sign_.deadline(), kill_at_, outer_beat_});
  if (state_ == state::waiting)
    return std::min(first, start_at_);
  if (kill_at_ != clock::time_point::max() || state_ == state::stopping)
    return first;
  return std::min(first, last_beat_ + (state_ == state::booting ? figures_.boot_max : figures_.silence_max));
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
      signal_child(SIGHUP);
      if (state_ == state::waiting)
        start_at_ = clock::now(); // whoever mended the configuration need not wait
      break;
    default:
      break; // SIGCHLD: reap() looks anyway
    }
  }
}

void guard::order_stop(int signal) {
  if (!alive()) {
    result_ = 0;
    return;
  }
  if (passed_signal_ != 0) {
    say("a second signal: the server (pid " + std::to_string(child_) + ") is killed");
    signal_child(SIGKILL);
    return;
  }
  passed_signal_ = signal;
  state_ = state::stopping;
  kill_at_ = std::min(kill_at_, clock::now() + figures_.stop_max);
  outer_.stopping();
  signal_child(signal);
  write_state();
}

void guard::read_messages() {
  while (auto message = mailbox_.next(child_)) {
    last_beat_ = clock::now();
    if (says(*message, "READY=1") && state_ == state::booting) {
      state_ = state::serving;
      was_ready_ = any_ready_ = true;
      ready_at_ = last_beat_;
      outer_.ready();
      write_state();
    }
    if (says(*message, "STOPPING=1") && !said_stopping_) {
      said_stopping_ = true;
      state_ = state::stopping;
      kill_at_ = std::min(kill_at_, clock::now() + figures_.stop_max);
      write_state();
    }
    if (auto at = message->find("STATUS="); at != std::string::npos && outer_.listened_to())
      outer_.status(std::string_view(*message).substr(at + 7));
  }
}

void guard::reap() {
  int status = 0;
  if (!alive() || waitpid(child_, &status, WNOHANG) != child_)
    return;
  read_messages(); // its last words came before its end
  died(status);
}

/// What the time that has passed means.
void guard::judge() {
  if (!alive())
    return;
  auto now = clock::now();
  if (now >= kill_at_) {
    say("the server (pid " + std::to_string(child_) + ") does not end: SIGKILL");
    signal_child(SIGKILL);
    kill_at_ = now + figures_.kill_after;
  } else if (kill_at_ != clock::time_point::max()) {
    return; // it has its SIGABRT, or is stopping
  } else if (state_ == state::serving && now - last_beat_ >= figures_.silence_max) {
    kill_slowly("has not beaten for " + seconds(figures_.silence_max));
  } else if (state_ == state::booting && now - last_beat_ >= figures_.boot_max) {
    kill_slowly("is not ready after " + seconds(figures_.boot_max));
  }
}

void guard::kill_slowly(const std::string& why) {
  say("the server (pid " + std::to_string(child_) + ") " + why + ": SIGABRT");
  signal_child(SIGABRT);
  kill_at_ = clock::now() + figures_.kill_after;
}

/// The heart's exit status, if this death is the last one.
std::optional<int> guard::final_status(int wait_status) const {
  int exited = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  if (passed_signal_ != 0) {
    if (exited >= 0)
      return exited;
    return WTERMSIG(wait_status) == passed_signal_ ? 0 : 128 + WTERMSIG(wait_status);
  }
  if (said_stopping_ && (exited == 0 || exited == 70))
    return exited;
  if (!any_ready_ && std::ranges::find(options_.final_statuses, exited) != options_.final_statuses.end())
    return exited;
  return {};
}

void guard::died(int wait_status) {
  auto pid = std::exchange(child_, 0);
  auto now = clock::now();
  auto age = std::chrono::round<milliseconds>(now - started_);
  kill_at_ = clock::time_point::max();
  remove_file(options_.run_dir / "server.pid");
  last_death_ = "the server (pid " + std::to_string(pid) + ") " + describe_end(wait_status) + " after " + seconds(age);
  result_ = final_status(wait_status);
  if (result_) {
    if (*result_ != 0 && passed_signal_ == 0)
      say(last_death_ + ": starting it again would not help");
    return;
  }
  bool young = !was_ready_ || now - ready_at_ < figures_.young;
  auto pause = young ? backoff_.after_young_death() : backoff_.after_late_death();
  ++restarts_;
  state_ = state::waiting;
  start_at_ = now + pause;
  auto count = ", restart " + std::to_string(restarts_);
  if (pause == 0ms)
    say(last_death_ + "; started again at once" + count);
  else
    say(last_death_ + ", " + (was_ready_ ? "just after it was ready" : "before it was ready") + "; started again in " +
        seconds(pause) + count + ". Visitors get 503 until then");
  write_state();
}

void guard::write_state() const {
  static constexpr std::array names{"waiting", "booting", "serving", "stopping"};
  auto number = [](auto value) { return std::to_string(value); };
  auto in = std::chrono::ceil<milliseconds>(start_at_ - clock::now());
  bool waits = state_ == state::waiting && !result_;
  std::string text = "{\"state\": " + json_string(result_ ? "stopped" : names[static_cast<std::size_t>(state_)]);
  text += ", \"heart_pid\": " + number(getpid());
  text += ", \"server_pid\": " + (alive() ? number(child_) : "null");
  text += ", \"restarts\": " + number(restarts_);
  text += ", \"deaths_in_a_row\": " + number(backoff_.young_deaths());
  text += ", \"next_start_in_ms\": " + (waits ? number(std::max(in, 0ms).count()) : "null");
  text += ", \"last_death\": " + (last_death_.empty() ? "null" : json_string(last_death_));
  text += ", \"status\": " + (result_ ? number(*result_) : "null");
  text += ", \"at\": " +
          number(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
                     .count()) +
          "}\n";
  if (!replace_file(options_.run_dir / "heart.json", text))
    say("cannot write " + (options_.run_dir / "heart.json").string() + ": " + std::strerror(errno));
}

/// Those that systemd passed on, or our own.
expected<std::vector<listening_socket>> find_sockets(const heart_options& options) {
  std::vector<listening_socket> all;
  for (auto& each : inherited_sockets()) {
    auto bound = bound_address(each.fd);
    if (!bound)
      return tl::unexpected(bound.error());
    all.push_back({each.fd, *bound, each.name});
  }
  return all.empty() ? open_sockets(options.listen, options.sockets_each, options.backlog) : all;
}

} // namespace

int run_heart(const heart_options& options) {
  auto told = [](const problem& what) {
    say(what.detail);
    return 1;
  };
  if (auto made = make_run_dir(options.run_dir); !made)
    return told(made.error());
  auto lock = run_lock::take(options.run_dir);
  if (!lock)
    return told(lock.error());
  auto sockets = find_sockets(options);
  if (!sockets)
    return told(sockets.error());
  return guard(options, std::move(*sockets)).run();
}

} // namespace lyceum::heart

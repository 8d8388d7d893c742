// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl_watch.hpp"

#include "ops/commands/ctl_client.hpp"
#include "ops/commands/ctl_screen.hpp"
#include "ops/commands/ctl_tables.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>

namespace lyceum::ops {
namespace {

namespace json = boost::json;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds frame{500};
constexpr std::string_view enter_text = "\033[?1049h\033[?25l\033[2J"; // the other screen, no cursor
constexpr std::string_view leave_text = "\033[?25h\033[?1049l";

// What a signal's handler may touch: nothing that allocates or locks.
termios found_settings;
volatile std::sig_atomic_t entered = 0;
int signal_pipe[2] = {-1, -1};

void put(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return; // nobody looks any more
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void leave() noexcept {
  if (entered == 0)
    return;
  entered = 0;
  put(leave_text);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &found_settings);
}

void enter() {
  termios raw = found_settings;
  raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO | ISIG | IEXTEN));
  raw.c_iflag &= static_cast<tcflag_t>(~(IXON | ICRNL));
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  entered = 1;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  put(enter_text);
}

extern "C" void watch_told(int which) {
  const int kept = errno;
  const auto code = static_cast<char>(which);
  [[maybe_unused]] const auto n = ::write(signal_pipe[1], &code, 1);
  errno = kept;
}

extern "C" void watch_crashed(int which) {
  leave();
  ::raise(which); // its default action: SA_RESETHAND
}

/// The terminal in our hands; given back however this ends.
class terminal {
public:
  terminal() {
    ::tcgetattr(STDIN_FILENO, &found_settings);
    if (::pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
      signal_pipe[0] = signal_pipe[1] = -1;
    on({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT}, watch_told, SA_RESTART);
    on({SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}, watch_crashed, static_cast<int>(SA_RESETHAND));
    enter();
  }
  ~terminal() {
    leave();
    on({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}, SIG_DFL, 0);
    for (const int fd : signal_pipe)
      if (fd >= 0)
        ::close(fd);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

private:
  static void on(std::initializer_list<int> signals, void (*what)(int), int flags) {
    struct sigaction how {};
    how.sa_handler = what;
    how.sa_flags = flags;
    for (const int one : signals)
      ::sigaction(one, &how, nullptr);
  }
};

/// What is asked before it is done.
struct intent {
  std::string command;
  std::string path;
  std::optional<std::uint64_t> generation; ///< only of the life that was looked at
};

class watch {
public:
  explicit watch(const ctl_question& q) : control_(q.control) {
    const char* off = std::getenv("NO_COLOR");
    view_.colours = !off || *off == '\0';
  }
  /// The first connection; later ones are tried again by itself.
  ctl_reply begin() { return server_.connect(control_); }
  int run();

private:
  ctl_reply ask(std::string name, std::vector<std::string> args = {}, std::optional<std::uint64_t> if_generation = {});
  void look();
  void draw();
  void take(key pressed);
  void choose(key pressed);
  void intend(const std::string& command);
  void act();

  const std::string control_;
  ctl_client server_;
  screen view_;
  std::optional<intent> asked_;
  std::string drawn_;
};

ctl_reply watch::ask(std::string name, std::vector<std::string> args, std::optional<std::uint64_t> if_generation) {
  ctl_question q;
  q.name = std::move(name);
  q.args = std::move(args);
  q.if_generation = if_generation;
  return server_.ask(q);
}

void watch::look() {
  const auto away = [this](const std::string& why) {
    view_.alarm = true;
    view_.title = "trying again: " + why;
  };
  if (!server_.connected())
    if (const auto up = server_.connect(control_); up.status != 0)
      return away(up.problem);
  const auto health = ask("health");
  const auto tree = health.status == 0 ? ask("tree") : ctl_reply{};
  const auto crashes = tree.ok.is_array() ? ask("crashes", {"4"}) : ctl_reply{};
  if (!health.ok.is_object() || !tree.ok.is_array() || !crashes.ok.is_array())
    return away(health.status != 0 ? health.problem : tree.status != 0 ? tree.problem : "the server goes away");
  const auto& h = health.ok.as_object();
  view_.alarm = field(h, "state") != "ok";
  view_.title = "lyceum " + field(h, "state") + "   process " + field(h, "pid") + "   " + field(h, "crashes") +
                " crashes   " + field(h, "abandoned") + " given up" +
                (field(h, "pool_alive") == "false" ? "   the actors' shared threads do not answer" : "");
  const auto path = view_.chosen < view_.rows.size() ? view_.rows[view_.chosen].path : std::string{};
  view_.rows = screen_rows(tree.ok.as_array());
  view_.crashes = screen_crashes(crashes.ok.as_array());
  const auto same =
      std::ranges::find(view_.rows, path, &screen_row::path); // the choice follows its child, not its place
  if (same != view_.rows.end())
    view_.chosen = static_cast<std::size_t>(same - view_.rows.begin());
  view_.chosen = std::min(view_.chosen, view_.rows.empty() ? 0 : view_.rows.size() - 1);
}

void watch::draw() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    if (view_.columns != size.ws_col || view_.lines != size.ws_row)
      drawn_.clear();
    view_.columns = size.ws_col;
    view_.lines = size.ws_row;
  }
  view_.top = scrolled(view_);
  auto text = screen_text(view_);
  if (text == drawn_)
    return;
  put((drawn_.empty() ? "\033[2J" : "") + text);
  drawn_ = std::move(text);
}

void watch::choose(key pressed) {
  if (view_.rows.empty())
    return;
  const auto last = view_.rows.size() - 1;
  const auto page = std::max<std::size_t>(1, row_room(view_));
  auto& at = view_.chosen;
  switch (pressed) {
  case key::up:
    at -= at > 0 ? 1 : 0;
    break;
  case key::down:
    at = std::min(last, at + 1);
    break;
  case key::page_up:
    at -= std::min(at, page);
    break;
  case key::page_down:
    at = std::min(last, at + page);
    break;
  case key::home:
    at = 0;
    break;
  case key::end:
    at = last;
    break;
  default:
    break;
  }
}

void watch::intend(const std::string& command) {
  if (view_.chosen >= view_.rows.size())
    return;
  const auto& row = view_.rows[view_.chosen];
  asked_ = intent{command, row.path, {}};
  if (command == "start" || command == "resume") { // nothing is touched that serves
    view_.question = command + " " + row.path + "?";
    return;
  }
  const auto got = ask("impact", {row.path, command == "suspend" ? "restart" : command});
  if (!got.ok.is_object()) {
    view_.message = got.problem;
    asked_.reset();
    return;
  }
  const auto& impact = got.ok.as_object();
  asked_->generation = static_cast<std::uint64_t>(number(impact, "generation"));
  view_.question = command == "suspend"
                       ? "suspend " + row.path + "? its messages wait, in order" +
                             (field(impact, "note").empty() ? "" : "; meanwhile: " + field(impact, "note"))
                       : command + "? " + field(impact, "says");
}

void watch::act() {
  const auto what = *std::exchange(asked_, std::nullopt);
  view_.question.clear();
  view_.message = what.command + " " + what.path + " …";
  draw();
  const auto got = ask(what.command, {what.path}, what.generation);
  if (!got.ok.is_object())
    view_.message = what.command + " " + what.path + ": " + (got.problem.empty() ? "no answer" : got.problem);
  else
    view_.message = what.command + " " + what.path + ": " + field(got.ok.as_object(), "state") + ", generation " +
                    field(got.ok.as_object(), "generation");
  look();
}

void watch::take(key pressed) {
  if (asked_) {
    if (pressed == key::yes)
      return act();
    asked_.reset();
    view_.question.clear();
    view_.message = "nothing was done";
    return;
  }
  const auto state = view_.chosen < view_.rows.size() ? view_.rows[view_.chosen].state : std::string{};
  switch (pressed) {
  case key::restart:
    return intend("restart");
  case key::stop_start:
    return intend(state == "stopped" || state == "degraded" || state == "restarting" ? "start" : "stop");
  case key::suspend_resume:
    return intend(state == "suspended" ? "resume" : "suspend");
  case key::kill:
    return intend("kill");
  default:
    return choose(pressed);
  }
}

int watch::run() {
  const terminal ours;
  std::string typed;
  auto next_look = clock::now();
  for (;;) {
    if (clock::now() >= next_look) {
      look();
      next_look = clock::now() + frame;
    }
    draw();
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signal_pipe[0], POLLIN, 0}};
    const auto rest = std::chrono::duration_cast<milliseconds>(next_look - clock::now()).count();
    if (::poll(fds, 2, std::max(1, static_cast<int>(rest) + 1)) < 0 && errno != EINTR)
      return 1;
    std::array<char, 64> bytes{};
    for (auto n = ::read(signal_pipe[0], bytes.data(), bytes.size()); n > 0; n = 0)
      for (const char which : std::string_view(bytes.data(), static_cast<std::size_t>(n))) {
        drawn_.clear();
        if (which == SIGCONT)
          enter();
        else if (which != SIGWINCH)
          return 128 + which;
      }
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) == 0)
      continue;
    const auto n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n <= 0 && (fds[0].revents & POLLIN) == 0)
      return 1; // the terminal is gone
    typed.append(bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    for (const auto pressed : take_keys(typed)) {
      if (pressed == key::quit)
        return 0;
      take(pressed);
    }
  }
}

} // namespace

int run_watch(const ctl_question& q) {
  if (q.as_json) {
    std::cerr << "lyceum ctl: watch is for people; programs subscribe (man lyceum, PROTOCOL)\n";
    return 2;
  }
  const char* kind = std::getenv("TERM");
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1 || (kind && std::string_view(kind) == "dumb")) {
    std::cerr << "lyceum ctl: watch needs a terminal; `lyceum ctl tree` prints the tree once\n";
    return 1;
  }
  watch all(q);
  if (const auto up = all.begin(); up.status != 0) {
    std::cerr << "lyceum ctl: " << shown(up.problem, 1000) << '\n';
    return up.status;
  }
  return all.run();
}

} // namespace lyceum::ops

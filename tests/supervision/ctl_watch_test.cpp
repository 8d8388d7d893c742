// SPDX-License-Identifier: Apache-2.0
// `ctl` at a real terminal: a pseudo-terminal, a process of its own, keys and what is seen.
#include "control_fixture.hpp"

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include <array>
#include <csignal>
#include <optional>

namespace {

class terminal_test : public control_test {
protected:
  ~terminal_test() override { // slave_ too: the terminal ends with its last end
    if (slave_ >= 0)
      ::close(slave_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (fd_ >= 0)
      ::close(fd_);
  }

  /// Starts `ctl` with these arguments in a terminal of 80 x 24.
  void sit_down(std::vector<std::string> args, std::vector<std::string> environment = {"TERM=xterm"}) {
    args.insert(args.begin(), {CTL_ALONE, path});
    std::vector<char*> words;
    for (auto& a : args)
      words.push_back(a.data());
    words.push_back(nullptr);
    std::vector<char*> settings;
    for (auto& e : environment)
      settings.push_back(e.data());
    settings.push_back(nullptr);
    winsize size{24, 80, 0, 0};
    ASSERT_EQ(::openpty(&fd_, &slave_, nullptr, nullptr, &size), 0);
    ASSERT_EQ(::tcgetattr(slave_, &before_), 0);
    pid_ = ::fork();
    if (pid_ == 0) { // only async-signal-safe calls: this process has threads
      ::login_tty(slave_);
      ::execve(words[0], words.data(), settings.data());
      ::_exit(127);
    }
    ASSERT_GT(pid_, 0);
  }
  void type(const std::string& keys) {
    ASSERT_EQ(::write(fd_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// The last whole picture, or everything where it draws none.
  std::string picture() {
    read_more();
    const auto last = output_.rfind("\033[H");
    return last == std::string::npos ? output_ : output_.substr(last);
  }
  bool sees(const std::string& text, std::chrono::milliseconds limit = 20s) {
    const bool found = eventually([&] { return picture().find(text) != std::string::npos; }, limit);
    EXPECT_TRUE(found) << "not seen: " << text << "\nbut:\n" << picture();
    return found;
  }
  /// The exit status as waitpid has it.
  std::optional<int> ended() {
    int status = 0;
    const bool over = eventually(
        [&] {
          read_more();
          return ::waitpid(pid_, &status, WNOHANG) == pid_;
        },
        20s);
    if (!over)
      return {};
    pid_ = -1;
    read_more();
    return status;
  }
  /// As it was found: cooked, with echo, the first screen, a cursor.
  void expect_terminal_restored() {
    termios now{};
    ASSERT_EQ(::tcgetattr(slave_, &now), 0);
    EXPECT_EQ(now.c_lflag, before_.c_lflag);
    EXPECT_EQ(now.c_iflag, before_.c_iflag);
    EXPECT_NE(output_.rfind("\033[?1049l"), std::string::npos);
    EXPECT_GT(output_.rfind("\033[?1049l"), output_.rfind("\033[?1049h"));
    EXPECT_GT(output_.rfind("\033[?25h"), output_.rfind("\033[?25l"));
  }
  void read_more() {
    pollfd one{fd_, POLLIN, 0};
    std::array<char, 16384> bytes{};
    while (::poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0) {
      const auto n = ::read(fd_, bytes.data(), bytes.size());
      if (n <= 0)
        return;
      output_.append(bytes.data(), static_cast<std::size_t>(n));
    }
  }

  int fd_ = -1;
  int slave_ = -1;
  pid_t pid_ = -1;
  termios before_{};
  std::string output_;
};

TEST_F(terminal_test, a_child_is_restarted_from_the_keyboard) {
  serve();
  sit_down({"watch"});
  ASSERT_TRUE(sees("lyceum ok"));
  ASSERT_TRUE(sees("page_cache"));
  type("jj\033[B"); // site, cache, page_cache, web
  ASSERT_TRUE(sees("\033[7m  web "));
  type("r");
  ASSERT_TRUE(sees("restart? web: nothing waits, none lost"));
  ASSERT_TRUE(sees("y: do it"));
  type("y");
  EXPECT_TRUE(reaches("web", 2));
  EXPECT_TRUE(sees("restart web: running, generation 2"));
  type("x");
  ASSERT_TRUE(sees("kill? web"));
  type("n");
  EXPECT_TRUE(sees("nothing was done"));
  EXPECT_EQ(node("web").generation, 2U);
  type("z");
  ASSERT_TRUE(sees("suspend web?"));
  type("y");
  EXPECT_TRUE(eventually([&] { return node("web").state == node_state::suspended; }));
  ASSERT_TRUE(sees("suspend web: suspended"));
  type("z");
  ASSERT_TRUE(sees("resume web?"));
  type("y");
  EXPECT_TRUE(eventually([&] { return node("web").state == node_state::running; }));
  ASSERT_TRUE(sees("resume web: running"));
  type("s");
  ASSERT_TRUE(sees("stop? web"));
  type("y");
  EXPECT_TRUE(eventually([&] { return node("web").state == node_state::stopped; }));
  ASSERT_TRUE(sees("stop web: stopped"));
  type("s");
  ASSERT_TRUE(sees("start web?"));
  type("y");
  EXPECT_TRUE(reaches("web", 3));
  type("q");
  EXPECT_EQ(ended(), 0);
  expect_terminal_restored();
  EXPECT_NE(audited().find("\"restart\",\"args\":[\"web\",\"--if-gen=1\"],\"result\":\"ok\""), std::string::npos)
      << "only the life that was looked at: " << audited();
}

TEST_F(terminal_test, a_crash_is_seen_and_a_server_that_goes_away_is_waited_for) {
  serve();
  sit_down({"watch"}, {"TERM=xterm", "NO_COLOR=1"});
  ASSERT_TRUE(sees("lyceum ok"));
  crash("web", "a broken invariant");
  EXPECT_TRUE(sees("web  crash: a broken invariant"));
  EXPECT_EQ(output_.find("\033[32m"), std::string::npos) << "NO_COLOR";
  server->close();
  EXPECT_TRUE(sees("trying again"));
  ASSERT_TRUE(server->open().ok);
  EXPECT_TRUE(sees("lyceum ok"));
  winsize size{30, 100, 0, 0};
  ASSERT_EQ(::ioctl(fd_, TIOCSWINSZ, &size), 0);
  EXPECT_TRUE(eventually([&] { return std::ranges::count(picture(), '\n') == 29; })) << picture();
  type("\003"); // ^C
  EXPECT_EQ(ended(), 0);
  expect_terminal_restored();
}

TEST_F(terminal_test, the_terminal_is_given_back_after_signals_and_crashes) {
  serve();
  for (const int signal : {SIGTERM, SIGHUP, SIGSEGV}) {
    sit_down({"watch"});
    ASSERT_TRUE(sees("lyceum ok"));
    ::kill(pid_, signal);
    const auto status = ended();
    ASSERT_TRUE(status.has_value());
    if (signal == SIGSEGV)
      EXPECT_TRUE(WIFSIGNALED(*status) && WTERMSIG(*status) == SIGSEGV);
    else
      EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 128 + signal) << *status;
    expect_terminal_restored();
    ::close(std::exchange(fd_, -1));
    ::close(std::exchange(slave_, -1));
    output_.clear();
  }
}

TEST_F(terminal_test, watch_needs_a_terminal_and_a_server) {
  EXPECT_EQ(ctl({"watch"}).status, 1);
  EXPECT_NE(ctl({"watch"}).err.find("needs a terminal"), std::string::npos);
  EXPECT_EQ(ctl({"watch", "--json"}).status, 2);
  sit_down({"watch"});
  const auto status = ended();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 3);
  EXPECT_EQ(output_.find("\033[?1049h"), std::string::npos) << "the screen was left alone";
}

TEST_F(terminal_test, a_dumb_terminal_is_told_so) {
  serve();
  sit_down({"watch"}, {"TERM=dumb"});
  const auto status = ended();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_NE(output_.find("needs a terminal"), std::string::npos);
}

TEST_F(terminal_test, whoever_sits_at_a_terminal_is_asked_before_a_subsystem_is_restarted) {
  serve();
  sit_down({"restart", "cache"});
  ASSERT_TRUE(sees("cache: nothing waits, none lost"));
  ASSERT_TRUE(sees("restart cache? [y/N]"));
  type("\n");
  auto status = ended();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_NE(output_.find("nothing was done"), std::string::npos);
  EXPECT_EQ(node("cache").generation, 1U);

  for (const bool asks : {true, false}) {
    ::close(std::exchange(fd_, -1));
    ::close(std::exchange(slave_, -1));
    output_.clear();
    sit_down(asks ? std::vector<std::string>{"restart", "cache"}
                  : std::vector<std::string>{"restart", "cache", "--yes"});
    if (asks) {
      ASSERT_TRUE(sees("[y/N]"));
      type("y\n");
    }
    status = ended();
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(WEXITSTATUS(*status), 0);
    EXPECT_NE(output_.find("generation " + std::to_string(asks ? 2 : 3)), std::string::npos) << output_;
  }
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
// `lyceum serve --no-heart` under a stand-in for systemd: it holds the socket, starts the server with it, and hears its messages.
#include "tests/site/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

using ::testing::HasSubstr;
using clock = std::chrono::steady_clock;

struct systemd : ::testing::Test {
  static constexpr std::chrono::milliseconds watchdog{2000};

  const scratch place;
  int listening = -1; ///< of the .socket unit
  int notified = -1;  ///< NOTIFY_SOCKET
  int port = 0;
  pid_t service = -1;

  void SetUp() override {
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    ASSERT_EQ(bind(listening, reinterpret_cast<sockaddr*>(&name), size), 0);
    ASSERT_EQ(listen(listening, 64), 0);
    ASSERT_EQ(getsockname(listening, reinterpret_cast<sockaddr*>(&name), &size), 0);
    port = ntohs(name.sin_port);
    notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ASSERT_EQ(setsockopt(notified, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    (place / "notify").string().copy(where.sun_path, sizeof where.sun_path - 1);
    ASSERT_EQ(bind(notified, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  }
  void TearDown() override {
    if (service > 0) {
      kill(service, SIGKILL);
      waitpid(service, nullptr, 0);
    }
    if (HasFailure())
      std::cerr << read_file(place / "log");
    close(listening);
    close(notified);
  }

  /// As systemd starts a service with Sockets=, Type=notify and WatchdogSec=; or `with_heart`, and then without Sockets=.
  void start(bool with_heart = false) {
    const auto content = sample_school().string();
    const auto data = (place / "data").string();
    const auto address = (place / "notify").string();
    const auto log = (place / "log").string();
    const auto usec = std::to_string(std::chrono::microseconds(watchdog).count());
    service = fork();
    ASSERT_GE(service, 0);
    if (service != 0)
      return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto own = std::to_string(getpid());
    if (!with_heart) {
      setenv("LISTEN_PID", own.c_str(), 1);
      setenv("LISTEN_FDS", "1", 1);
      setenv("LISTEN_FDNAMES", "http", 1);
    }
    setenv("NOTIFY_SOCKET", address.c_str(), 1);
    setenv("WATCHDOG_PID", own.c_str(), 1);
    setenv("WATCHDOG_USEC", usec.c_str(), 1);
    const int out = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(out, 2);
    if (with_heart)
      execl(LYCEUM_PROGRAM, LYCEUM_PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data", data.c_str(), "--content",
            content.c_str(), nullptr);
    if (listening == 3)
      fcntl(3, F_SETFD, 0);
    else
      dup2(listening, 3);
    execl(LYCEUM_PROGRAM, LYCEUM_PROGRAM, "serve", "--no-heart", "--data", data.c_str(), "--content", content.c_str(),
          nullptr);
    _exit(127);
  }

  /// The next message, if one comes in time. As NotifyAccess=main has it: others' than the service's own process count for nothing.
  std::optional<std::string> heard(std::chrono::milliseconds within) const {
    pollfd one{notified, POLLIN, 0};
    if (poll(&one, 1, static_cast<int>(within.count())) <= 0)
      return {};
    char bytes[4096];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    iovec where{bytes, sizeof bytes};
    msghdr head{};
    head.msg_iov = &where;
    head.msg_iovlen = 1;
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    const auto got = recvmsg(notified, &head, 0);
    ucred from{};
    if (const auto* with = CMSG_FIRSTHDR(&head))
      std::memcpy(&from, CMSG_DATA(with), sizeof from);
    if (got <= 0 || from.pid != service)
      return {};
    return std::string(bytes, static_cast<std::size_t>(got));
  }
  bool hears(const std::string& word, std::chrono::milliseconds within = 20s) const {
    for (const auto until = clock::now() + within; clock::now() < until;)
      if (const auto got = heard(100ms); got && got->find(word) != std::string::npos)
        return true;
    for (auto got = heard(0ms); got; got = heard(0ms)) // what came while this process was not let run
      if (got->find(word) != std::string::npos)
        return true;
    return false;
  }
  /// True once it was silent for as long as WatchdogSec= allows.
  bool falls_silent(std::chrono::milliseconds within = 20s) const {
    auto last = clock::now();
    for (const auto until = clock::now() + within; clock::now() < until;) {
      if (heard(50ms))
        last = clock::now();
      if (clock::now() - last >= watchdog)
        return true;
    }
    return false;
  }
  int ended() {
    int status = 0;
    if (!eventually([&] { return waitpid(service, &status, WNOHANG) == service; }, 20s))
      return -1;
    service = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  answer get(const std::string& path) const { return client(port).get(path); }
};

TEST_F(systemd, the_server_says_that_it_is_ready_beats_and_says_that_it_stops) {
  start();
  ASSERT_TRUE(hears("READY=1"));
  EXPECT_TRUE(eventually([&] { return get("/").status == 200; }));
  for (int i = 0; i < 3; ++i) // one comes each 400 ms, on a quiet machine
    EXPECT_TRUE(hears("WATCHDOG=1", 10s)) << "beat " << i << " did not come";
  EXPECT_EQ(std::atoi(read_file(place / "data" / "run" / "server.pid").c_str()), service);
  EXPECT_THAT(read_file(place / "data" / "run" / "listen.json"), HasSubstr("127.0.0.1:" + std::to_string(port)));
  ASSERT_EQ(kill(service, SIGTERM), 0);
  EXPECT_TRUE(hears("STOPPING=1"));
  EXPECT_EQ(ended(), 0);
}

TEST_F(systemd, visitors_wait_in_the_socket_while_the_server_is_replaced) {
  start();
  ASSERT_TRUE(hears("READY=1"));
  ASSERT_TRUE(eventually([&] { return get("/").status == 200; }));
  for (const int signal : {SIGTERM, SIGKILL}) {
    ASSERT_EQ(kill(service, signal), 0);
    EXPECT_EQ(ended(), signal == SIGTERM ? 0 : 128 + SIGKILL);
    client visitor(port); // nobody accepts it for now
    ASSERT_TRUE(visitor.open()) << "refused";
    ASSERT_TRUE(visitor.send("GET / HTTP/1.1\r\nHost: localhost\r\n"));
    start();
    ASSERT_TRUE(hears("READY=1"));
    EXPECT_EQ(visitor.ask("\r\n").status, 200);
  }
}

TEST_F(systemd, a_server_that_hangs_is_not_heard_and_may_be_killed) {
  start();
  ASSERT_TRUE(hears("WATCHDOG=1"));
  ASSERT_EQ(kill(service, SIGSTOP), 0);
  EXPECT_TRUE(falls_silent());
  kill(service, SIGABRT); // what systemd does then
  kill(service, SIGCONT);
  EXPECT_EQ(ended(), 128 + SIGABRT);
  start();
  EXPECT_TRUE(hears("READY=1"));
  EXPECT_EQ(get("/").status, 200);
}

TEST_F(systemd, a_second_active_server_is_refused_and_so_is_an_upgrade) {
  start();
  ASSERT_TRUE(hears("READY=1"));
  const auto second =
      run_lyceum({"serve", "--no-heart", "--data", (place / "data").string(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.status, 1) << "two active servers on one data folder";
  EXPECT_THAT(second.err, HasSubstr("another server is active"));
  EXPECT_EQ(get("/").status, 200);
  const auto asked =
      run_lyceum({"ctl", "--control", (place / "data" / "control.sock").string(), "upgrade", "/bin/true"});
  EXPECT_EQ(asked.status, 1);
  EXPECT_THAT(asked.err, HasSubstr("systemctl restart lyceum"));
}

TEST_F(systemd, a_heart_speaks_for_its_servers_also_across_an_upgrade) {
  start(true);
  ASSERT_TRUE(hears("READY=1"));
  EXPECT_TRUE(hears("WATCHDOG=1", 10s));
  const auto next = place / "lyceum-next";
  fs::copy_file(LYCEUM_PROGRAM, next);
  const auto done =
      run_lyceum({"ctl", "--control", (place / "data" / "control.sock").string(), "upgrade", next.string()});
  EXPECT_EQ(done.status, 0) << done.err;
  for (int i = 0; i < 3; ++i) {
    const auto got = heard(watchdog);
    EXPECT_EQ(got.value_or("silence").find("STOPPING"), std::string::npos)
        << "the former server's end is not the service's";
  }
  EXPECT_TRUE(hears("WATCHDOG=1", 10s));
  ASSERT_EQ(kill(service, SIGTERM), 0);
  EXPECT_TRUE(hears("STOPPING=1"));
  EXPECT_EQ(ended(), 0);
}

std::string unit() {
  return read_file(LYCEUM_UNIT_FILE);
}

TEST(systemd_unit, starts_the_program_with_options_that_it_knows) {
  std::smatch found;
  const auto text = unit();
  ASSERT_TRUE(std::regex_search(text, found, std::regex("\nExecStart=(/[^\n]*)/lyceum serve ([^\n]*)\n")));
  const auto help = run_lyceum({"serve", "--help"}).out;
  std::istringstream words(found[2].str());
  int options = 0;
  for (std::string word; words >> word;)
    if (word.starts_with("--")) {
      EXPECT_THAT(help, HasSubstr(word));
      ++options;
    }
  EXPECT_EQ(options, 3);
  EXPECT_THAT(text, HasSubstr("Type=notify"));
  EXPECT_THAT(text, HasSubstr("WatchdogSec="));
  EXPECT_EQ(text.find('@' + std::string("CMAKE")), std::string::npos);
}

TEST(systemd_unit, is_hardened) {
  const scratch place;
  const auto report = (place / "report").string();
  const auto command =
      "systemd-analyze security --offline=true '" + std::string(LYCEUM_UNIT_FILE) + "' >" + report + " 2>&1";
  const int status = std::system(command.c_str());
  std::smatch found;
  const auto text = read_file(report);
  if (!std::regex_search(text, found, std::regex("Overall exposure level for lyceum.service: ([0-9.]+)")))
    GTEST_SKIP() << "no systemd-analyze that can do it here: status " << status;
  std::cout << "exposure " << found[1] << " of 10\n";
  EXPECT_LE(std::stod(found[1].str()), 2.5) << text;
}

} // namespace
} // namespace lyceum::testing

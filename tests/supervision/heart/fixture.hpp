// SPDX-License-Identifier: Apache-2.0
// A heart in a process of its own, with the server of test_server.cpp, and visitors.
#pragma once

#include "supervision/heart/heart.hpp"

#include "supervision/heart/sockets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <poll.h>
#include <regex>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace lyceum::heart::testing_heart {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

inline std::string contents(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds within = 20s) {
  auto end = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

/// No process, or a dead one that nobody has buried yet: the orphans of a killed heart belong to init.
inline bool gone(pid_t pid) {
  auto stat = contents("/proc/" + std::to_string(pid) + "/stat");
  auto at = stat.rfind(") ");
  return at == std::string::npos || stat[at + 2] == 'Z';
}

/// What one visitor met.
struct visit {
  bool refused = false;
  std::string answer; ///< empty: reset, or closed without a word
  int status() const { return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0; }
  std::string body() const {
    auto at = answer.find("\r\n\r\n");
    return at == std::string::npos ? "" : answer.substr(at + 4);
  }
};

inline visit get(int port, const std::string& path) {
  visit met;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval patience{20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    met.refused = true;
  } else {
    auto text = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    char bytes[4096];
    for (ssize_t got; (got = recv(fd, bytes, sizeof bytes, 0)) > 0;)
      met.answer.append(bytes, static_cast<std::size_t>(got));
  }
  close(fd);
  return met;
}

class heart_test : public testing::Test {
protected:
  heart_test() {
    std::string name = testing::TempDir() + "lyceum-heart.XXXXXX";
    folder = mkdtemp(name.data());
    options.listen = {{"127.0.0.1", 0}};
    options.sockets_each = 2;
    options.run_dir = folder / "data/run";
    options.server = {HEART_TEST_SERVER, folder / "plan", folder / "starts"};
    // Late deaths only, unless a test is about young ones.
    options.figures.young = 0ms;
    options.figures.silence_max = 10s; // machines are busy; tests of silence choose their own
    plan("serve");
  }
  ~heart_test() override {
    if (heart > 0) {
      kill(heart, SIGKILL);
      waitpid(heart, nullptr, 0);
      eventually([&] { return server == 0 || gone(server); });
    }
    if (HasFailure())
      std::cerr << "the heart said:\n" << said();
    fs::remove_all(folder);
  }

  void plan(std::string_view word) {
    std::ofstream(folder / "plan.new") << word;
    fs::rename(folder / "plan.new", folder / "plan");
  }

  void start() {
    heart = fork();
    ASSERT_GE(heart, 0);
    if (heart == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      int log = open((folder / "said").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log, 2);
      _exit(run_heart(options));
    }
  }
  void start_and_serve() {
    start();
    ASSERT_TRUE(eventually([&] { return state() == "serving"; }));
    port = bound_port();
    server = std::stoi(get(port, "/").body());
  }

  /// The status that the heart exits with; -1 if it does not.
  int ended() {
    int status = -1;
    if (!eventually([&] { return waitpid(heart, &status, WNOHANG) == heart; }))
      return -1;
    heart = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  std::string said() const { return contents(folder / "said"); }
  std::string report() const { return contents(options.run_dir / "heart.json"); }
  std::string field(const std::string& name) const {
    std::smatch found;
    auto text = report();
    return std::regex_search(text, found, std::regex("\"" + name + "\": \"?([^,\"}]*)")) ? found[1].str() : "";
  }
  std::string state() const { return field("state"); }
  int bound_port() const {
    auto text = contents(options.run_dir / "listen.json");
    auto at = text.rfind(':');
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 1);
  }
  /// Waits for a server with another pid, and returns it.
  int successor() {
    int other = 0;
    EXPECT_TRUE(eventually([&] {
      auto met = get(port, "/");
      other = met.status() == 200 ? std::stoi(met.body()) : 0;
      return other != 0 && other != server;
    }));
    return server = other;
  }
  std::vector<long> starts() const {
    std::ifstream in(folder / "starts");
    std::vector<long> times;
    for (std::string line; std::getline(in, line);)
      times.push_back(std::stol(line));
    return times;
  }

  fs::path folder;
  heart_options options;
  pid_t heart = 0;
  pid_t server = 0;
  int port = 0;
};

} // namespace lyceum::heart::testing_heart

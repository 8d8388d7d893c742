// SPDX-License-Identifier: Apache-2.0
// A small tree behind a control socket, and both ends of it: raw lines, and `ctl` itself.
#pragma once

#include "ops/commands/ctl.hpp"
#include "supervision/control.hpp"
#include "tree_fixture.hpp"

#include <boost/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace json = boost::json;
namespace fs = std::filesystem;

/// One raw connection.
class client {
public:
  explicit client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() { ::close(fd_); }
  void send(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto n = ::send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n <= 0)
        return;
      at += static_cast<std::size_t>(n);
    }
  }
  /// The next line; empty at the end of the connection.
  std::string line() {
    for (;;) {
      const auto end = got_.find('\n');
      if (end != std::string::npos) {
        auto one = got_.substr(0, end);
        got_.erase(0, end + 1);
        return one;
      }
      char bytes[4096];
      const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n <= 0)
        return {};
      got_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  json::object ask(const std::string& text) {
    send(text + "\n");
    return json::parse(line()).as_object();
  }
  /// Ends our side of it; answers can still be read.
  void finish() { ::shutdown(fd_, SHUT_WR); }
  /// True where something is there to be read, within this time.
  bool readable(std::chrono::milliseconds within) const {
    pollfd one{fd_, POLLIN, 0};
    return !got_.empty() || ::poll(&one, 1, static_cast<int>(within.count())) == 1;
  }
  bool connected = false;

private:
  int fd_;
  std::string got_;
};

class control_test : public tree_test {
protected:
  control_test() {
    folder = fs::temp_directory_path() / ("lyceum-control-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    path = (folder / "c.sock").string();
    system_options listening;
    listening.log = [this](const std::string& line) {
      std::lock_guard lock(logged_guard);
      logged.push_back(line);
    };
    tree = std::make_unique<lyceum::supervision::system>(actors, std::move(listening));
  }
  ~control_test() override {
    let_go = true;
    if (tree)
      tree->stop(5s);
    server.reset();
    fs::remove_all(folder);
  }
  void serve(control_options options = {}) {
    options.socket = path;
    options.audit = folder / "log" / "audit.jsonl";
    server = std::make_unique<control>(*tree, options);
    server->on(
        "cache",
        [this](const control_request& r, control_reply reply) {
          if (r.args.front() == "stats")
            return reply({R"({"hits":5,"misses":1})", {}, {}});
          if (r.args.front() == "slow") { // answers when the test says so, or never
            std::lock_guard lock(logged_guard);
            return held.push_back(std::move(reply));
          }
          reply({"null", "usage", "cache stats|slow"});
        },
        control_rule{control_caller::role::operator_, true, {"stats", "list", "show"}});
    const auto up = server->open();
    ASSERT_TRUE(up.ok) << up.detail;
    std::vector<child> nodes = {
        supervisor({.id = "cache"}, {.intensity = 5, .period = 30s}, {obeying("page_cache")}), obeying("web"),
        supervisor({.id = "control"}, {.intensity = 5, .period = 30s}, {control_socket(*server)}),
        dynamic_supervisor({.id = "sessions"}, {.max_children = 10},
                           [this](birth& at) { return at.pooled(obedient, &log); })};
    std::move(more.begin(), more.end(), std::back_inserter(nodes));
    grow({.intensity = 5, .period = 30s, .spent = when_spent::degrade}, std::move(nodes));
  }
  struct said {
    int status;
    std::string out, err;
  };
  said ctl(std::vector<std::string> args) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    said s;
    s.status = lyceum::ops::run_ctl(std::move(args), path);
    s.out = testing::internal::GetCapturedStdout();
    s.err = testing::internal::GetCapturedStderr();
    return s;
  }
  std::size_t said_in_log(const std::string& part) {
    std::lock_guard lock(logged_guard);
    return static_cast<std::size_t>(
        std::ranges::count_if(logged, [&](const auto& line) { return line.find(part) != std::string::npos; }));
  }
  std::string audited() {
    std::ifstream file(folder / "log" / "audit.jsonl");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder;
  std::string path;
  std::vector<child> more; ///< of the site, besides those of `serve`
  std::mutex logged_guard;
  std::vector<std::string> logged;
  std::vector<control_reply> held;
  std::unique_ptr<control> server;
};

inline std::string code_of(const json::object& answer) {
  const auto* error = answer.if_contains("error");
  return error ? std::string(error->at("code").as_string()) : "ok";
}

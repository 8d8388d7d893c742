// SPDX-License-Identifier: Apache-2.0
// A front with a door that answers at once, and clients that speak in octets.
#pragma once

#include "http/front.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace lyceum::http::testing {

using namespace std::chrono_literals;

/// Waits until `what` is so, at most ten seconds.
template <class Condition>
bool eventually(Condition what) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!what()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// An answer as a client sees it.
struct seen {
  int status = 0;
  std::string head; ///< with its empty line
  std::string body;

  std::string field(std::string_view name) const {
    std::size_t at = head.find("\r\n") + 2;
    while (at < head.size()) {
      const auto end = head.find("\r\n", at);
      const std::string_view line(head.data() + at, end - at);
      if (line.size() > name.size() && iequals(line.substr(0, name.size()), name) && line[name.size()] == ':')
        return std::string(line.substr(name.size() + 2));
      at = end + 2;
    }
    return {};
  }
};

class client {
public:
  explicit client(const std::string& address, int receive_buffer = 0) {
    const auto colon = address.rfind(':');
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer != 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    timeval patience{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      ADD_FAILURE() << "cannot connect to " << address;
  }
  ~client() { close(fd_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  client& say(std::string_view octets) {
    while (!octets.empty()) {
      const auto n = send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (n <= 0)
        break; // the server may have ended it: the test looks at the answer
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return *this;
  }
  static std::string request(std::string_view target, std::string_view more = "") {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "\r\n";
  }
  client& get(std::string_view target, std::string_view more = "") { return say(request(target, more)); }
  void no_more() { shutdown(fd_, SHUT_WR); }

  /// The next answer; status 0 when the connection ended or nothing came.
  seen hear(bool head_only = false) {
    seen out;
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
      if (!more())
        return out;
    out.head = in_.substr(0, end + 4);
    in_.erase(0, end + 4);
    out.status = std::stoi(out.head.substr(9, 3));
    const auto length = out.field("Content-Length");
    if (head_only || length.empty() || out.status == 304)
      return out;
    const auto bytes = std::stoul(length);
    while (in_.size() < bytes)
      if (!more())
        break;
    out.body = in_.substr(0, bytes);
    in_.erase(0, out.body.size());
    return out;
  }
  /// True when the server ended the connection in order (not by a reset), after nothing else.
  bool is_over() {
    if (!in_.empty())
      return false;
    char c = 0;
    return recv(fd_, &c, 1, 0) == 0;
  }
  int fd() const { return fd_; }

private:
  bool more() {
    char buffer[65536];
    const auto n = recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0)
      return false;
    in_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  std::string in_;
};

/// Runs each job's handler at once, on the loop's thread, unless a test puts something else in its way.
class open_door : public door {
public:
  std::function<void(const job_ptr&)> instead; ///< set before the front starts
  std::atomic<int> entered = 0;

  void enter(job_ptr what) noexcept override {
    ++entered;
    {
      std::lock_guard lock(guard_);
      last_ = what->asked;
    }
    if (instead)
      return instead(what);
    run(what);
  }
  static void run(const job_ptr& what) {
    auto answer = what->run(what->asked, nullptr);
    what->reply->fulfil(answer ? std::move(*answer) : answer_for(answer.error()));
  }
  request last() {
    std::lock_guard lock(guard_);
    return last_;
  }

private:
  std::mutex guard_;
  request last_;
};

inline handler says(std::string text) {
  return [text](const request& asked, storage::db*) {
    response out;
    out.content_type = "text/plain; charset=utf-8";
    out.body = text + asked.path + asked.body;
    return out;
  };
}

inline route make_route(std::string method, std::string pattern, handler run) {
  route out;
  out.method = std::move(method);
  out.pattern = std::move(pattern);
  out.run = std::move(run);
  return out;
}

inline page_ptr ready_page(std::string body, std::vector<std::string> tags = {}) {
  response from;
  from.body = std::move(body);
  from.cache.what = cache_rule::kind::page;
  from.cache.tags = std::move(tags);
  return make_page(std::move(from), "/ready");
}

class school : public ::testing::Test {
protected:
  front_config config;
  open_door way_in;
  page_table pages;
  flights flying;
  route_list rows = {make_route("GET", "/plain/:name", says("plain:")),
                     make_route("POST", "/plain/:name", says("posted:"))};
  std::unique_ptr<router> routes;
  std::unique_ptr<front> site;

  school() {
    config.threads = 1;
    config.listen = {"127.0.0.1:0"};
    config.error_page = [](int status, const request*) { return "<h1>" + std::to_string(status) + "</h1>"; };
    auto kept = make_route("GET", "/kept/:name", [](const request& asked, storage::db*) {
      response out;
      out.body = "kept " + asked.path + " " + std::string(asked.query_value("page").value_or("1"));
      out.cache.what = cache_rule::kind::page;
      return out;
    });
    kept.kept = true;
    kept.query = {"page"};
    rows.push_back(kept);
  }
  ~school() override {
    site.reset(); // before the table that its loops read
  }

  void open() {
    routes = std::make_unique<router>(rows, [](std::string_view tag) { return tag == "fr"; });
    site = std::make_unique<front>(config, pages, flying, way_in, *routes);
    site->start();
    site->arm_all();
  }
  std::string address() const { return site->addresses().at(0); }
  seen get(std::string_view target, std::string_view more = "") { return client(address()).get(target, more).hear(); }
};

} // namespace lyceum::http::testing

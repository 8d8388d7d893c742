// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace lyceum::ops {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr std::size_t answer_bytes_max = 32 * 1024 * 1024;
constexpr std::size_t note_bytes_max = 64 * 1024;

ctl_reply failed(int status, std::string problem) {
  return {status, nullptr, std::move(problem), {}};
}

/// What the heart left beside the socket, while it lives: why there is no server, and when the next is started.
std::string word_of_the_heart(const std::string& socket) {
  std::ifstream file(std::filesystem::path(socket).parent_path() / "run" / "heart.json", std::ios::binary);
  std::string text(note_bytes_max, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  boost::system::error_code bad;
  const auto value = json::parse(text, bad);
  if (bad || !value.is_object())
    return {};
  const auto& o = value.as_object();
  const auto whole = [&](const char* name) {
    const auto* v = o.if_contains(name);
    return v && v->is_int64() ? v->as_int64() : std::int64_t{0};
  };
  const auto pid = whole("heart_pid");
  if (pid <= 1 || (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH))
    return {};
  std::string says = "the heart (process " + std::to_string(pid) + ") lives";
  if (const auto* state = o.if_contains("state"); state && state->is_string())
    says += " and is " + std::string(state->as_string());
  if (const auto ms = whole("next_start_in_ms"); ms > 0)
    says += ", next start in " + std::to_string((ms + 999) / 1000) + " s";
  if (const auto* death = o.if_contains("last_death"); death && death->is_string())
    says += "; the last server: " + std::string(death->as_string());
  return says;
}

} // namespace

ctl_client::~ctl_client() {
  if (fd_ >= 0)
    ::close(fd_);
}

ctl_reply ctl_client::lost(std::string why) {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
  got_.clear();
  return failed(1, std::move(why));
}

ctl_reply ctl_client::connect(const std::string& path) {
  path_ = path;
  got_.clear();
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    return failed(2, "the control socket's path has " + std::to_string(path.size()) +
                         " bytes, and 107 is the most: name a shorter one with --control");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0)
    return failed(1, std::string("no socket to be had: ") + std::strerror(errno));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return {};
  const int why = errno;
  ::close(std::exchange(fd_, -1));
  if (why == EACCES || why == EPERM)
    return failed(1, "not allowed to use " + path +
                         ": run this as the server's user, as root, or as a member of the group in control_group");
  const auto heart = word_of_the_heart(path);
  return failed(3, "no server answers at " + path + ": " +
                       (heart.empty() ? "start one with `lyceum serve`, or name its socket with --control" : heart));
}

bool ctl_client::next_line(std::string& line, clock::time_point until, ctl_reply& wrong) {
  for (;;) {
    const auto end = got_.find('\n');
    if (end != std::string::npos) {
      line = got_.substr(0, end);
      got_.erase(0, end + 1);
      return true;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - clock::now()).count();
    pollfd one{fd_, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0) {
      wrong = lost("the server took the question and does not answer: see its log, or restart it");
      return false;
    }
    char bytes[64 * 1024];
    const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      wrong = lost("the server ended the connection without an answer: see its log");
      return false;
    }
    got_.append(bytes, static_cast<std::size_t>(n));
    if (got_.size() > answer_bytes_max) {
      wrong = lost("the answer is beyond all measure; ask for less");
      return false;
    }
  }
}

ctl_reply ctl_client::ask(const ctl_question& q, const std::function<void(const json::object&)>& event) {
  if (fd_ < 0)
    return failed(1, "not connected");
  json::object asked;
  asked["id"] = ++id_;
  asked["cmd"] = q.name;
  if (!q.args.empty())
    asked["args"] = json::value_from(q.args);
  if (q.name == "wait")
    asked["timeout_ms"] = q.timeout.count();
  if (q.if_generation)
    asked["if_gen"] = *q.if_generation;
  const auto text = json::serialize(asked) + "\n";
  for (std::size_t sent = 0; sent < text.size();) {
    const auto n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break; // refused at the door: its reason can be read below
    sent += static_cast<std::size_t>(n);
  }

  const auto until = clock::now() + q.patience();
  for (;;) {
    std::string line;
    ctl_reply wrong;
    if (!next_line(line, until, wrong))
      return wrong;
    boost::system::error_code bad;
    auto value = json::parse(line, bad);
    if (bad || !value.is_object())
      return lost("the answer is not JSON: is there another program at " + path_ + "?");
    auto& answer = value.as_object();
    if (answer.contains("ev")) {
      if (event)
        event(answer);
      continue;
    }
    if (auto* ok = answer.if_contains("ok"))
      return {0, std::move(*ok), {}, {}};
    const auto* error = answer.if_contains("error");
    if (!error || !error->is_object())
      return lost("the answer has neither a result nor an error");
    const auto word = [&](const char* name) {
      const auto* found = error->as_object().if_contains(name);
      return found && found->is_string() ? std::string(found->as_string()) : std::string{};
    };
    auto detail = word("detail");
    auto code = word("code");
    return {code == "usage" ? 2 : 1, nullptr, detail.empty() ? code : std::move(detail), code};
  }
}

} // namespace lyceum::ops

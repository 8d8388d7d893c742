// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_server.hpp"

#include "supervision/control_commands.hpp"
#include "supervision/quarantine_commands.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lyceum::supervision {
namespace {

constexpr std::size_t out_bytes_max = 16 * 1024 * 1024; // a client that does not read its answers is cut
constexpr unsigned wrong_lines_max = 100;               // in a row
constexpr int accepted_a_turn = 64;
constexpr milliseconds stream_turn{20}; // how often events are taken while somebody listens
constexpr milliseconds wait_turn{20};   // how often `wait` looks
constexpr unsigned complaints_max = 10;
constexpr std::chrono::seconds complaints_period{10};

} // namespace

bool letter_box::put(std::function<void()> what) {
  std::lock_guard lock(guard);
  if (!open)
    return false;
  all.push_back(std::move(what));
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake, &one, sizeof one);
  return true;
}

void letter_box::ring() {
  std::lock_guard lock(guard);
  const std::uint64_t one = 1;
  if (wake >= 0) [[maybe_unused]]
    const auto n = ::write(wake, &one, sizeof one);
}

std::optional<std::string> seldom::say(const std::string& line, std::chrono::steady_clock::time_point now) {
  if (now - since_ >= complaints_period) {
    since_ = now;
    said_ = 0;
  }
  if (said_ >= complaints_max) {
    ++kept_back_;
    return {};
  }
  ++said_;
  const auto before = std::exchange(kept_back_, 0);
  return before == 0 ? line : line + " (and " + std::to_string(before) + " more such before)";
}

control::inner::inner(system& of, control_options with)
    : tree(of), options(std::move(with)), audit(options.audit), feed(tree.states(), tree.crashes()) {
  add_tree_commands(tree, [this](std::string command, control_handler h, bool changes) {
    auto rule = rule_of(command, changes);
    handlers[std::move(command)] = {std::move(h), std::move(rule)};
  });
  add_quarantine_commands(tree, [this](std::string command, control_handler h, bool changes) {
    auto rule = rule_of(command, changes);
    handlers[std::move(command)] = {std::move(h), std::move(rule)};
  });
  // Their work is in control_calls.cpp and control_streams.cpp; here they have their names and roles.
  for (const auto* name : {"wait", "trace", "sub", "audit"})
    handlers[name] = {nullptr, rule_of(name, false)};
  auto chaos = rule_of("chaos", true);
  handlers["chaos"] = {nullptr, std::move(chaos)};
}

void control::inner::complain(const std::string& line) {
  if (const auto said = complaints.say("control: " + line, clock::now()))
    tree.inside().say(*said);
}

int control::inner::poll_timeout() const {
  const auto now = clock::now();
  auto first = now + std::chrono::seconds{1};
  if (!waits.empty())
    first = now + wait_turn;
  if (streams())
    first = std::min(first, now + stream_turn);
  if (drill.runs())
    first = std::min(first, drill.wakes());
  for (const auto& [call, one] : calls)
    first = std::min(first, one.deadline);
  for (const auto& [number, c] : connections)
    if (c.in.unfinished())
      first = std::min(first, c.line_since + options.line_max);
  return std::max(1, static_cast<int>(std::chrono::duration_cast<milliseconds>(first - now).count()) + 1);
}

void control::inner::loop() {
  std::vector<pollfd> fds;
  std::vector<std::uint64_t> numbers_of;
  box->reader = std::this_thread::get_id();
  while (!over) {
    fds.clear();
    numbers_of.clear();
    fds.push_back({box->wake, POLLIN, 0});
    fds.push_back({is_shut ? -1 : listener, POLLIN, 0});
    for (auto& [number, c] : connections) {
      const int wanted = (c.ending ? 0 : POLLIN) | (c.out.empty() ? 0 : POLLOUT);
      fds.push_back({c.fd, static_cast<short>(wanted), 0});
      numbers_of.push_back(number);
    }
    if (::poll(fds.data(), fds.size(), poll_timeout()) < 0 && errno != EINTR)
      std::this_thread::sleep_for(milliseconds{10}); // out of memory in the kernel; it passes, and must not spin
    if (fds[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto n = ::read(box->wake, &count, sizeof count);
    }
    const auto guarded = [this](auto&& what) {
      try {
        what();
        return true;
      } catch (const std::exception& e) {
        complain(e.what());
        return false;
      }
    };
    guarded([&] { deliver(); });
    guarded([&] {
      check_waits();
      check_deadlines(clock::now());
      run_streams(clock::now());
    });
    for (std::size_t i = 0; i < numbers_of.size(); ++i) {
      const auto at = connections.find(numbers_of[i]);
      if (at == connections.end())
        continue;
      auto& c = at->second;
      const auto seen = fds[i + 2].revents;
      const bool nobody_hears = c.ending && (seen & (POLLHUP | POLLERR)) != 0; // both ways shut
      if (!nobody_hears && (seen & (POLLIN | POLLHUP | POLLERR)) == 0)
        continue;
      if (nobody_hears || !guarded([&] { read_from(numbers_of[i], c); })) {
        c.ending = true;
        c.out.clear();
        forget_calls_of(numbers_of[i]);
      }
    }
    if ((fds[1].revents & POLLIN) != 0)
      guarded([&] { accept_some(); });
    tidy();
  }
}

void control::inner::deliver() {
  std::vector<std::function<void()>> all;
  {
    std::lock_guard lock(box->guard);
    all.swap(box->all);
  }
  for (auto& one : all)
    one();
}

/// Ends the connection that has asked nothing for the longest time, if that is long enough.
bool control::inner::make_room(const control_caller& for_whom) {
  const auto now = clock::now();
  auto idlest = connections.end();
  for (auto it = connections.begin(); it != connections.end(); ++it)
    if (const auto& c = it->second; c.calls == 0 && c.topics == 0 && now - c.heard >= options.idle_max &&
                                    c.who.may <= for_whom.may &&
                                    (idlest == connections.end() || c.heard < idlest->second.heard))
      idlest = it;
  if (idlest == connections.end())
    return false;
  complain("the idle connection of " + idlest->second.who.name + " (process " + std::to_string(idlest->second.who.pid) +
           ") gave way to another");
  ::close(idlest->second.fd);
  connections.erase(idlest);
  return true;
}

void control::inner::accept_some() {
  for (int i = 0; i < accepted_a_turn; ++i) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
      return;
    auto who = caller_at(fd, operators);
    if (!who || (connections.size() >= options.connections_max && !make_room(*who))) {
      const auto line = answer_line(
          "null", who ? control_answer{"null", "busy",
                                       "all connections to the control socket are taken; try again when one has ended"}
                      : control_answer{"null", "forbidden", "the kernel does not say who you are"});
      [[maybe_unused]] const auto n = ::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
      ::close(fd);
      complain(who ? who->name + " (process " + std::to_string(who->pid) +
                         ") was turned away: all connections are taken"
                   : "somebody without credentials was turned away");
      continue;
    }
    connection c{fd, std::move(*who), control_lines(options.line_bytes_max)};
    c.heard = clock::now();
    connections.emplace(++numbers, std::move(c));
  }
}

void control::inner::read_from(std::uint64_t number, connection& c) {
  if (c.ending)
    return;
  char bytes[16 * 1024];
  const auto n = ::recv(c.fd, bytes, sizeof bytes, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) { // it may have shut its writing side only: what it asked is still answered
    c.ending = true;
    if (n < 0)
      forget_calls_of(number);
    return;
  }
  c.heard = clock::now();
  const bool had_begun = c.in.unfinished();
  c.in.feed({bytes, static_cast<std::size_t>(n)});
  std::string line;
  bool whole = false;
  auto step = c.in.next(line);
  for (; step == control_lines::step::line && !c.ending; step = c.in.next(line)) {
    whole = true;
    take_line(number, c, line);
  }
  if (whole || !had_begun)
    c.line_since = c.heard;
  if (step == control_lines::step::too_long) {
    c.out += answer_line(
        "null", {"null", "too_large", "a line has at most " + std::to_string(options.line_bytes_max) + " bytes"});
    c.ending = true;
    complain(c.who.name + " (process " + std::to_string(c.who.pid) + ") sent a line beyond the limit: cut");
  } else if (c.wrong_lines >= wrong_lines_max && !c.ending) {
    c.out += answer_line("null", {"null", "bad_request", "too many wrong lines in a row"});
    c.ending = true;
  }
}

void control::inner::flush(connection& c) {
  std::size_t done = 0;
  while (done < c.out.size()) {
    const auto n = ::send(c.fd, c.out.data() + done, c.out.size() - done, MSG_NOSIGNAL);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno != EAGAIN)
      ::close(std::exchange(c.fd, -1)); // it is gone
    break;
  }
  c.out.erase(0, done);
  if (done > 0)
    c.dropped_since_room = 0;
}

void control::inner::tidy() {
  const auto now = clock::now();
  for (auto it = connections.begin(); it != connections.end();) {
    auto& c = it->second;
    if (!c.ending && c.in.unfinished() && now - c.line_since >= options.line_max) {
      c.out += answer_line(
          "null",
          {"null", "timeout", "a line that has begun ends within " + std::to_string(options.line_max.count()) + " ms"});
      c.ending = true;
      complain(c.who.name + " (process " + std::to_string(c.who.pid) + ") did not end its line: cut");
    }
    flush(c);
    if (c.out.size() > out_bytes_max) {
      complain(c.who.name + " (process " + std::to_string(c.who.pid) + ") does not read its answers: cut");
      ::close(std::exchange(c.fd, -1));
    }
    if (c.fd >= 0 && !(c.ending && c.out.empty() && c.calls == 0)) {
      ++it;
      continue;
    }
    forget_calls_of(it->first);
    if (c.fd >= 0)
      ::close(c.fd);
    it = connections.erase(it);
  }
}

} // namespace lyceum::supervision

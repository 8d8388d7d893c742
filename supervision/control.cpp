// SPDX-License-Identifier: Apache-2.0
#include "supervision/control.hpp"

#include "supervision/control_commands.hpp"
#include "supervision/control_place.hpp"
#include "supervision/quarantine_commands.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <list>
#include <map>
#include <mutex>
#include <thread>

namespace lyceum::supervision {
namespace {

using clock = std::chrono::steady_clock;
constexpr std::size_t out_bytes_max = 16 * 1024 * 1024; // a client that does not read its answers is cut
constexpr std::size_t calls_max = 64;                   // unanswered calls of one connection

std::string one_line(std::string text) { // a newline in JSON can only be a blank between tokens
  std::ranges::replace(text, '\n', ' ');
  return text;
}

struct pending_call {
  std::string id; // as JSON
  control_request asked;
  bool changes = false;
  clock::time_point deadline;
};

struct connection {
  int fd = -1;
  uid_t uid = 0;
  pid_t pid = 0;
  std::string in;
  std::string out;
  bool ending = false; // no more is read; closed once `out` is written
  std::map<std::uint64_t, pending_call> calls;
};

struct waiting_call { // `wait PATH`
  std::uint64_t connection;
  std::uint64_t call;
  std::string path;
};

struct late_answer {
  std::uint64_t connection;
  std::uint64_t call;
  control_answer what;
};

/// Where answers from other threads arrive; outlives the server for those that come too late.
struct letter_box {
  std::mutex guard;
  std::vector<late_answer> all;
  int wake = -1;

  void put(late_answer a) {
    std::lock_guard lock(guard);
    all.push_back(std::move(a));
    if (wake >= 0) {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto n = ::write(wake, &one, sizeof one);
    }
  }
};

} // namespace

struct control::inner {
  inner(system& of, control_options with) : tree(of), options(std::move(with)), box(std::make_shared<letter_box>()) {
    add_tree_commands(tree, [this](std::string command, control_handler h, bool changes) {
      handlers[std::move(command)] = {std::move(h), changes};
    });
    add_quarantine_commands(tree, [this](std::string command, control_handler h, bool changes) {
      handlers[std::move(command)] = {std::move(h), changes};
    });
  }

  struct entry {
    control_handler run;
    bool changes = false;
  };
  system& tree;
  const control_options options;
  control_place place{options.socket};
  std::map<std::string, entry> handlers;
  std::shared_ptr<letter_box> box;
  int listener = -1;
  std::atomic<bool> over = false;
  std::atomic<bool> is_shut = true;
  std::atomic<std::size_t> connected = 0;
  std::thread thread;
  std::map<std::uint64_t, connection> connections;
  std::vector<waiting_call> waits;
  std::uint64_t numbers = 0;

  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(box->wake, &one, sizeof one);
  }

  int listen_at_place();
  void loop();
  void accept_one();
  void read_from(std::uint64_t number, connection& c);
  void take_line(std::uint64_t number, connection& c, std::string_view line);
  void take_call(std::uint64_t number, connection& c, std::string id, control_request asked, milliseconds patience);
  void answer(std::uint64_t number, std::uint64_t call, control_answer what);
  void deliver();
  void check_waits();
  void check_deadlines(clock::time_point now);
  void audit(const connection& c, const pending_call& call, const control_answer& what) const;
  void flush(connection& c);
  int poll_timeout() const;
};

control::control(system& tree, control_options options) : inner_(std::make_unique<inner>(tree, std::move(options))) {}

control::~control() {
  close();
}

void control::on(std::string command, control_handler handler, bool changes) {
  inner_->handlers[std::move(command)] = {std::move(handler), changes};
}

void control::shut(bool is) {
  inner_->is_shut = is;
  if (inner_->box->wake >= 0)
    inner_->wake();
}

outcome control::open() {
  auto& in = *inner_;
  const auto path = in.options.socket.string();
  const auto bad = [](std::string detail) {
    return outcome{false, "control", std::move(detail), 0, node_state::stopped};
  };
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return bad("the control socket's path has " + std::to_string(path.size()) +
               " bytes, and 107 is the most that the system takes: name a shorter one with --control");
  if (auto wrong = in.place.look(in.options.replaces); !wrong.empty())
    return bad(std::move(wrong));
  in.listener = in.listen_at_place();
  if (in.listener < 0)
    return bad("cannot open " + path + ": " + std::strerror(errno));
  in.box->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  in.over = false;
  in.thread = std::thread([&in] { in.loop(); });
  return {};
}

/// A listening socket under our name; -1 and errno.
int control::inner::listen_at_place() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto address = place.draft();
  const auto mask = ::umask(0177); // mode 0600 from the first moment
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int why = errno;
  ::umask(mask);
  errno = why;
  if (bound && ::listen(fd, 16) == 0 && place.publish())
    return fd;
  const int reason = errno;
  place.remove();
  if (fd >= 0)
    ::close(fd);
  errno = reason;
  return -1;
}

void control::reclaim() {
  auto& in = *inner_;
  if (!in.thread.joinable() || in.place.is_ours())
    return;
  const int fresh = in.listen_at_place();
  if (fresh < 0)
    return in.tree.inside().say("control: cannot open " + in.options.socket.string() +
                                " again: " + std::strerror(errno));
  ::dup3(fresh, in.listener, O_CLOEXEC); // the loop goes on with the same number
  ::close(fresh);
  in.wake();
}

void control::close() {
  auto& in = *inner_;
  if (!in.thread.joinable())
    return;
  in.over = true;
  in.wake();
  in.thread.join();
  in.deliver(); // what was answered while the loop ended
  for (auto& [number, c] : in.connections) {
    in.flush(c);
    if (c.fd >= 0)
      ::close(c.fd);
  }
  in.connections.clear();
  ::close(std::exchange(in.listener, -1));
  in.place.remove();
  std::lock_guard lock(in.box->guard);
  ::close(std::exchange(in.box->wake, -1));
}

int control::inner::poll_timeout() const {
  if (!waits.empty())
    return 20;
  auto first = clock::now() + std::chrono::seconds{1};
  for (const auto& [number, c] : connections)
    for (const auto& [call, one] : c.calls)
      first = std::min(first, one.deadline);
  return std::max(1, static_cast<int>(std::chrono::duration_cast<milliseconds>(first - clock::now()).count()));
}

void control::inner::loop() {
  std::vector<pollfd> fds;
  std::vector<std::uint64_t> numbers_of;
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
    try {
      deliver();
      check_waits();
      check_deadlines(clock::now());
      if ((fds[1].revents & POLLIN) != 0)
        accept_one();
    } catch (const std::exception& e) {
      tree.inside().say(std::string("control: ") + e.what());
    }
    for (std::size_t i = 0; i < numbers_of.size(); ++i) {
      auto& c = connections.at(numbers_of[i]);
      try {
        if (c.ending && (fds[i + 2].revents & (POLLHUP | POLLERR)) != 0) { // both ways shut: nobody hears an answer
          c.calls.clear();
          c.out.clear();
        } else if ((fds[i + 2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
          read_from(numbers_of[i], c);
        }
      } catch (const std::exception& e) {
        tree.inside().say(std::string("control: ") + e.what());
        c.ending = true;
        c.calls.clear();
      }
    }
    for (auto it = connections.begin(); it != connections.end();) {
      auto& c = it->second;
      flush(c);
      if (c.fd < 0 || (c.ending && c.out.empty() && c.calls.empty())) {
        if (c.fd >= 0)
          ::close(c.fd);
        it = connections.erase(it);
      } else {
        ++it;
      }
    }
    connected = connections.size();
  }
}

void control::inner::accept_one() {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  const auto refuse = [&](std::string_view code, std::string_view detail) {
    const auto line =
        "{\"id\":null,\"error\":{\"code\":" + json_string(code) + ",\"detail\":" + json_string(detail) + "}}\n";
    [[maybe_unused]] const auto n = ::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
    ::close(fd);
  };
  if (!known || (peer.uid != ::geteuid() && peer.uid != 0))
    return refuse("forbidden", "only the user that runs the server, or root, may control it");
  if (connections.size() >= options.connections_max)
    return refuse("busy", "all connections to the control socket are taken; try again when one has ended");
  connection c;
  c.fd = fd;
  c.uid = peer.uid;
  c.pid = peer.pid;
  connections.emplace(++numbers, std::move(c));
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
      c.calls.clear();
    return;
  }
  c.in.append(bytes, static_cast<std::size_t>(n));
  std::size_t from = 0;
  bool too_long = false;
  for (auto end = c.in.find('\n'); end != std::string::npos && !c.ending; end = c.in.find('\n', from)) {
    const auto line = std::string_view(c.in).substr(from, end - from);
    from = end + 1;
    too_long = line.size() > options.line_bytes_max;
    if (too_long)
      break;
    if (!line.empty() && line != "\r")
      take_line(number, c, line);
  }
  c.in.erase(0, from);
  const auto rest = std::min(c.in.find('\n'), c.in.size());
  if ((too_long || rest > options.line_bytes_max) && !c.ending) {
    c.out += "{\"id\":null,\"error\":{\"code\":\"too_large\",\"detail\":\"a line has at most " +
             std::to_string(options.line_bytes_max) + " bytes\"}}\n";
    c.ending = true;
    c.in.clear();
  }
}

void control::inner::take_line(std::uint64_t number, connection& c, std::string_view line) {
  parsed_line got = parse_control_line(line);
  if (!got.error.empty()) {
    c.out += "{\"id\":" + got.id + ",\"error\":{\"code\":\"bad_request\",\"detail\":" + json_string(got.error) + "}}\n";
    return;
  }
  take_call(number, c, std::move(got.id), std::move(got.asked), got.timeout);
}

void control::inner::take_call(std::uint64_t number, connection& c, std::string id, control_request asked,
                               milliseconds patience) {
  const auto call = ++numbers;
  const auto found = handlers.find(asked.command);
  pending_call one{std::move(id), asked, found != handlers.end() && found->second.changes,
                   clock::now() + options.max_of(asked.command)};
  if (asked.command == "wait")
    one.deadline = clock::now() + patience;
  const bool full = c.calls.size() >= calls_max;
  c.calls.emplace(call, std::move(one));
  if (full)
    return answer(number, call, {"null", "busy", "too many unanswered calls on this connection"});
  if (asked.command == "wait") {
    waits.push_back({number, call, asked.args.empty() ? std::string{} : asked.args.front()});
    return check_waits();
  }
  if (found == handlers.end())
    return answer(number, call, {"null", "unknown_command", "no such command: " + asked.command});
  try {
    found->second.run(asked, [to = box, number, call](control_answer what) {
      to->put({number, call, std::move(what)});
    });
  } catch (const std::exception& e) {
    answer(number, call, {"null", "internal", e.what()});
  }
  deliver(); // most have answered by now
}

void control::inner::deliver() {
  std::vector<late_answer> arrived;
  {
    std::lock_guard lock(box->guard);
    arrived.swap(box->all);
  }
  for (auto& a : arrived)
    answer(a.connection, a.call, std::move(a.what));
}

void control::inner::answer(std::uint64_t number, std::uint64_t call, control_answer what) {
  const auto at = connections.find(number);
  if (at == connections.end())
    return;
  auto& c = at->second;
  const auto found = c.calls.find(call);
  if (found == c.calls.end())
    return; // answered already, or given up
  if (found->second.changes)
    audit(c, found->second, what);
  if (what.code.empty())
    c.out += "{\"id\":" + found->second.id + ",\"ok\":" + one_line(std::move(what.json)) + "}\n";
  else
    c.out += "{\"id\":" + found->second.id + ",\"error\":{\"code\":" + json_string(what.code) +
             ",\"detail\":" + json_string(what.detail) + "}}\n";
  c.calls.erase(found);
  if (c.out.size() > out_bytes_max) {
    c.out.clear();
    c.calls.clear();
    c.ending = true;
  }
}

void control::inner::check_waits() {
  for (std::size_t i = 0; i < waits.size();) {
    const auto w = waits[i];
    const auto at = connections.find(w.connection);
    const bool asked = at != connections.end() && at->second.calls.contains(w.call);
    auto result = asked ? serving_answer(tree, w.path) : std::optional<control_answer>{control_answer{}};
    if (!result) {
      ++i;
      continue;
    }
    waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(i));
    answer(w.connection, w.call, std::move(*result));
  }
}

void control::inner::check_deadlines(clock::time_point now) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> late;
  for (const auto& [number, c] : connections)
    for (const auto& [call, one] : c.calls)
      if (one.deadline <= now)
        late.emplace_back(number, call);
  for (const auto& [number, call] : late) {
    const bool waited = connections.at(number).calls.at(call).asked.command == "wait";
    answer(number, call,
           {"null", "timeout",
            waited ? "it does not serve yet; `tree` says what it waits for"
                   : "no answer within " + std::to_string(options.call_max.count()) +
                         " ms; it may still happen: see `tree`"});
  }
}

void control::inner::audit(const connection& c, const pending_call& call, const control_answer& what) const {
  if (options.audit.empty())
    return;
  std::string args;
  for (const auto& a : call.asked.args)
    args += (args.empty() ? "" : ",") + json_string(a);
  const auto line = "{\"at\":" + json_string(utc_text(std::chrono::system_clock::now())) +
                    ",\"uid\":" + std::to_string(c.uid) + ",\"pid\":" + std::to_string(c.pid) +
                    ",\"command\":" + json_string(call.asked.command) + ",\"args\":[" + args +
                    "],\"result\":" + json_string(what.code.empty() ? "ok" : what.code) + "}\n";
  std::error_code ec;
  if (options.audit.has_parent_path())
    std::filesystem::create_directories(options.audit.parent_path(), ec);
  const int fd = ::open(options.audit.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!written)
    tree.inside().say("audit: cannot write " + options.audit.string() + ": " + std::strerror(errno));
  if (fd >= 0)
    ::close(fd);
}

void control::inner::flush(connection& c) {
  while (!c.out.empty()) {
    const auto n = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n > 0) {
      c.out.erase(0, static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    ::close(std::exchange(c.fd, -1)); // it is gone
    return;
  }
}

namespace {

caf::behavior door_keeper(caf::event_based_actor* self, control* server) {
  server->shut(false);
  life_of(self).on_stop([server] { server->shut(true); });
  return {[](caf::unit_t) {}};
}

} // namespace

child control_socket(control& server, std::string id) {
  child_spec spec;
  spec.id = std::move(id);
  return worker(std::move(spec), [&server](birth& at) { return at.detached(door_keeper, &server); });
}

} // namespace lyceum::supervision

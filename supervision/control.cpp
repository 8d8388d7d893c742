// SPDX-License-Identifier: Apache-2.0
#include "supervision/control.hpp"

#include "supervision/control_server.hpp"
#include "supervision/inside.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lyceum::supervision {
namespace {

constexpr std::size_t within_max = 64; // calls from within the process that wait
constexpr int backlog = 64;

outcome bad(std::string detail) {
  return {false, "control", std::move(detail), 0, node_state::stopped};
}

} // namespace

control::control(system& tree, control_options options) : inner_(std::make_unique<inner>(tree, std::move(options))) {}

control::~control() {
  close();
}

void control::on(std::string command, control_handler handler, bool changes) {
  auto rule = rule_of(command, changes);
  on(std::move(command), std::move(handler), std::move(rule));
}

void control::on(std::string command, control_handler handler, control_rule rule) {
  inner_->handlers[std::move(command)] = {std::move(handler), std::move(rule)};
}

void control::shut(bool is) {
  inner_->is_shut = is;
  inner_->box->ring();
}

outcome control::open() {
  auto& in = *inner_;
  const auto path = in.options.socket.string();
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return bad("the control socket's path has " + std::to_string(path.size()) +
               " bytes, and 107 is the most that the system takes: name a shorter one with --control");
  if (!in.options.group.empty()) {
    in.operators = find_group(in.options.group);
    if (!in.operators)
      return bad("there is no group " + in.options.group + ": make it, or name another in control_group");
  }
  if (auto wrong = in.place.look(in.options.replaces); !wrong.empty())
    return bad(std::move(wrong));
  bool bound = false;
  in.listener = in.listen_at_place(bound);
  if (in.listener < 0)
    return bad("cannot open " + path + ": " + std::strerror(errno) +
               (bound && in.operators ? " (the server's user must be a member of " + in.options.group + ")" : ""));
  {
    std::lock_guard lock(in.box->guard);
    in.box->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    in.box->open = true;
  }
  in.over = false;
  in.thread = std::thread([&in] { in.loop(); });
  return {};
}

/// A listening socket under our name; -1 and errno. `bound`: it came as far as that.
int control::inner::listen_at_place(bool& bound) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto address = place.draft();
  const auto mask = ::umask(0177); // mode 0600 from the first moment
  bound = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  int why = errno;
  ::umask(mask);
  bool opened = bound;
  const auto draft = place.draft_path();
  if (opened && operators) // the group first: until then the mode lets nobody in
    opened = ::chown(draft.c_str(), static_cast<uid_t>(-1), *operators) == 0 && ::chmod(draft.c_str(), 0660) == 0;
  if (opened && ::listen(fd, backlog) == 0 && place.publish())
    return fd;
  why = bound ? errno : why;
  place.remove();
  if (fd >= 0)
    ::close(fd);
  errno = why;
  return -1;
}

void control::reclaim() {
  auto& in = *inner_;
  if (!in.thread.joinable() || in.place.is_ours())
    return;
  bool bound = false;
  const int fresh = in.listen_at_place(bound);
  if (fresh < 0)
    return in.tree.inside().say("control: cannot open " + in.options.socket.string() +
                                " again: " + std::strerror(errno));
  ::dup3(fresh, in.listener, O_CLOEXEC); // the loop goes on with the same number
  ::close(fresh);
  in.box->ring();
}

void control::close() {
  auto& in = *inner_;
  if (!in.thread.joinable())
    return;
  in.over = true;
  in.box->ring();
  in.thread.join();
  in.deliver(); // what was answered while the loop ended
  for (auto& [number, c] : in.connections)
    in.flush(c);
  std::vector<std::function<void()>> late;
  {
    std::lock_guard lock(in.box->guard);
    in.box->open = false;
    ::close(std::exchange(in.box->wake, -1));
    late.swap(in.box->all);
  }
  for (auto& [number, c] : in.connections)
    if (c.fd >= 0)
      ::close(c.fd);
  in.connections.clear();
  in.traces.clear();
  in.feed.listen(false);
  auto unanswered = std::exchange(in.calls, {});
  for (auto& [number, one] : unanswered)
    if (one.reply)
      one.reply({"null", "unavailable", "the server is stopping"});
  ::close(std::exchange(in.listener, -1));
  in.place.remove();
}

void control::call(control_request asked, control_caller who, control_reply reply) {
  auto* in = inner_.get();
  if (in->within.fetch_add(1) >= within_max) {
    in->within.fetch_sub(1);
    return reply({"null", "busy", "too many calls wait for their answer; try again"});
  }
  // Whatever becomes of it, the caller hears once: also where the box is emptied unread.
  struct promise {
    control_reply to;
    std::atomic<std::size_t>* count;
    promise(control_reply r, std::atomic<std::size_t>* c) : to(std::move(r)), count(c) {}
    promise(const promise&) = delete;
    promise& operator=(const promise&) = delete;
    ~promise() { keep({"null", "unavailable", "the control thread does not run"}); }
    void keep(control_answer what) {
      if (auto reply_to = std::exchange(to, nullptr)) {
        count->fetch_sub(1);
        reply_to(std::move(what));
      }
    }
  };
  auto kept = std::make_shared<promise>(std::move(reply), &in->within);
  in->box->put([in, kept, asked = std::move(asked), who = std::move(who)]() mutable {
    in->take_call(0, {}, std::move(who), std::move(asked),
                  [kept](control_answer what) { kept->keep(std::move(what)); });
  });
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

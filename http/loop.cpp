// SPDX-License-Identifier: Apache-2.0
#include "http/loop.hpp"

#include "http/connection.hpp"
#include "http/listener.hpp"
#include "http/range.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum::http {
namespace {

constexpr int accepts_a_turn = 64;
constexpr int events_a_turn = 128;
static_assert(watch::octets == EPOLLIN && watch::room == EPOLLOUT);
constexpr std::string_view crowded_answer =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Length: 0\r\nCache-Control: no-store\r\n\r\n";

} // namespace

watch::watch() : set_(epoll_create1(EPOLL_CLOEXEC)) {
  if (set_ < 0)
    throw std::runtime_error("cannot make an epoll set: too many open files");
}

watch::~watch() {
  close(set_);
}

void watch::look_for(int socket, std::uint32_t what, connection& whose, bool known) {
  epoll_event event{};
  event.events = what;
  event.data.ptr = &whose;
  if (epoll_ctl(set_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0)
    throw std::runtime_error("cannot watch a connection");
}

void watch::forget(int socket, bool known) noexcept {
  if (known)
    epoll_ctl(set_, EPOLL_CTL_DEL, socket, nullptr);
}

bool address_counts::enter(const ip_address& who, std::size_t max) {
  std::lock_guard lock(guard_);
  auto& n = counts_[who];
  if (n >= max)
    return false;
  ++n;
  return true;
}

void address_counts::leave(const ip_address& who) {
  std::lock_guard lock(guard_);
  if (const auto at = counts_.find(who); at != counts_.end() && --at->second == 0)
    counts_.erase(at);
}

// Hint 1: one thread runs the context, others may post to it.
loop::loop(front_shared& with, std::size_t index, std::vector<int> sockets)
    : shared(with), context(1), gate(std::make_shared<loop_gate>(context)), pages(with.pages.make_reader()),
      buffer(new char[buffer_bytes]), index_(index), ready_(context, fcntl(watched.set(), F_DUPFD_CLOEXEC, 3)),
      ticker_(context), began_(std::chrono::steady_clock::now()) {
  for (const int fd : sockets) {
    // A dup, so that closing ours never closes the socket of who gave it (or of another loop that shares it).
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
      throw std::runtime_error("cannot duplicate a listening socket: too many open files");
    listeners_.push_back(std::make_unique<listening>(listening{descriptor(context, own), is_bound_to_loopback(fd)}));
  }
  if (getrandom(&id_state_, sizeof id_state_, 0) != sizeof id_state_)
    id_state_ = static_cast<std::uint64_t>(micros(now_utc())) ^ (index << 56);
  look_at_clock();
}

loop::~loop() {
  stop();
  gate->shut();
  for_each_connection([](connection& one) { one.cut(); });
}

void loop::start() {
  wait_tick();
  wait_ready();
  thread_ = std::thread([this] { run(); });
}

void loop::run() noexcept {
  sigset_t all; // signals are the main thread's; SIGPIPE, which sendfile cannot be asked to hold back, nobody's
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  count.running = true;
  while (!context.stopped()) {
    try {
      context.run();
    } catch (const std::exception&) {
      count.faults.add(); // a handler that is nobody's: the next one goes on
    }
  }
  count.running = false;
}

void loop::stop() {
  if (!thread_.joinable())
    return;
  gate->post([this] {
    for (auto& one : listeners_)
      one->socket.cancel();
    for_each_connection([](connection& one) { one.cut(); });
    context.stop();
  });
  thread_.join();
}

void loop::arm() {
  gate->post([this] {
    armed_ = true;
    count.armed = true;
    for (auto& one : listeners_)
      wait_accept(*one);
  });
}

void loop::disarm() {
  gate->post([this] {
    armed_ = false;
    count.armed = false;
    for (auto& one : listeners_)
      one->socket.cancel();
  });
}

void loop::drain() {
  gate->post([this] {
    armed_ = false;
    count.armed = false;
    for (auto& one : listeners_)
      one->socket.cancel();
    for_each_connection([](connection& one) { one.drain(); });
  });
}

void loop::wait_ready() {
  ready_.async_wait(descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error)
      return;
    visit_ready();
    wait_ready();
  });
}

void loop::visit_ready() {
  std::array<epoll_event, events_a_turn> events;
  const int n = epoll_wait(watched.set(), events.data(), events_a_turn, 0);
  look_at_clock();
  for (int i = 0; i < n; ++i) {
    auto& one = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
    const auto alive = one.shared_from_this();
    guarded(one, [&] { one.event(); });
  }
  pages->quiet();
}

void loop::wait_accept(listening& at) {
  if (!armed_ || at.waiting)
    return;
  at.waiting = true;
  at.socket.async_wait(descriptor::wait_read, [this, &at](const boost::system::error_code& error) {
    at.waiting = false;
    if (error || accept_some(at))
      wait_accept(at);
  });
}

/// False where the process has no descriptor or memory left: the next tick tries again.
bool loop::accept_some(listening& at) {
  look_at_clock();
  for (int i = 0; i < accepts_a_turn && armed_; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd =
        accept4(at.socket.native_handle(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
      continue;
    if (fd < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK;
    const auto peer = ip_address::of(from);
    if (!admit(fd, peer))
      continue;
    std::shared_ptr<connection> made;
    try {
      made = std::make_shared<connection>(*this, fd, peer, at.local && peer.is_loopback());
    } catch (const std::exception&) {
      close(fd);
      gone(peer);
      count.faults.add();
      continue;
    }
    guarded(*made, [&] { made->start(); });
  }
  return true;
}

bool loop::admit(int fd, const ip_address& peer) {
  if (shared.open.fetch_add(1, std::memory_order_relaxed) >= shared.connections_max) {
    count.refused_crowded.add();
  } else if (shared.is_counted(peer) && !shared.addresses.enter(peer, shared.config.limits.connections_an_address)) {
    count.refused_address.add();
  } else {
    count.accepted.add();
    count.open.add();
    return true;
  }
  shared.open.fetch_sub(1, std::memory_order_relaxed);
  refuse(fd);
  return false;
}

void loop::refuse(int fd) noexcept {
  // What has come is read, so that closing does not reset the connection before the answer is seen.
  [[maybe_unused]] const auto sent =
      send(fd, crowded_answer.data(), crowded_answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(fd, SHUT_WR);
  [[maybe_unused]] const auto read = recv(fd, buffer.get(), buffer_bytes, MSG_DONTWAIT);
  close(fd);
}

void loop::gone(const ip_address& peer) noexcept {
  count.open.sub();
  shared.open.fetch_sub(1, std::memory_order_relaxed);
  if (shared.is_counted(peer))
    shared.addresses.leave(peer);
}

void loop::wait_tick() {
  ticker_.expires_after(tick);
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (error)
      return;
    try {
      on_tick();
    } catch (const std::exception&) {
      count.faults.add();
    }
    wait_tick();
  });
}

void loop::on_tick() {
  look_at_clock();
  count.last_turn_us.store(now_us_, std::memory_order_relaxed);
  expire_due();
  if (ticks_ % 4 == 0 && shared.crowded())
    hurry_idle();
  std::erase_if(minded_, [&](auto& one) {
    const auto reply = one.first.lock();
    if (reply && one.second <= ticks_)
      reply->fulfil(answer_for({problem::kind::timeout, {}}));
    return !reply || reply->done();
  });
  for (auto& one : listeners_)
    wait_accept(*one);
  pages->quiet();
}

void loop::expire_due() {
  const auto now = static_cast<std::uint64_t>((std::chrono::steady_clock::now() - began_) / tick);
  while (ticks_ < now) {
    ++ticks_;
    timed_list due;
    due.swap(wheel_[ticks_ % wheel_slots]);
    while (!due.empty()) {
      timed& one = due.front();
      due.pop_front();
      if (one.due > ticks_) {
        place(one);
        continue;
      }
      auto& whose = static_cast<connection&>(one);
      const auto alive = whose.shared_from_this();
      guarded(whose, [&] { whose.expired(); });
    }
  }
}

void loop::hurry_idle() {
  for_each_connection([](connection& one) { one.hurry(one.loop_of().shared.config.limits.idle_crowded); });
}

void loop::expect(connection& whose, std::chrono::milliseconds after) {
  timed& one = whose;
  one.due =
      ticks_ +
      static_cast<std::uint64_t>(std::max<std::int64_t>((after + tick - std::chrono::milliseconds(1)) / tick, 1)) + 1;
  if (one.is_linked() && one.placed <= one.due)
    return; // looked at again when its slot comes
  one.unlink();
  place(one);
}

void loop::place(timed& one) {
  one.placed = std::min(one.due, ticks_ + wheel_slots - 1);
  wheel_[one.placed % wheel_slots].push_back(one);
}

template <class Visit>
void loop::for_each_connection(Visit&& visit) {
  std::vector<std::shared_ptr<connection>> all;
  for (auto& slot : wheel_)
    for (timed& one : slot)
      all.push_back(static_cast<connection&>(one).shared_from_this());
  for (auto& one : all)
    guarded(*one, [&] { visit(*one); });
}

void loop::fault(connection& whose) noexcept {
  count.faults.add();
  ready.clear();
  whose.cut();
}

void loop::look_at_clock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now); // to about 4 ms, which is all that Date and freshness need
  now_us_ = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  if (now.tv_sec == date_second_)
    return;
  date_second_ = now.tv_sec;
  date_line_ = "Date: " + http_date(from_micros(now_us_)) + "\r\n";
  ok_line_.assign(status_line(200)).append(date_line_);
  other_lines_.clear();
}

std::string_view loop::start_line(int status) {
  if (status == 200)
    return ok_line_;
  auto& line = other_lines_[status];
  if (line.empty())
    line.append(status_line(status)).append(date_line_);
  return line;
}

std::uint64_t loop::next_id() noexcept {
  // splitmix64: ids of one loop never repeat, those of two hardly meet
  std::uint64_t z = (id_state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return z != 0 ? z : 1;
}

void loop::log(log_entry& entry) noexcept {
  if (!shared.log)
    return;
  auto& ring = shared.log->ring(index_);
  const bool was_low = ring.filled() < log_ring::bytes / 4;
  if (!ring.put(entry))
    count.log_dropped.add();
  else if (was_low && ring.filled() >= log_ring::bytes / 4)
    shared.log->hurry();
}

void loop::mind(const reply_ptr& reply) {
  const auto ticks = static_cast<std::uint64_t>(shared.config.limits.answer / tick) + 1;
  minded_.emplace_back(reply, ticks_ + ticks);
}

} // namespace lyceum::http

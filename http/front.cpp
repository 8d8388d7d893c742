// SPDX-License-Identifier: Apache-2.0
#include "http/front.hpp"

#include "http/listener.hpp"
#include "http/loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <sys/resource.h>
#include <unistd.h>

namespace lyceum::http {
namespace {

/// Descriptors that are not connections: sockets, files being sent, the database, the log.
constexpr std::size_t descriptors_kept = 256;

/// As many connections as descriptors allow. A shell's soft limit is 1024 for the sake of select(), which nothing here calls: it
/// is raised as far as is needed and allowed.
std::size_t connections_within_limits(std::size_t wanted) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return wanted;
  if (const rlim_t needed = wanted + descriptors_kept; files.rlim_cur < needed && files.rlim_cur < files.rlim_max) {
    const rlimit more{std::min(needed, files.rlim_max), files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
      files = more;
  }
  const auto open = static_cast<std::size_t>(files.rlim_cur);
  return std::min(wanted, open > 2 * descriptors_kept ? open - descriptors_kept : open / 2);
}

} // namespace

struct front::impl {
  std::vector<int> sockets;
  std::vector<int> own; ///< those of `sockets` that are to be closed here
  front_shared shared;
  std::vector<std::unique_ptr<loop>> loops;

  impl(front_config config, page_table& pages, flights& flying, door& way_in, const router& routes)
      : shared{std::move(config), pages, flying, way_in, routes, nullptr, 0, 0, false, {}} {
    auto threads =
        shared.config.threads != 0 ? shared.config.threads : std::max(1u, std::thread::hardware_concurrency());
    shared.connections_max = connections_within_limits(shared.config.limits.connections_max);
    try {
      open_sockets(threads);
      for (const int fd : sockets)
        prepare_listener(fd);
      if (shared.config.access_log != "off")
        shared.log = std::make_unique<access_log>(shared.config.access_log, shared.config.access_log_bytes_max,
                                                  shared.config.access_log_files_max, threads);
      for (std::size_t i = 0; i < threads; ++i)
        loops.push_back(std::make_unique<loop>(shared, i, sockets_of(i, threads)));
    } catch (...) {
      close_own();
      throw;
    }
  }
  ~impl() {
    for (auto& one : loops)
      one->stop();
    loops.clear();
    close_own();
  }

  void open_sockets(unsigned threads) {
    sockets = shared.config.sockets;
    if (!sockets.empty())
      return;
    if (shared.config.listen.empty())
      throw std::runtime_error("no address to listen on");
    for (const auto& address : shared.config.listen) {
      const auto opened = open_listeners(address, threads);
      own.insert(own.end(), opened.begin(), opened.end());
    }
    sockets = own;
  }
  void close_own() noexcept {
    for (const int fd : own)
      close(fd);
    own.clear();
  }

  /// Socket i is accepted by loop i mod threads. A loop that would have none (one inherited socket, many cores) shares
  /// one.
  std::vector<int> sockets_of(std::size_t at, std::size_t threads) const {
    std::vector<int> mine;
    for (std::size_t i = at; i < sockets.size(); i += threads)
      mine.push_back(sockets[i]);
    if (mine.empty())
      mine.push_back(sockets[at % sockets.size()]);
    return mine;
  }
};

front::front(front_config config, page_table& pages, flights& flying, door& way_in, const router& routes)
    : impl_(std::make_unique<impl>(std::move(config), pages, flying, way_in, routes)) {}

front::~front() = default;

void front::start() {
  for (auto& one : impl_->loops)
    one->start();
}

std::size_t front::loops() const noexcept {
  return impl_->loops.size();
}

void front::arm(std::size_t i) {
  impl_->loops.at(i)->arm();
}

void front::disarm(std::size_t i) {
  impl_->loops.at(i)->disarm();
}

void front::arm_all() {
  for (auto& one : impl_->loops)
    one->arm();
}

bool front::drain(std::chrono::milliseconds within) {
  impl_->shared.draining = true;
  for (auto& one : impl_->loops)
    one->drain();
  const auto until = std::chrono::steady_clock::now() + within;
  while (impl_->shared.open.load() != 0) {
    if (std::chrono::steady_clock::now() >= until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

bool front::draining() const noexcept {
  return impl_->shared.draining;
}

void front::stop() {
  for (auto& one : impl_->loops)
    one->stop();
}

std::vector<std::string> front::addresses() const {
  std::vector<std::string> all;
  for (const int fd : impl_->sockets) {
    auto text = bound_address(fd);
    if (std::ranges::find(all, text) == all.end())
      all.push_back(std::move(text));
  }
  return all;
}

std::vector<int> front::sockets() const {
  return impl_->sockets;
}

std::size_t front::connections_max() const noexcept {
  return impl_->shared.connections_max;
}

front_stats front::stats() const {
  front_stats sum;
  for (const auto& one : impl_->loops)
    one->counted().add_to(sum);
  return sum;
}

std::vector<loop_vitals> front::vitals() const {
  std::vector<loop_vitals> all;
  for (const auto& one : impl_->loops) {
    const auto& c = one->counted();
    all.push_back({c.armed, c.running, c.open.read(), c.accepted.read(), c.requests.read(), c.last_turn_us});
  }
  return all;
}

} // namespace lyceum::http

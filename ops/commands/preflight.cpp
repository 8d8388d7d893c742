// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/preflight.hpp"

#include "supervision/control_roles.hpp"
#include "views/theme.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace lyceum::preflight {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto look_again = 20ms;

/// True while somebody holds the lock. Looking takes it for a moment, which a server that starts just now waits out.
bool is_locked(const fs::path& file) {
  const int fd = open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return false; // not there: nobody ever was
  const bool held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return held;
}

/// True where a program accepts at this socket; a file that a dead one left does not.
bool answers_at(const fs::path& socket_file) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (socket_file.native().size() >= sizeof at.sun_path)
    return false;
  std::memcpy(at.sun_path, socket_file.c_str(), socket_file.native().size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return false;
  const bool there = connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 || errno == EAGAIN;
  close(fd); // EAGAIN: it lives, and its queue is full
  return there;
}

std::optional<std::string> cannot_write(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    return fmt::format("cannot make {}: {}. Choose another data folder with --data.", folder.string(),
                       failed.message());
  const auto probe = folder / ".writable";
  const int fd = open(probe.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fmt::format("cannot write to {}: {}. Make it writable for this user, or choose another with --data.",
                       folder.string(), std::strerror(errno));
  close(fd);
  unlink(probe.c_str());
  return std::nullopt;
}

std::optional<std::string> no_place_for_socket(const fs::path& socket_file) {
  std::error_code failed;
  const auto there = fs::symlink_status(socket_file, failed);
  if (fs::exists(there) && !fs::is_socket(there))
    return fmt::format("{} is there and is no socket. Remove it, or name another with --control.",
                       socket_file.string());
  const auto folder = socket_file.parent_path();
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return fmt::format("no control socket can be made in {}: {}. Name another with --control.", folder.string(),
                       std::strerror(errno));
  return std::nullopt;
}

} // namespace

std::optional<std::string> another_server(const config& cfg, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const bool same_data = is_locked(cfg.run_dir() / "active");
    if (!same_data && !answers_at(cfg.control))
      return std::nullopt;
    if (std::chrono::steady_clock::now() > until)
      return same_data
                 ? fmt::format("another server is active on {}. Stop it, or choose another --data.", cfg.data.string())
                 : fmt::format("another server answers at {}. Stop it, or name another socket with --control.",
                               cfg.control.string());
    std::this_thread::sleep_for(look_again);
  }
}

std::optional<std::string> unreadable(const fs::path& folder) {
  std::error_code failed;
  const auto there = fs::status(folder, failed);
  if (!fs::exists(there) && (!failed || there.type() == fs::file_type::not_found))
    return fmt::format("there is no folder {}. `lyceum new {}` makes a school to start from.", folder.string(),
                       folder.string());
  if (fs::exists(there) && !fs::is_directory(there))
    return fmt::format("{} is no folder. Name the folder that holds site.toml.", folder.string());
  if (failed || ::access(folder.c_str(), R_OK | X_OK) != 0)
    return fmt::format("cannot read {}: {}. Let this user read it and the folders above it.", folder.string(),
                       failed ? failed.message() : std::strerror(errno));
  return std::nullopt;
}

std::optional<std::string> what_is_wrong(const config& cfg) {
  if (cfg.content)
    if (auto wrong = unreadable(*cfg.content))
      return wrong;
  std::error_code ignored;
  if (cfg.content && !fs::exists(*cfg.content / "site.toml", ignored))
    return fmt::format("{} has no site.toml, so it is no school. `lyceum new DIR` makes one to start from.",
                       cfg.content->string());
  for (const auto* part : {"run", "log", "cache"})
    if (auto wrong = cannot_write(cfg.data / part))
      return wrong;
  if (cfg.database.kind == database_config::engine::sqlite)
    if (auto wrong = cannot_write(cfg.database.file.parent_path()))
      return wrong;
  if (auto wrong = no_place_for_socket(cfg.control))
    return wrong;
  if (!cfg.control_group.empty() && !supervision::find_group(cfg.control_group))
    return fmt::format("there is no group {}. Make it, or name another in control_group.", cfg.control_group);
  if (auto look = views::load_theme(cfg.theme); !look)
    return "the theme cannot be used: " + look.error().detail;
  return std::nullopt;
}

} // namespace lyceum::preflight

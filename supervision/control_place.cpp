// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_place.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace lyceum::supervision {

std::string control_place::look(pid_t replaced) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name_.c_str(), name_.string().size() + 1); // its length was checked
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0)
    return std::string("no socket to be had: ") + std::strerror(errno);
  // EAGAIN: somebody listens there whose queue is full
  const bool connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const bool taken = connected || errno == EAGAIN;
  ucred peer{}; // who called listen()
  socklen_t size = sizeof peer;
  const bool known = connected && ::getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  ::close(probe);
  if (taken && replaced != anybody && !(known && replaced != 0 && peer.pid == replaced))
    return "another server answers at " + name_.string() + ": stop it, or name another socket with --control";
  struct stat there {};
  if (::lstat(name_.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode))
    return name_.string() + " is there and is not a socket: remove it, or name another with --control";
  return {};
}

sockaddr_un control_place::draft() {
  close_folder();
  const auto folder = name_.has_parent_path() ? name_.parent_path().string() : std::string(".");
  folder_ = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  draft_ = ".control." + std::to_string(::getpid());
  ::unlinkat(folder_, draft_.c_str(), 0); // of a process that had our number, and died
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Through the descriptor, since the folder's own name may fill all of the 107 bytes that an address has.
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder_, draft_.c_str());
  return address;
}

bool control_place::publish() {
  struct stat made {};
  if (::fstatat(folder_, draft_.c_str(), &made, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::renameat(folder_, draft_.c_str(), folder_, name_.filename().c_str()) != 0)
    return false;
  inode_ = made.st_ino;
  device_ = made.st_dev;
  return true;
}

bool control_place::is_ours() const {
  struct stat there {};
  return inode_ != 0 && ::lstat(name_.c_str(), &there) == 0 && there.st_ino == inode_ && there.st_dev == device_;
}

void control_place::remove() {
  if (is_ours())
    ::unlink(name_.c_str());
  if (folder_ >= 0 && !draft_.empty())
    ::unlinkat(folder_, draft_.c_str(), 0);
  inode_ = 0;
}

void control_place::close_folder() {
  if (folder_ >= 0)
    ::close(std::exchange(folder_, -1));
}

} // namespace lyceum::supervision

// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_roles.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 // Linux 4.13
#endif

namespace lyceum::supervision {
namespace {

using role = control_caller::role;

constexpr std::array<std::string_view, 8> for_operators{"restart", "start", "stop",  "suspend",
                                                        "resume",  "kill",  "chaos", "cache"};

constexpr std::size_t names_kept = 1000;

bool in_group(int fd, gid_t primary, gid_t wanted) {
  if (primary == wanted)
    return true;
  std::vector<gid_t> groups(64);
  for (int tries = 0; tries < 2; ++tries) {
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) {
      groups.resize(bytes / sizeof(gid_t));
      return std::ranges::find(groups, wanted) != groups.end();
    }
    if (errno != ERANGE)
      return false;
    groups.resize(bytes / sizeof(gid_t)); // the kernel told how many there are
  }
  return false;
}

} // namespace

control_rule rule_of(std::string_view command, bool changes) {
  control_rule rule{role::viewer, changes, {}};
  if (command == "console") // its link opens a door, though nothing changes
    rule.changes = changes = true;
  if (!changes)
    return rule;
  rule.needs = std::ranges::find(for_operators, command) != for_operators.end() ? role::operator_ : role::admin;
  if (command == "quarantine" || command == "mail" || command == "billing")
    rule.reads = {"list", "show", "explain"};
  return rule;
}

control_rule rule_for(const control_rule& of, const std::vector<std::string>& args) {
  if (!of.reads.empty() && (args.empty() || std::ranges::find(of.reads, args.front()) != of.reads.end()))
    return {};
  return of;
}

std::optional<gid_t> find_group(const std::string& name) {
  group found{};
  group* result = nullptr;
  std::vector<char> room(64 * 1024);
  while (::getgrnam_r(name.c_str(), &found, room.data(), room.size(), &result) == ERANGE &&
         room.size() < std::size_t{4} * 1024 * 1024)
    room.resize(room.size() * 2);
  return result ? std::optional(found.gr_gid) : std::nullopt;
}

std::string user_name(uid_t uid) {
  static std::mutex guard;
  static auto* const known = new std::map<uid_t, std::string>; // threads may outlive main's statics
  std::lock_guard lock(guard);
  const auto it = known->find(uid);
  if (it != known->end())
    return it->second;
  passwd found{};
  passwd* result = nullptr;
  std::vector<char> room(16 * 1024);
  const bool ok = ::getpwuid_r(uid, &found, room.data(), room.size(), &result) == 0 && result;
  if (known->size() >= names_kept)
    known->clear();
  return (*known)[uid] = ok ? found.pw_name : std::to_string(uid);
}

std::optional<control_caller> caller_at(int fd, std::optional<gid_t> operators) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return {};
  control_caller who;
  who.uid = peer.uid;
  who.pid = peer.pid;
  who.name = user_name(peer.uid);
  if (peer.uid == ::geteuid() || peer.uid == 0)
    who.may = role::admin;
  else if (operators && in_group(fd, peer.gid, *operators))
    who.may = role::operator_;
  return who;
}

} // namespace lyceum::supervision

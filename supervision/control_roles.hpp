// SPDX-License-Identifier: Apache-2.0
// Who may do what, by the credentials that the kernel vouches for. Knows no CAF.
#pragma once

#include "supervision/control_protocol.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lyceum::supervision {

/// What a command needs.
struct control_rule {
  control_caller::role needs = control_caller::role::viewer;
  bool changes = false; ///< written to the audit log, refused or not, before its answer
  std::vector<std::string>
      reads{}; ///< first arguments with which a command that changes only looks ("stats"); so do none at all
  std::function<std::string(const std::string& argument)>
      audited{}; ///< how an argument stands in the audit log; empty: as it is
};
/// The rule of a command that was added with `changes` alone: what changes needs an admin, but for those that operators have.
control_rule rule_of(std::string_view command, bool changes);
/// The rule as it is for these arguments: one that only reads needs no more than a viewer.
control_rule rule_for(const control_rule& of, const std::vector<std::string>& args);

/// The group of this name.
std::optional<gid_t> find_group(const std::string& name);
/// The user's name, or its number. May ask a directory service, so it is asked once a uid and kept.
std::string user_name(uid_t uid);
/// Who is at the other end: the service's own uid or root is an admin, a member of `operators` an operator, others look.
/// Nothing where the kernel does not know.
std::optional<control_caller> caller_at(int fd, std::optional<gid_t> operators);

} // namespace lyceum::supervision

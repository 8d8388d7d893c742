// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/expected.hpp"

#include <set>
#include <string>
#include <string_view>

namespace lyceum {

/// Who may read a thing whole.
struct access {
  enum class kind { everyone, members, paid, plan };
  kind who = kind::everyone;
  std::string plan; ///< the plan's name where `who` is `plan`

  bool operator==(const access&) const = default;
};

/// "public", "members", "paid" or "plan:NAME". Anything else is `invalid`.
expected<access> parse_access(std::string_view text);
std::string to_string(const access&);

/// What a visitor may see, as far as pages differ by it: part of the page cache's key.
struct viewer {
  access::kind tier = access::kind::everyone;
  std::set<std::string> plans; ///< where `tier` is `plan`: those that the visitor has
  bool staff = false;          ///< reads everything; `tier` is at least `members`

  bool operator==(const viewer&) const = default;
};

/// True where `who` may read all of something with this access.
bool may_read(const viewer& who, const access& what);

} // namespace lyceum

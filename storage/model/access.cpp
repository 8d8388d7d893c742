// SPDX-License-Identifier: Apache-2.0
#include "storage/model/access.hpp"

#include "storage/model/course.hpp"

#include <algorithm>

namespace lyceum {

expected<access> parse_access(std::string_view text) {
  if (text == "public")
    return access{};
  if (text == "members")
    return access{access::kind::members, {}};
  if (text == "paid")
    return access{access::kind::paid, {}};
  if (text.starts_with("plan:") && text.size() > 5)
    return access{access::kind::plan, std::string(text.substr(5))};
  return fail(problem::kind::invalid,
              "access is \"" + std::string(text) + "\"; it must be public, members, paid or plan:NAME");
}

std::string to_string(const access& what) {
  switch (what.who) {
  case access::kind::everyone:
    return "public";
  case access::kind::members:
    return "members";
  case access::kind::paid:
    return "paid";
  case access::kind::plan:
    return "plan:" + what.plan;
  }
  return "public";
}

bool may_fetch(const viewer& who, const media_file& what) {
  return std::ranges::any_of(what.open_to, [&](const access& one) { return may_read(who, one); });
}

bool may_read(const viewer& who, const access& what) {
  if (who.staff)
    return true;
  switch (what.who) {
  case access::kind::everyone:
    return true;
  case access::kind::members:
    return who.tier != access::kind::everyone;
  case access::kind::paid:
    return who.tier == access::kind::paid || who.tier == access::kind::plan;
  case access::kind::plan:
    return who.tier == access::kind::plan && who.plans.contains(what.plan);
  }
  return false;
}

} // namespace lyceum

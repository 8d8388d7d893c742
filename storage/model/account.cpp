// SPDX-License-Identifier: Apache-2.0
#include "storage/model/account.hpp"

namespace lyceum {

expected<account_role> parse_account_role(std::string_view text) {
  for (const auto role : {account_role::learner, account_role::author, account_role::operating})
    if (text == name_of(role))
      return role;
  return fail(problem::kind::invalid,
              "the role is \"" + std::string(text) + "\"; it must be learner, author or operator");
}

std::string_view name_of(account_role role) {
  switch (role) {
  case account_role::learner:
    return "learner";
  case account_role::author:
    return "author";
  case account_role::operating:
    return "operator";
  }
  return "learner";
}

bool is_staff(account_role role) {
  return role != account_role::learner;
}

std::string fold_address(std::string_view address) {
  constexpr std::string_view spaces = " \t\r\n";
  const auto from = address.find_first_not_of(spaces);
  if (from == std::string_view::npos)
    return {};
  std::string folded(address.substr(from, address.find_last_not_of(spaces) - from + 1));
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return folded;
}

bool is_current(const grant& what, unix_time now) {
  return !what.revoked_at && what.starts_at <= now && (!what.expires_at || now < *what.expires_at);
}

viewer entitlement_of(const account& who, const std::vector<grant>& grants, unix_time now) {
  viewer may;
  if (who.suspended_at)
    return may;
  may.tier = access::kind::members;
  may.staff = is_staff(who.role) && who.totp_secret.has_value();
  for (const grant& one : grants)
    if (one.account_id == who.account_id && is_current(one, now))
      may.plans.insert(one.plan);
  if (!may.plans.empty())
    may.tier = access::kind::plan;
  return may;
}

std::optional<unix_time> next_entitlement_change(const std::vector<grant>& grants, unix_time now) {
  std::optional<unix_time> next;
  const auto consider = [&](unix_time at) {
    if (at > now && (!next || at < *next))
      next = at;
  };
  for (const grant& one : grants) {
    if (one.revoked_at)
      continue;
    consider(one.starts_at);
    if (one.expires_at)
      consider(*one.expires_at);
  }
  return next;
}

bool in_sudo(const session& what, unix_time now) {
  return !what.half_open && what.sudo_until && now < *what.sudo_until;
}

} // namespace lyceum

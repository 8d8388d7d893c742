// SPDX-License-Identifier: Apache-2.0
// People who sign in, and what they were granted: values and rules, no I/O.
#pragma once

#include "storage/model/access.hpp"
#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

/// What somebody may do beside learning. Authors and operators are staff: they read everything, and need a second factor.
enum class account_role { learner, author, operating };

/// "learner", "author" or "operator". Anything else is `invalid`.
expected<account_role> parse_account_role(std::string_view text);
std::string_view name_of(account_role);
bool is_staff(account_role);

/// What tells whose an address is: without spaces around it and in ASCII's lower case.
std::string fold_address(std::string_view address);

struct account {
  id account_id = 0;
  std::string address;     ///< as typed
  std::string address_key; ///< fold_address(address): unique
  std::string name;        ///< may be empty
  account_role role = account_role::learner;
  std::string language;                     ///< BCP 47 in lower case, or empty: the site's
  std::optional<std::string> password_hash; ///< opaque here
  std::optional<std::string> totp_secret;   ///< sealed, opaque here
  std::int64_t totp_step = 0;               ///< the newest time step accepted: one that is not newer counts for nothing
  std::int64_t sign_in_epoch = 0; ///< grows whenever all sessions end; `sessions::open` wants the one that was read
  unix_time created_at{};
  std::optional<unix_time> suspended_at;
};

/// A plan that an account has for a time, whoever paid for it and however.
struct grant {
  id grant_id = 0;
  id account_id = 0;
  std::string plan;
  std::string source; ///< "operator", "gift", "paypal", …
  std::string note;
  std::string granted_by;
  unix_time created_at{};
  unix_time starts_at{};
  std::optional<unix_time> expires_at; ///< nothing: for ever
  std::optional<unix_time> revoked_at;
  std::string revoked_by;
};

/// True from `starts_at` until just before `expires_at`, unless revoked.
bool is_current(const grant&, unix_time now);

/// The one place that says what an account may read: for pages, media, feeds, search and previews. A suspended account is a guest;
/// staff with a second factor reads everything, and without one no more than others; who has a current grant reads what is paid and what is of that plan; everybody else is a member.
viewer entitlement_of(const account&, const std::vector<grant>&, unix_time now);

/// When `entitlement_of` may answer otherwise for the same rows: the next beginning or end of a grant after `now`, if any. Who keeps
/// an answer asks again then.
std::optional<unix_time> next_entitlement_change(const std::vector<grant>&, unix_time now);

/// A signed-in browser. Its token is nowhere: only the token's hash is stored.
struct session {
  id session_id = 0;
  id account_id = 0;
  bool half_open = false; ///< the second factor is still due
  unix_time created_at{};
  unix_time seen_at{}; ///< to the minute
  unix_time idle_until{};
  unix_time absolute_until{};
  std::optional<unix_time> sudo_until;
  std::string device;      ///< for people: "Firefox on Linux"
  std::string masked_peer; ///< for people: "203.0.113.x"
};

/// True while dangerous acts need no new proof of who asks.
bool in_sudo(const session&, unix_time now);

/// One line of an account's history.
struct account_event {
  id event_id = 0;
  std::string actor;  ///< "account:ID", "command:USER", "server"
  std::string action; ///< "signed_in", "granted", …
  std::string detail;
  unix_time at{};
};

} // namespace lyceum

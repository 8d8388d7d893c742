// SPDX-License-Identifier: Apache-2.0
// How often signing in may fail: for an account, for a peer, for everyone. It lives in the database, so that a restart, another node or
// another process forgives nobody. Known and unknown addresses are counted alike.
#pragma once

#include "storage/db.hpp"
#include "storage/model/attempts.hpp"

#include <chrono>
#include <span>
#include <string>

namespace lyceum::storage::sign_in_limits {

enum class scope { account, peer, everyone };

/// Who is counted, for which act.
struct key {
  scope of = scope::account;
  std::string act; ///< "sign_in", "ask", "second_factor", …: each counts by itself
  std::string
      whose; ///< an account's address key, a peer's address (an IPv6 one's /64); nothing for everyone. Stored as a hash
};

/// Rules of the three scopes: 8 failures an account and 20 a peer an hour, then 10 minutes doubling to 12 hours; 99 an hour for all
/// together, which ends with the hour, for acts that send mail to whoever is named.
struct rules {
  attempt_rule account{8};
  attempt_rule peer{20};
  attempt_rule everyone{99, std::chrono::hours(1), std::chrono::seconds(0), std::chrono::hours(1)};
};

/// How long all of these have to wait before the next try: 0 means go on. Writes nothing.
std::chrono::seconds wait_before_trying(db&, std::span<const key>, unix_time now, const rules& = {});

/// May they try? If so (0), the try is counted as a failure before it is made, so that trying in parallel gains nothing: after a success
/// `forgive` takes it back. Else nothing is counted, and they wait so long.
std::chrono::seconds begin_try(db&, std::span<const key>, unix_time now, const rules& = {});

/// Counts a failure that was not begun by `begin_try`.
void note_failure(db&, std::span<const key>, unix_time now, const rules& = {});

/// After a success: nothing is remembered of the account, and the others have one failure less.
void forgive(db&, std::span<const key>, const rules& = {});

/// Deletes what is remembered of nobody any more, at most `limit` rows. Returns how many.
std::int64_t remove_expired(db&, unix_time now, int limit = 1000);

} // namespace lyceum::storage::sign_in_limits

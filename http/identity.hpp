// SPDX-License-Identifier: Apache-2.0
// Who asks, from the database into memory; and `/me`, from memory.
#pragma once

#include "actors/people.hpp"
#include "actors/session_table.hpp"
#include "http/front.hpp"

#include <string>

namespace lyceum::http {

/// How long what was read of a session counts while nobody says otherwise: so long reading goes on without a database (D1). A session in
/// use is read again once a minute.
inline constexpr std::chrono::minutes session_kept_max{15};
/// How long a token is known to be nobody's.
inline constexpr std::chrono::seconds unknown_kept{60};

/// Reads whose session `session` is (64 hexadecimal digits) and what its account may read, and keeps both in memory until a change of the
/// account empties it. `in_use`: first tells the database that somebody is there. Throws what the database throws.
identity identify(session_table& table, people& names, const std::string& session, storage::db& db, unix_time now,
                  bool in_use);

/// An account changed: what memory holds of it is read again at its next request.
void forget(session_table& table, people& names, id account);
/// Nobody knows what changed.
void forget_all(session_table& table, people& names);

/// `/me`: {"signed_in":false}, or {"signed_in":true,"name":"Ann","role":"learner","tier":"plan","plans":["gold"]}; `tier` is "members",
/// "paid", "plan" or "staff". From memory; only for a session that is not in it, the database is asked.
io_route me_route(const people& names);

} // namespace lyceum::http

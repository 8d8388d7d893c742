// SPDX-License-Identifier: Apache-2.0
// Signed-in browsers. A session's token is a reference: its hash is the row's key, and the row is the session, so what is deleted here is
// over everywhere (storage/account_changes.hpp tells the nodes that keep some). Each verb is one transaction.
#pragma once

#include "storage/db.hpp"
#include "storage/model/account.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage::sessions {

/// Without a visit so long, a session ends.
inline constexpr std::chrono::days idle_life{14};
/// Whatever happens, it ends after so long.
inline constexpr std::chrono::days absolute_life{184};
/// How long one may take for the second factor.
inline constexpr std::chrono::minutes half_open_life{10};
/// How long after a proof dangerous acts need no new one.
inline constexpr std::chrono::minutes sudo_life{10};
/// `touch` writes no more often.
inline constexpr std::chrono::minutes touch_pause{1};
/// Sessions an account has at most: one more, and the one not seen for longest ends.
inline constexpr int sessions_max = 50;

struct opening {
  id account_id = 0;
  std::int64_t sign_in_epoch = 0; ///< of the account, as it was when the proof was judged
  std::string token_hash;         ///< of a new token (secrets::hash_of_token): never one that the browser brought
  bool second_factor_due = false; ///< opens it by half
  std::string device;             ///< for people, UTF-8; what is over 200 octets is cut
  std::string masked_peer;
};

/// Opens a session; it begins in sudo mode, since its owner has just proved who it is.
///   not_found  no such account
///   forbidden  it is suspended
///   conflict   its sessions were ended since the proof was judged (a new password, "sign out everywhere"): sign in again
expected<session> open(db&, const opening&, unix_time now);

struct signed_in {
  session what;
  account who;
};

/// The session of a token and its account. Writes nothing.
///   not_found  unknown, ended, past one of its lifetimes, half open, or of a suspended account
expected<signed_in> find(db&, std::string_view token_hash, unix_time now);
/// The same for one whose second factor is still due, which `find` does not find.
expected<signed_in> find_half_open(db&, std::string_view token_hash, unix_time now);

/// Opens a half-open session whole, under a new token: the old one is nothing from then on.
///   not_found  as `find_half_open`
expected<session> pass_second_factor(db&, std::string_view token_hash, std::string_view new_token_hash, unix_time now);

/// Somebody was here: moves the idle lifetime, at most once a minute. Returns whether it wrote. Does not wake what has ended.
bool touch(db&, std::string_view token_hash, unix_time now);

/// From now on dangerous acts need no new proof for ten minutes.
///   not_found  as `find`
expected<unix_time> enter_sudo(db&, std::string_view token_hash, unix_time now);

/// An account's sessions that have not ended, the last seen first; without half-open ones.
std::vector<session> list(db&, id account_id, unix_time now);

/// Ends the session of a token. `not_found` where there is none any more.
expected<id> sign_out(db&, std::string_view token_hash, unix_time now);
/// Ends one of an account's sessions. `not_found` also where it is somebody else's.
expected<id> revoke(db&, id account_id, id session_id, std::string_view by, unix_time now);
/// Ends all of an account's sessions but the one of `kept_token_hash` (empty: all), and those that are being opened. `not_found` where
/// there is no such account.
expected<account> revoke_all(db&, id account_id, std::string_view kept_token_hash, std::string_view by, unix_time now);

/// Deletes what is past its lifetimes, at most `limit`. Returns how many.
std::int64_t remove_expired(db&, unix_time now, int limit = 1000);

} // namespace lyceum::storage::sessions

// SPDX-License-Identifier: Apache-2.0
// Signing in by mail, and changing an address: requests with a link and a code, of which one is used, once. Callers hand in hashes
// (storage/secrets.hpp); what was mailed is stored nowhere. A GET asks `find`, which uses nothing up; a POST asks `use_link`.
#pragma once

#include "storage/also.hpp"
#include "storage/db.hpp"
#include "storage/model/account.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace lyceum::storage::sign_in {

/// How long a link and its code count.
inline constexpr std::chrono::minutes request_life{15};
/// Live requests an address has at most: one more, and the oldest is gone.
inline constexpr int requests_live_max = 5;
/// Wrong codes that a request bears: with the last of them its link is dead, too.
inline constexpr int tries_max = 5;
/// Octets of a return path at most.
inline constexpr std::size_t return_path_max = 2048;

enum class purpose { sign_in, old_address, new_address };

/// What is kept of the link and the code in one mail: secrets::hash_of_token, and secrets::hash_of_code with the browser's hash as context.
struct proof {
  std::string token_hash;
  std::string code_hash;
};

struct wish {
  std::string address;  ///< judged by the caller
  std::string language; ///< of the mail and of the pages that follow
  std::string return_path = "/";
  std::string browser_hash; ///< of the cookie that the asking browser got: 64 hexadecimal digits
  proof mail;
};

/// More to write in the same transaction: the mail into the outbox. What it throws undoes the request, too.
using also = std::function<void(db&)>;

/// Writes a request to sign in. Looks at no account, so that known and unknown addresses take the same way. Returns the request's id.
///   invalid  the address is empty, or the return path is no path of this site
expected<id> ask(db&, const wish&, unix_time now, const also& with_it = {});

struct request {
  id request_id = 0;
  purpose what = purpose::sign_in;
  std::string address;
  std::string language;
  std::string return_path;
  std::string browser_hash;
  unix_time expires_at{};
};

/// The request of a link, as long as it may be used. Changes nothing.
///   not_found  unknown, used, past its time, made room for, or ended by wrong codes: one answer for all
expected<request> find(db&, std::string_view token_hash, unix_time now);

/// What using a request up led to.
struct outcome {
  purpose what = purpose::sign_in;
  account who;
  bool made = false;          ///< the account, by its first sign-in
  bool changed = false;       ///< the address: both sides have confirmed
  std::string address_before; ///< where `changed`
  bool asked_here = false;    ///< by the browser that used it up
  std::string language;
  std::string return_path;
};

/// Uses a link up, and its code with it: exactly once, however many ask at the same time. `confirmed`: a person pressed the button of the
/// page, which another browser than the asking one has to. A first sign-in makes the account, in the same transaction.
///   not_found  as `find`
///   forbidden  another browser and not confirmed, or the account is suspended; nothing was used up
///   conflict   the new address has an account of its own by now; nothing was used up
expected<outcome> use_link(db&, std::string_view token_hash, std::string_view browser_hash, bool confirmed,
                           unix_time now, const also_of<outcome>& with_it = {});

/// Uses up whichever live request of this address, browser and purpose has the code, and its link with it. A wrong code takes one try
/// from each of them: before it is compared, so that guessing in parallel gains nothing.
///   not_found  no live request of this browser
///   invalid    a wrong code; `detail` says how many tries are left: "4"
///   forbidden, conflict  as `use_link`
expected<outcome> use_code(db&, purpose, std::string_view address, std::string_view browser_hash,
                           std::string_view code_hash, unix_time now, const also_of<outcome>& with_it = {});

struct change_wish {
  id account_id = 0;
  std::string address; ///< the new one, judged by the caller
  std::string language;
  std::string browser_hash;
  proof old_side; ///< goes to the address as it is
  proof new_side; ///< goes to the new one
};

/// Begins a change of address, in the place of one that is under way: it is done when both mails were used. Whether the new address has
/// an account is not told here, but to who reads its mail. Returns the account as it is.
///   not_found  no such account
///   invalid    the new address is empty or the same
expected<account> ask_change_of_address(db&, const change_wish&, unix_time now, const also& with_it = {});

/// Deletes what is past its time since a day, at most `limit` rows of each kind. Returns how many.
std::int64_t remove_expired(db&, unix_time now, int limit = 1000);

} // namespace lyceum::storage::sign_in

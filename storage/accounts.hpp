// SPDX-License-Identifier: Apache-2.0
// Accounts: who is there, what they may do, and how they go. Each verb is one transaction, and what it changes stands in the account's
// history (`by`: "account:ID", "command:USER", "server") and is told to all nodes (storage/account_changes.hpp).
#pragma once

#include "storage/also.hpp"
#include "storage/db.hpp"
#include "storage/model/account.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage::accounts {

/// `not_found` where there is none; suspended ones are found.
expected<account> find(db&, id account_id);
/// By an address however it is written.
expected<account> find_by_address(db&, std::string_view address);

struct new_account {
  std::string address; ///< judged by the caller
  std::string name;
  account_role role = account_role::learner;
  std::string language; ///< empty: the site's
};
/// Makes an account for somebody; who signs in for the first time needs none (sign_in makes it).
///   invalid   the address is empty
///   conflict  the address has an account
expected<account> make(db&, const new_account&, std::string_view by, unix_time now);

/// In order of address, at most `limit`, those after the address key `after` (empty: from the first).
std::vector<account> list(db&, std::string_view after, int limit);
/// The same for one role.
std::vector<account> list(db&, account_role, std::string_view after, int limit);

/// Each: `not_found`.
expected<account> rename(db&, id account_id, std::string_view name, std::string_view by, unix_time now);
expected<account> set_language(db&, id account_id, std::string_view language, std::string_view by, unix_time now);
expected<account> set_role(db&, id account_id, account_role, std::string_view by, unix_time now);

/// Sets the password, whose hash is opaque here, and ends all sessions except the one of `kept_token_hash` (empty: all).
///   not_found
expected<account> set_password_hash(db&, id account_id, std::string_view hash, std::string_view kept_token_hash,
                                    std::string_view by, unix_time now, const also_of<account>& with_it = {});
/// The same without a password from then on: by mail alone.
expected<account> remove_password(db&, id account_id, std::string_view kept_token_hash, std::string_view by,
                                  unix_time now, const also_of<account>& with_it = {});
/// Keeps the same password by another hash, such as one with today's costs. Ends nothing, and is no event.
///   conflict  the password is another than the one of `old_hash` by now, or there is none
expected<void> rehash_password(db&, id account_id, std::string_view old_hash, std::string_view new_hash);

/// Nobody signs in to it any more, and all its sessions end. Once more changes nothing.
expected<account> suspend(db&, id account_id, std::string_view why, std::string_view by, unix_time now);
expected<account> resume(db&, id account_id, std::string_view by, unix_time now);

/// Adds a line to its history, in the transaction that is open, if one is.
void note(db&, id account_id, std::string_view action, std::string_view detail, std::string_view by, unix_time now);
/// Its history, newest first, at most `limit`.
std::vector<account_event> list_events(db&, id account_id, int limit);

/// Everything that is stored of an account, as one JSON object: "account", and a list for each table that holds something of it. Without
/// hashes and sealed secrets: they are of no use to its owner, and of much to a thief.
///   not_found
expected<std::string> export_json(db&, id account_id, unix_time now);

/// Deletes an account and all that hangs on it: sessions, grants, recovery codes, mails under way. Its history stays as what happened
/// when, without what was said in it; nothing in it tells who it was. Returns it as it was.
///   not_found
expected<account> remove(db&, id account_id, std::string_view by, unix_time now, const also_of<account>& with_it = {});

} // namespace lyceum::storage::accounts

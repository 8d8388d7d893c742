// SPDX-License-Identifier: Apache-2.0
// What the contexts around an account share. Each runs inside a transaction of its caller. For storage/ alone.
#pragma once

#include "storage/db.hpp"
#include "storage/model/account.hpp"

#include <string_view>

namespace lyceum::storage::account_rows {

/// Reads the columns id, address, address_key, name, role, language, password_hash, totp_secret, totp_step, sign_in_epoch, created_at,
/// suspended_at, from column `first` on.
account read_account(const row&, int first = 0);
/// Reads id, account_id, half_open, created_at, seen_at, idle_until, absolute_until, sudo_until, device, masked_peer.
session read_session(const row&, int first = 0);

expected<account> find(db&, id account_id);
expected<account> find_by_key(db&, std::string_view address_key);
/// Whether it was made now. An address that is there already changes nothing.
bool put_new(db&, const account&);

/// Keeps the account's row from others until the transaction's end. False where there is none.
bool hold(db&, id account_id);

/// Deletes its sessions, except the one of `kept_token_hash` (empty: none), and lets no sign-in that began before open one.
void end_sessions(db&, id account_id, std::string_view kept_token_hash);

void note_event(db&, id account_id, std::string_view actor, std::string_view action, std::string_view detail,
                unix_time now);
/// Tells all nodes. The counter's row stays locked until the commit, so that sequence numbers appear in their order: call it last.
void note_change(db&, id account_id, unix_time now);

/// "account:ID", as an actor of what somebody does to their own account.
std::string actor_of(id account_id);

} // namespace lyceum::storage::account_rows

// SPDX-License-Identifier: Apache-2.0
#include "storage/accounts.hpp"

#include "storage/account_rows.hpp"
#include "storage/model/mail.hpp"

namespace lyceum::storage::accounts {
namespace {

constexpr query accounts_after{"accounts.after", R"sql(
  SELECT id, address, address_key, name, role, language, password_hash, totp_secret, totp_step, sign_in_epoch, created_at, suspended_at
    FROM accounts WHERE address_key > $1 ORDER BY address_key LIMIT $2
)sql"};
constexpr query accounts_of_role{"accounts.of_role", R"sql(
  SELECT id, address, address_key, name, role, language, password_hash, totp_secret, totp_step, sign_in_epoch, created_at, suspended_at
    FROM accounts WHERE role = $1 AND address_key > $2 ORDER BY address_key LIMIT $3
)sql"};

constexpr query write_name{"accounts.write_name", "UPDATE accounts SET name = $2 WHERE id = $1"};
constexpr query write_language{"accounts.write_language", "UPDATE accounts SET language = $2 WHERE id = $1"};
constexpr query write_role{"accounts.write_role", "UPDATE accounts SET role = $2 WHERE id = $1"};
constexpr query write_password{"accounts.write_password", "UPDATE accounts SET password_hash = $2 WHERE id = $1"};
// Whoever has set another password meanwhile wins.
constexpr query swap_hash{"accounts.swap_hash",
                          "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2"};
constexpr query write_suspension{"accounts.write_suspension", "UPDATE accounts SET suspended_at = $2 WHERE id = $1"};

constexpr query events_of{"accounts.events_of", R"sql(
  SELECT id, actor, action, detail, at FROM account_log WHERE account_id = $1 ORDER BY id DESC LIMIT $2
)sql"};

constexpr query delete_requests{"accounts.delete_requests", "DELETE FROM sign_in_requests WHERE address_key = $1"};
constexpr query empty_history{"accounts.empty_history", R"sql(
  UPDATE account_log SET detail = '' WHERE account_id = $1
)sql"};
// What a worker is at just now goes out, and is forgotten with the rest.
constexpr query delete_mails{"account.delete_mails",
                             "DELETE FROM mail_outbox WHERE recipient_key = $1 AND state <> 'sending'"};
constexpr query delete_account{"accounts.delete", "DELETE FROM accounts WHERE id = $1"};

// One change of an account: its row is held, `write` runs, history and nodes hear of it.
template <class Write>
expected<account> change(db& on, id account_id, std::string_view by, std::string_view action, std::string_view detail,
                         unix_time now, Write write, const also_of<account>& with_it = {}) {
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, account_id))
      return fail(problem::kind::not_found, "account");
    write();
    account_rows::note_event(on, account_id, by, action, detail, now);
    auto changed = account_rows::find(on, account_id);
    if (with_it)
      with_it(on, *changed);
    account_rows::note_change(on, account_id, now);
    return changed;
  });
}

account read(const row& r) {
  return account_rows::read_account(r);
}

} // namespace

expected<account> find(db& on, id account_id) {
  return account_rows::find(on, account_id);
}

expected<account> find_by_address(db& on, std::string_view address) {
  return account_rows::find_by_key(on, fold_address(address));
}

expected<account> make(db& on, const new_account& wanted, std::string_view by, unix_time now) {
  account a;
  a.account_id = make_id();
  a.address = wanted.address;
  a.address_key = fold_address(wanted.address);
  a.name = wanted.name;
  a.role = wanted.role;
  a.language = wanted.language;
  a.created_at = now;
  if (a.address_key.empty())
    return fail(problem::kind::invalid, "the address is empty");
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::put_new(on, a))
      return fail(problem::kind::conflict, "there is an account with the address " + a.address);
    account_rows::note_event(on, a.account_id, by, "made", name_of(a.role), now);
    account_rows::note_change(on, a.account_id, now);
    return a;
  });
}

std::vector<account> list(db& on, std::string_view after, int limit) {
  return on.all(accounts_after, read, after, limit);
}

std::vector<account> list(db& on, account_role role, std::string_view after, int limit) {
  return on.all(accounts_of_role, read, name_of(role), after, limit);
}

expected<account> rename(db& on, id account_id, std::string_view name, std::string_view by, unix_time now) {
  return change(on, account_id, by, "renamed", name, now, [&] { on.exec(write_name, account_id, name); });
}

expected<account> set_language(db& on, id account_id, std::string_view language, std::string_view by, unix_time now) {
  return change(on, account_id, by, "language_set", language, now,
                [&] { on.exec(write_language, account_id, language); });
}

expected<account> set_role(db& on, id account_id, account_role role, std::string_view by, unix_time now) {
  return change(on, account_id, by, "role_set", name_of(role), now,
                [&] { on.exec(write_role, account_id, name_of(role)); });
}

expected<account> set_password_hash(db& on, id account_id, std::string_view hash, std::string_view kept_token_hash,
                                    std::string_view by, unix_time now, const also_of<account>& with_it) {
  return change(
      on, account_id, by, "password_set", "", now,
      [&] {
        on.exec(write_password, account_id, hash);
        account_rows::end_sessions(on, account_id, kept_token_hash);
      },
      with_it);
}

expected<account> remove_password(db& on, id account_id, std::string_view kept_token_hash, std::string_view by,
                                  unix_time now, const also_of<account>& with_it) {
  return change(
      on, account_id, by, "password_removed", "", now,
      [&] {
        on.exec(write_password, account_id, std::nullopt);
        account_rows::end_sessions(on, account_id, kept_token_hash);
      },
      with_it);
}

expected<void> rehash_password(db& on, id account_id, std::string_view old_hash, std::string_view new_hash) {
  if (on.exec(swap_hash, account_id, old_hash, new_hash) != 1)
    return fail(problem::kind::conflict, "the password is another by now");
  return {};
}

expected<account> suspend(db& on, id account_id, std::string_view why, std::string_view by, unix_time now) {
  if (auto already = find(on, account_id); !already || already->suspended_at)
    return already;
  return change(on, account_id, by, "suspended", why, now, [&] {
    on.exec(write_suspension, account_id, now);
    account_rows::end_sessions(on, account_id, "");
  });
}

expected<account> resume(db& on, id account_id, std::string_view by, unix_time now) {
  if (auto already = find(on, account_id); !already || !already->suspended_at)
    return already;
  return change(on, account_id, by, "resumed", "", now, [&] { on.exec(write_suspension, account_id, std::nullopt); });
}

void note(db& on, id account_id, std::string_view action, std::string_view detail, std::string_view by, unix_time now) {
  account_rows::note_event(on, account_id, by, action, detail, now);
}

std::vector<account_event> list_events(db& on, id account_id, int limit) {
  return on.all(
      events_of,
      [](const row& r) {
        return account_event{r.integer(0), r.text(1), r.text(2), r.text(3), r.time(4)};
      },
      account_id, limit);
}

expected<account> remove(db& on, id account_id, std::string_view by, unix_time now, const also_of<account>& with_it) {
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, account_id))
      return fail(problem::kind::not_found, "account");
    auto gone = account_rows::find(on, account_id);
    on.exec(delete_requests, gone->address_key);
    on.exec(delete_mails, mail_address_key(gone->address));
    on.exec(delete_account, account_id); // the schema's cascades take the rest
    on.exec(empty_history, account_id);
    account_rows::note_event(on, account_id, by, "deleted", "", now);
    if (with_it)
      with_it(on, *gone);
    account_rows::note_change(on, account_id, now);
    return gone;
  });
}

} // namespace lyceum::storage::accounts

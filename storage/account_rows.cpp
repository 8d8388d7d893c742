// SPDX-License-Identifier: Apache-2.0
#include "storage/account_rows.hpp"

#include "storage/account_changes.hpp"

namespace lyceum::storage {
namespace {

constexpr query account_by_id{"account.by_id", R"sql(
  SELECT id, address, address_key, name, role, language, password_hash, totp_secret, totp_step, sign_in_epoch, created_at, suspended_at
    FROM accounts WHERE id = $1
)sql"};
constexpr query account_by_key{"account.by_key", R"sql(
  SELECT id, address, address_key, name, role, language, password_hash, totp_secret, totp_step, sign_in_epoch, created_at, suspended_at
    FROM accounts WHERE address_key = $1
)sql"};
constexpr query put_account{"account.put", R"sql(
  INSERT INTO accounts (id, address, address_key, name, role, language, totp_step, sign_in_epoch, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)
  ON CONFLICT (address_key) DO NOTHING
)sql"};
// Changes nothing: its lock is what is wanted.
constexpr query hold_account{"account.hold", "UPDATE accounts SET sign_in_epoch = sign_in_epoch WHERE id = $1"};

constexpr query grow_epoch{"account.grow_epoch", "UPDATE accounts SET sign_in_epoch = sign_in_epoch + 1 WHERE id = $1"};
constexpr query delete_sessions{"account.delete_sessions",
                                "DELETE FROM sessions WHERE account_id = $1 AND token_hash <> $2"};

constexpr query put_event{"account.put_event", R"sql(
  INSERT INTO account_log (id, account_id, actor, action, detail, at) VALUES ($1, $2, $3, $4, $5, $6)
)sql"};

// A new database begins at the clock, so that it is ahead of what a node kept of the one before it.
constexpr query advance_counter{"account.advance_counter", R"sql(
  UPDATE account_counter SET seq = CASE WHEN seq = 0 THEN $1 ELSE seq END + 1 WHERE id = 1 RETURNING seq
)sql"};
constexpr query put_change{"account.put_change",
                           "INSERT INTO account_changes (seq, account_id, at) VALUES ($1, $2, $3)"};
// Without gaps, so the row that is too many is found by its number.
constexpr query delete_old_changes{"account.delete_old_changes", "DELETE FROM account_changes WHERE seq <= $1"};

constexpr query newest_change{"account.newest_change", "SELECT seq FROM account_counter WHERE id = 1"};
constexpr query changes_after{"account.changes_after", R"sql(
  SELECT seq, account_id FROM account_changes WHERE seq > $1 ORDER BY seq LIMIT $2
)sql"};

} // namespace

std::int64_t account_seq(db& on) {
  return on.one(newest_change, [](const row& r) { return r.integer(0); }).value_or(0);
}

std::vector<account_change> account_changes_since(db& on, std::int64_t seq, int limit) {
  return on.all(
      changes_after,
      [](const row& r) {
        return account_change{r.integer(0), r.integer(1)};
      },
      seq, limit);
}

namespace account_rows {

account read_account(const row& r, int first) {
  account a;
  a.account_id = r.integer(first);
  a.address = r.text(first + 1);
  a.address_key = r.text(first + 2);
  a.name = r.text(first + 3);
  a.role = parse_account_role(r.view(first + 4)).value_or(account_role::learner);
  a.language = r.text(first + 5);
  a.password_hash = r.maybe_text(first + 6);
  a.totp_secret = r.maybe_text(first + 7);
  a.totp_step = r.integer(first + 8);
  a.sign_in_epoch = r.integer(first + 9);
  a.created_at = r.time(first + 10);
  a.suspended_at = r.maybe_time(first + 11);
  return a;
}

session read_session(const row& r, int first) {
  session s;
  s.session_id = r.integer(first);
  s.account_id = r.integer(first + 1);
  s.half_open = r.flag(first + 2);
  s.created_at = r.time(first + 3);
  s.seen_at = r.time(first + 4);
  s.idle_until = r.time(first + 5);
  s.absolute_until = r.time(first + 6);
  s.sudo_until = r.maybe_time(first + 7);
  s.device = r.text(first + 8);
  s.masked_peer = r.text(first + 9);
  return s;
}

expected<account> find(db& on, id account_id) {
  if (auto found = on.one(
          account_by_id, [](const row& r) { return read_account(r); }, account_id))
    return *found;
  return fail(problem::kind::not_found, "account");
}

expected<account> find_by_key(db& on, std::string_view address_key) {
  if (auto found = on.one(
          account_by_key, [](const row& r) { return read_account(r); }, address_key))
    return *found;
  return fail(problem::kind::not_found, "account");
}

bool put_new(db& on, const account& a) {
  return on.exec(put_account, a.account_id, a.address, a.address_key, a.name, name_of(a.role), a.language,
                 a.created_at) == 1;
}

bool hold(db& on, id account_id) {
  return on.exec(hold_account, account_id) == 1;
}

void end_sessions(db& on, id account_id, std::string_view kept_token_hash) {
  on.exec(grow_epoch, account_id);
  on.exec(delete_sessions, account_id, kept_token_hash);
}

void note_event(db& on, id account_id, std::string_view actor, std::string_view action, std::string_view detail,
                unix_time now) {
  on.exec(put_event, make_id(), account_id, actor, action, detail, now);
}

void note_change(db& on, id account_id, unix_time now) {
  const auto seq = on.one(
      advance_counter, [](const row& r) { return r.integer(0); }, now);
  if (!seq)
    throw error("account.advance_counter", "the counter's row is missing");
  on.exec(put_change, *seq, account_id, now);
  on.exec(delete_old_changes, *seq - account_changes_kept_max);
  on.notify(accounts_channel, std::to_string(*seq));
}

std::string actor_of(id account_id) {
  return "account:" + std::to_string(account_id);
}

} // namespace account_rows
} // namespace lyceum::storage

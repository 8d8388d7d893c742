// SPDX-License-Identifier: Apache-2.0
#include "storage/sessions.hpp"

#include "storage/account_rows.hpp"

#include <algorithm>

namespace lyceum::storage::sessions {
namespace {

constexpr query put_session{"sessions.put", R"sql(
  INSERT INTO sessions (token_hash, id, account_id, half_open, created_at, seen_at, idle_until, absolute_until, sudo_until, device,
                        masked_peer)
  VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10)
)sql"};
constexpr query make_room{"sessions.make_room", R"sql(
  DELETE FROM sessions
   WHERE account_id = $1
     AND id NOT IN (SELECT id FROM sessions WHERE account_id = $1 ORDER BY seen_at DESC, id DESC LIMIT $2)
)sql"};

constexpr query live_session{"sessions.live", R"sql(
  SELECT s.id, s.account_id, s.half_open, s.created_at, s.seen_at, s.idle_until, s.absolute_until, s.sudo_until, s.device,
         s.masked_peer, a.id, a.address, a.address_key, a.name, a.role, a.language, a.password_hash, a.totp_secret, a.totp_step,
         a.sign_in_epoch, a.created_at, a.suspended_at
    FROM sessions s JOIN accounts a ON a.id = s.account_id
   WHERE s.token_hash = $1 AND s.half_open = $2 AND s.idle_until > $3 AND s.absolute_until > $3 AND a.suspended_at IS NULL
)sql"};

constexpr query make_whole{"sessions.make_whole", R"sql(
  UPDATE sessions
     SET token_hash = $2, half_open = FALSE, seen_at = $3, sudo_until = $5,
         idle_until = CASE WHEN $4 < absolute_until THEN $4 ELSE absolute_until END
   WHERE token_hash = $1 AND half_open AND idle_until > $3 AND absolute_until > $3
     AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = sessions.account_id AND a.suspended_at IS NULL)
  RETURNING id, account_id, half_open, created_at, seen_at, idle_until, absolute_until, sudo_until, device, masked_peer
)sql"};

constexpr query touch_session{"sessions.touch", R"sql(
  UPDATE sessions SET seen_at = $2, idle_until = CASE WHEN $4 < absolute_until THEN $4 ELSE absolute_until END
   WHERE token_hash = $1 AND NOT half_open AND seen_at <= $3 AND idle_until > $2 AND absolute_until > $2
)sql"};
constexpr query write_sudo{"sessions.write_sudo", R"sql(
  UPDATE sessions SET sudo_until = $3
   WHERE token_hash = $1 AND NOT half_open AND idle_until > $2 AND absolute_until > $2
  RETURNING account_id
)sql"};

constexpr query sessions_of{"sessions.of_account", R"sql(
  SELECT id, account_id, half_open, created_at, seen_at, idle_until, absolute_until, sudo_until, device, masked_peer FROM sessions
   WHERE account_id = $1 AND NOT half_open AND idle_until > $2 AND absolute_until > $2
   ORDER BY seen_at DESC, id DESC
)sql"};

constexpr query delete_by_token{"sessions.delete_by_token",
                                "DELETE FROM sessions WHERE token_hash = $1 RETURNING id, account_id"};
constexpr query delete_by_id{"sessions.delete_by_id",
                             "DELETE FROM sessions WHERE id = $1 AND account_id = $2 RETURNING id, account_id"};
// absolute_until needs no index: idle_until is never later.
constexpr query delete_expired{"sessions.delete_expired", R"sql(
  DELETE FROM sessions
   WHERE token_hash IN (SELECT token_hash FROM sessions WHERE idle_until <= $1 ORDER BY idle_until LIMIT $2)
)sql"};

constexpr std::size_t device_bytes_max = 200;

// Not in the middle of a UTF-8 sequence.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

signed_in read_signed_in(const row& r) {
  return {account_rows::read_session(r), account_rows::read_account(r, 10)};
}

expected<signed_in> find_live(db& on, std::string_view token_hash, bool half_open, unix_time now) {
  if (auto found = on.one(live_session, read_signed_in, token_hash, half_open, now))
    return *found;
  return fail(problem::kind::not_found, "session");
}

struct ended {
  id session_id = 0;
  id account_id = 0;
};
ended read_ended(const row& r) {
  return {r.integer(0), r.integer(1)};
}

} // namespace

expected<session> open(db& on, const opening& how, unix_time now) {
  return on.transaction([&]() -> expected<session> {
    if (!account_rows::hold(on, how.account_id))
      return fail(problem::kind::not_found, "account");
    const auto who = account_rows::find(on, how.account_id);
    if (who->suspended_at)
      return fail(problem::kind::forbidden, "the account is suspended");
    if (who->sign_in_epoch != how.sign_in_epoch)
      return fail(problem::kind::conflict, "its sessions were ended meanwhile");
    session s;
    s.session_id = make_id();
    s.account_id = how.account_id;
    s.half_open = how.second_factor_due;
    s.created_at = now;
    s.seen_at = now;
    s.idle_until = s.half_open ? now + half_open_life : now + idle_life;
    s.absolute_until = now + absolute_life;
    if (!s.half_open)
      s.sudo_until = now + sudo_life;
    s.device = cut(how.device, device_bytes_max);
    s.masked_peer = how.masked_peer;
    on.exec(put_session, how.token_hash, s.session_id, s.account_id, s.half_open, now, s.idle_until, s.absolute_until,
            s.sudo_until, s.device, s.masked_peer);
    const bool ended_one = on.exec(make_room, how.account_id, sessions_max) > 0;
    if (!s.half_open)
      account_rows::note_event(on, s.account_id, account_rows::actor_of(s.account_id), "signed_in", s.device, now);
    if (ended_one)
      account_rows::note_change(on, s.account_id, now);
    return s;
  });
}

expected<signed_in> find(db& on, std::string_view token_hash, unix_time now) {
  return find_live(on, token_hash, false, now);
}

expected<signed_in> find_half_open(db& on, std::string_view token_hash, unix_time now) {
  return find_live(on, token_hash, true, now);
}

expected<session> pass_second_factor(db& on, std::string_view token_hash, std::string_view new_token_hash,
                                     unix_time now) {
  return on.transaction([&]() -> expected<session> {
    const auto whole = on.one(
        make_whole, [](const row& r) { return account_rows::read_session(r); }, token_hash, new_token_hash, now,
        now + idle_life, now + sudo_life);
    if (!whole)
      return fail(problem::kind::not_found, "session");
    account_rows::note_event(on, whole->account_id, account_rows::actor_of(whole->account_id), "signed_in",
                             whole->device, now);
    return *whole;
  });
}

bool touch(db& on, std::string_view token_hash, unix_time now) {
  return on.exec(touch_session, token_hash, now, now - touch_pause, now + idle_life) == 1;
}

expected<unix_time> enter_sudo(db& on, std::string_view token_hash, unix_time now) {
  return on.transaction([&]() -> expected<unix_time> {
    const auto until = now + sudo_life;
    const auto whose = on.one(
        write_sudo, [](const row& r) { return r.integer(0); }, token_hash, now, until);
    if (!whose)
      return fail(problem::kind::not_found, "session");
    account_rows::note_event(on, *whose, account_rows::actor_of(*whose), "sudo", "", now);
    account_rows::note_change(on, *whose, now);
    return until;
  });
}

std::vector<session> list(db& on, id account_id, unix_time now) {
  return on.all(
      sessions_of, [](const row& r) { return account_rows::read_session(r); }, account_id, now);
}

expected<id> sign_out(db& on, std::string_view token_hash, unix_time now) {
  return on.transaction([&]() -> expected<id> {
    const auto gone = on.one(delete_by_token, read_ended, token_hash);
    if (!gone)
      return fail(problem::kind::not_found, "session");
    account_rows::note_event(on, gone->account_id, account_rows::actor_of(gone->account_id), "signed_out", "", now);
    account_rows::note_change(on, gone->account_id, now);
    return gone->session_id;
  });
}

expected<id> revoke(db& on, id account_id, id session_id, std::string_view by, unix_time now) {
  return on.transaction([&]() -> expected<id> {
    const auto gone = on.one(delete_by_id, read_ended, session_id, account_id);
    if (!gone)
      return fail(problem::kind::not_found, "session");
    account_rows::note_event(on, account_id, by, "session_ended", std::to_string(session_id), now);
    account_rows::note_change(on, account_id, now);
    return gone->session_id;
  });
}

expected<account> revoke_all(db& on, id account_id, std::string_view kept_token_hash, std::string_view by,
                             unix_time now) {
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, account_id))
      return fail(problem::kind::not_found, "account");
    account_rows::end_sessions(on, account_id, kept_token_hash);
    account_rows::note_event(on, account_id, by, "sessions_ended", "", now);
    auto who = account_rows::find(on, account_id);
    account_rows::note_change(on, account_id, now);
    return who;
  });
}

std::int64_t remove_expired(db& on, unix_time now, int limit) {
  return on.exec(delete_expired, now, limit);
}

} // namespace lyceum::storage::sessions

// SPDX-License-Identifier: Apache-2.0
#include "storage/sign_in.hpp"

#include "storage/account_rows.hpp"
#include "storage/digest.hpp"
#include "storage/secrets.hpp"

#include <algorithm>
#include <charconv>

namespace lyceum::storage::sign_in {
namespace {

constexpr query put_request{"sign_in.put_request", R"sql(
  INSERT INTO sign_in_requests (id, purpose, address, address_key, change_id, language, token_hash, code_hash, browser_hash,
                                return_path, tries_left, created_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
)sql"};
constexpr query make_room{"sign_in.make_room", R"sql(
  DELETE FROM sign_in_requests
   WHERE address_key = $1 AND used_at IS NULL AND expires_at > $2
     AND id NOT IN (SELECT id FROM sign_in_requests WHERE address_key = $1 AND used_at IS NULL AND expires_at > $2
                     ORDER BY created_at DESC, id DESC LIMIT $3)
)sql"};

constexpr query live_request{"sign_in.live_request", R"sql(
  SELECT id, purpose, address, language, return_path, browser_hash, expires_at FROM sign_in_requests
   WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 AND tries_left > 0
)sql"};

// A second one that comes at the same time waits for the row, and then finds it used.
constexpr query use_by_link{"sign_in.use_by_link", R"sql(
  UPDATE sign_in_requests SET used_at = $2
   WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 AND tries_left > 0
  RETURNING id, purpose, address, language, return_path, browser_hash, expires_at, change_id
)sql"};
constexpr query take_a_try{"sign_in.take_a_try", R"sql(
  UPDATE sign_in_requests SET tries_left = tries_left - 1
   WHERE address_key = $1 AND purpose = $2 AND browser_hash = $3 AND used_at IS NULL AND expires_at > $4 AND tries_left > 0
  RETURNING id, code_hash, tries_left
)sql"};
constexpr query use_by_id{"sign_in.use_by_id", R"sql(
  UPDATE sign_in_requests SET used_at = $2 WHERE id = $1 AND used_at IS NULL
  RETURNING id, purpose, address, language, return_path, browser_hash, expires_at, change_id
)sql"};

constexpr query drop_change{"sign_in.drop_change", "DELETE FROM address_changes WHERE account_id = $1"};
constexpr query put_change{"sign_in.put_change", R"sql(
  INSERT INTO address_changes (id, account_id, address, address_key, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
)sql"};
constexpr query confirm_old{"sign_in.confirm_old", R"sql(
  UPDATE address_changes SET old_confirmed_at = $2 WHERE id = $1
  RETURNING account_id, address, address_key, old_confirmed_at, new_confirmed_at
)sql"};
constexpr query confirm_new{"sign_in.confirm_new", R"sql(
  UPDATE address_changes SET new_confirmed_at = $2 WHERE id = $1
  RETURNING account_id, address, address_key, old_confirmed_at, new_confirmed_at
)sql"};
constexpr query address_taken{"sign_in.address_taken", "SELECT 1 FROM accounts WHERE address_key = $1 AND id <> $2"};
constexpr query write_address{"sign_in.write_address",
                              "UPDATE accounts SET address = $2, address_key = $3 WHERE id = $1"};
constexpr query drop_requests{"sign_in.drop_requests",
                              "DELETE FROM sign_in_requests WHERE address_key = $1 AND used_at IS NULL"};

constexpr query delete_requests{"sign_in.delete_expired", R"sql(
  DELETE FROM sign_in_requests
   WHERE id IN (SELECT id FROM sign_in_requests WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
)sql"};
constexpr query delete_changes{"sign_in.delete_expired_changes", R"sql(
  DELETE FROM address_changes
   WHERE id IN (SELECT id FROM address_changes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
)sql"};

// Past requests are kept so long for whoever looks into a complaint.
constexpr std::chrono::hours kept_after_expiry{24};

std::string_view name_of(purpose what) {
  switch (what) {
  case purpose::sign_in:
    return "sign_in";
  case purpose::old_address:
    return "old_address";
  case purpose::new_address:
    return "new_address";
  }
  return "";
}

purpose read_purpose(std::string_view stored) {
  for (const auto what : {purpose::sign_in, purpose::old_address, purpose::new_address})
    if (stored == name_of(what))
      return what;
  throw error("sign_in", "no purpose: " + std::string(stored));
}

request read_request(const row& r) {
  return {r.integer(0), read_purpose(r.view(1)), r.text(2), r.text(3), r.text(4), r.text(5), r.time(6)};
}

struct used {
  request what;
  id change_id = 0;
};
used read_used(const row& r) {
  return {read_request(r), r.integer(7)};
}

// A browser takes "//host" and "/\host" for another site.
bool is_own_path(std::string_view path) {
  return path.starts_with('/') && path.size() <= return_path_max &&
         (path.size() == 1 || (path[1] != '/' && path[1] != '\\')) &&
         std::ranges::none_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Those who ask for the same address take turns, so that two at once do not both find room.
void take_turns(db& on, std::string_view address_key) {
  const std::string sum = sha256_hex(address_key);
  std::int64_t key = 0;
  std::from_chars(sum.data(), sum.data() + 15, key, 16);
  on.lock(key);
}

void put(db& on, purpose what, const wish& w, std::optional<id> change_id, id request_id, unix_time now) {
  const std::string address_key = fold_address(w.address);
  on.exec(put_request, request_id, name_of(what), w.address, address_key, change_id, w.language, w.mail.token_hash,
          w.mail.code_hash, w.browser_hash, w.return_path, tries_max, now, now + request_life);
  on.exec(make_room, address_key, now, requests_live_max);
}

expected<outcome> signed_in(db& on, const request& by, unix_time now) {
  outcome done;
  done.what = by.what;
  done.language = by.language;
  done.return_path = by.return_path;
  account fresh;
  fresh.account_id = make_id();
  fresh.address = by.address;
  fresh.address_key = fold_address(by.address);
  fresh.language = by.language;
  fresh.created_at = now;
  done.made = account_rows::put_new(on, fresh);
  if (done.made)
    account_rows::note_event(on, fresh.account_id, account_rows::actor_of(fresh.account_id), "made", "", now);
  const auto who = account_rows::find_by_key(on, fresh.address_key);
  if (!who)
    return tl::unexpected(who.error()); // deleted at this moment
  if (who->suspended_at)
    return fail(problem::kind::forbidden, "the account is suspended");
  done.who = *who;
  return done;
}

struct change_row {
  id account_id = 0;
  std::string address;
  std::string address_key;
  bool both = false;
};
change_row read_change(const row& r) {
  return {r.integer(0), r.text(1), r.text(2), !r.is_null(3) && !r.is_null(4)};
}

expected<outcome> confirmed_side(db& on, const used& u, unix_time now) {
  outcome done;
  done.what = u.what.what;
  done.language = u.what.language;
  done.return_path = u.what.return_path;
  const auto& side = u.what.what == purpose::old_address ? confirm_old : confirm_new;
  const auto change = on.one(side, read_change, u.change_id, now);
  if (!change)
    return fail(problem::kind::not_found, "request");
  const auto before = account_rows::find(on, change->account_id);
  if (!before)
    return tl::unexpected(before.error());
  if (before->suspended_at)
    return fail(problem::kind::forbidden, "the account is suspended");
  done.who = *before;
  if (!change->both)
    return done;
  if (on.one(
          address_taken, [](const row&) { return true; }, change->address_key, change->account_id))
    return fail(problem::kind::conflict, "the address has an account of its own");
  on.exec(write_address, change->account_id, change->address, change->address_key);
  on.exec(drop_requests, before->address_key); // what was mailed to where its owner may no longer read
  on.exec(drop_change, change->account_id);
  account_rows::note_event(on, change->account_id, account_rows::actor_of(change->account_id), "address_changed",
                           before->address + " -> " + change->address, now);
  done.who = *account_rows::find(on, change->account_id);
  done.changed = true;
  done.address_before = before->address;
  return done;
}

expected<outcome> done_with(db& on, const used& u, std::string_view browser_hash, unix_time now,
                            const also_of<outcome>& with_it) {
  auto done = u.what.what == purpose::sign_in ? signed_in(on, u.what, now) : confirmed_side(on, u, now);
  if (!done)
    return done;
  done->asked_here = secrets::equal(u.what.browser_hash, browser_hash);
  if (with_it)
    with_it(on, *done);
  if (done->changed)
    account_rows::note_change(on, done->who.account_id, now);
  return done;
}

// Between another's look for the address and its write this one may have come: the schema refuses the second of two.
template <class Work>
auto unless_taken(Work work) -> std::invoke_result_t<Work&> {
  try {
    return work();
  } catch (const constraint_violation&) {
    return fail(problem::kind::conflict, "the address has an account of its own");
  }
}

} // namespace

expected<id> ask(db& on, const wish& w, unix_time now, const also& with_it) {
  const std::string address_key = fold_address(w.address);
  if (address_key.empty())
    return fail(problem::kind::invalid, "the address is empty");
  if (!is_own_path(w.return_path))
    return fail(problem::kind::invalid, "the return path is no path of this site");
  return on.transaction([&]() -> expected<id> {
    const id request_id = make_id();
    take_turns(on, address_key);
    put(on, purpose::sign_in, w, std::nullopt, request_id, now);
    if (with_it)
      with_it(on);
    return request_id;
  });
}

expected<request> find(db& on, std::string_view token_hash, unix_time now) {
  if (auto found = on.one(live_request, read_request, token_hash, now))
    return *found;
  return fail(problem::kind::not_found, "request");
}

expected<outcome> use_link(db& on, std::string_view token_hash, std::string_view browser_hash, bool confirmed,
                           unix_time now, const also_of<outcome>& with_it) {
  return unless_taken([&] {
    return on.transaction([&]() -> expected<outcome> {
      const auto u = on.one(use_by_link, read_used, token_hash, now);
      if (!u)
        return fail(problem::kind::not_found, "request");
      if (!confirmed && !secrets::equal(u->what.browser_hash, browser_hash))
        return fail(problem::kind::forbidden, "another browser asked");
      return done_with(on, *u, browser_hash, now, with_it);
    });
  });
}

expected<outcome> use_code(db& on, purpose what, std::string_view address, std::string_view browser_hash,
                           std::string_view code_hash, unix_time now, const also_of<outcome>& with_it) {
  struct candidate {
    id request_id;
    std::string code_hash;
    std::int64_t tries_left;
  };
  // A problem as the transaction's result would undo the try that was taken: a wrong code is committed as a value.
  struct tried {
    std::optional<outcome> done;
    problem why{problem::kind::not_found, "request"};
  };
  const auto result = unless_taken([&] {
    return on.transaction([&]() -> expected<tried> {
      const auto candidates = on.all(
          take_a_try,
          [](const row& r) {
            return candidate{r.integer(0), r.text(1), r.integer(2)};
          },
          fold_address(address), name_of(what), browser_hash, now);
      std::int64_t left = 0;
      for (const auto& one : candidates) {
        left = std::max(left, one.tries_left);
        if (!secrets::equal(one.code_hash, code_hash))
          continue;
        const auto u = on.one(use_by_id, read_used, one.request_id, now);
        if (!u)
          return tried{};
        auto led_to = done_with(on, *u, browser_hash, now, with_it);
        if (!led_to)
          return tl::unexpected(led_to.error());
        return tried{std::move(*led_to), {}};
      }
      if (candidates.empty())
        return tried{};
      return tried{std::nullopt, {problem::kind::invalid, std::to_string(left)}};
    });
  });
  if (!result)
    return tl::unexpected(result.error());
  if (!result->done)
    return tl::unexpected(result->why);
  return *result->done;
}

expected<account> ask_change_of_address(db& on, const change_wish& w, unix_time now, const also& with_it) {
  const std::string address_key = fold_address(w.address);
  if (address_key.empty())
    return fail(problem::kind::invalid, "the new address is empty");
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, w.account_id))
      return fail(problem::kind::not_found, "account");
    const auto who = account_rows::find(on, w.account_id);
    if (who->address == w.address)
      return fail(problem::kind::invalid, "the new address is the one that it has");
    take_turns(on, address_key);
    on.exec(drop_change, w.account_id);
    const id change_id = make_id();
    on.exec(put_change, change_id, w.account_id, w.address, address_key, now, now + request_life);
    put(on, purpose::old_address, {who->address, w.language, "/", w.browser_hash, w.old_side}, change_id, make_id(),
        now);
    put(on, purpose::new_address, {w.address, w.language, "/", w.browser_hash, w.new_side}, change_id, make_id(), now);
    account_rows::note_event(on, w.account_id, account_rows::actor_of(w.account_id), "address_change_asked", w.address,
                             now);
    if (with_it)
      with_it(on);
    return who;
  });
}

std::int64_t remove_expired(db& on, unix_time now, int limit) {
  return on.transaction([&] {
    const auto before = now - kept_after_expiry;
    return on.exec(delete_requests, before, limit) + on.exec(delete_changes, before, limit);
  });
}

} // namespace lyceum::storage::sign_in

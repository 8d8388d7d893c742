// SPDX-License-Identifier: Apache-2.0
#include "storage/second_factor.hpp"

#include "storage/account_rows.hpp"

namespace lyceum::storage::second_factor {
namespace {

constexpr query write_secret{"second_factor.write_secret",
                             "UPDATE accounts SET totp_secret = $2, totp_step = $3 WHERE id = $1"};
constexpr query delete_codes{"second_factor.delete_codes", "DELETE FROM recovery_codes WHERE account_id = $1"};
constexpr query put_code{"second_factor.put_code",
                         "INSERT INTO recovery_codes (account_id, code_hash, created_at) VALUES ($1, $2, $3)"};
constexpr query write_step{"second_factor.write_step", R"sql(
  UPDATE accounts SET totp_step = $2 WHERE id = $1 AND totp_secret IS NOT NULL AND totp_step < $2
)sql"};
constexpr query use_code{"second_factor.use_code", R"sql(
  UPDATE recovery_codes SET used_at = $3 WHERE account_id = $1 AND code_hash = $2 AND used_at IS NULL
)sql"};
constexpr query count_codes{"second_factor.count_codes", R"sql(
  SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL
)sql"};

void put_codes(db& on, id account_id, const std::vector<std::string>& hashes, unix_time now) {
  on.exec(delete_codes, account_id);
  for (const auto& hash : hashes)
    on.exec(put_code, account_id, hash, now);
}

} // namespace

expected<account> set(db& on, id account_id, std::string_view sealed_secret, std::int64_t step,
                      const std::vector<std::string>& recovery_code_hashes, std::string_view kept_token_hash,
                      std::string_view by, unix_time now, const also_of<account>& with_it) {
  if (recovery_code_hashes.size() > recovery_codes_max)
    return fail(problem::kind::invalid, "too many recovery codes");
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, account_id))
      return fail(problem::kind::not_found, "account");
    on.exec(write_secret, account_id, sealed_secret, step);
    put_codes(on, account_id, recovery_code_hashes, now);
    account_rows::end_sessions(on, account_id, kept_token_hash);
    account_rows::note_event(on, account_id, by, "second_factor_set", "", now);
    auto who = account_rows::find(on, account_id);
    if (with_it)
      with_it(on, *who);
    account_rows::note_change(on, account_id, now);
    return who;
  });
}

expected<account> remove(db& on, id account_id, std::string_view by, unix_time now, const also_of<account>& with_it) {
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, account_id))
      return fail(problem::kind::not_found, "account");
    on.exec(write_secret, account_id, std::nullopt, 0);
    on.exec(delete_codes, account_id);
    account_rows::note_event(on, account_id, by, "second_factor_removed", "", now);
    auto who = account_rows::find(on, account_id);
    if (with_it)
      with_it(on, *who);
    account_rows::note_change(on, account_id, now);
    return who;
  });
}

expected<account> replace_recovery_codes(db& on, id account_id, const std::vector<std::string>& recovery_code_hashes,
                                         std::string_view by, unix_time now) {
  if (recovery_code_hashes.size() > recovery_codes_max)
    return fail(problem::kind::invalid, "too many recovery codes");
  return on.transaction([&]() -> expected<account> {
    if (!account_rows::hold(on, account_id))
      return fail(problem::kind::not_found, "account");
    auto who = account_rows::find(on, account_id);
    if (!who->totp_secret)
      return fail(problem::kind::conflict, "there is no second factor");
    put_codes(on, account_id, recovery_code_hashes, now);
    account_rows::note_event(on, account_id, by, "recovery_codes_replaced", "", now);
    account_rows::note_change(on, account_id, now);
    return who;
  });
}

expected<void> accept_step(db& on, id account_id, std::int64_t step) {
  if (on.exec(write_step, account_id, step) != 1)
    return fail(problem::kind::conflict, "the code was used before");
  return {};
}

expected<int> use_recovery_code(db& on, id account_id, std::string_view code_hash, unix_time now) {
  return on.transaction([&]() -> expected<int> {
    if (on.exec(use_code, account_id, code_hash, now) != 1)
      return fail(problem::kind::not_found, "recovery code");
    const int left = recovery_codes_left(on, account_id);
    account_rows::note_event(on, account_id, account_rows::actor_of(account_id), "recovery_code_used",
                             std::to_string(left) + " left", now);
    return left;
  });
}

int recovery_codes_left(db& on, id account_id) {
  return on
      .one(
          count_codes, [](const row& r) { return r.small(0); }, account_id)
      .value_or(0);
}

} // namespace lyceum::storage::second_factor

// SPDX-License-Identifier: Apache-2.0
// Everything that is stored of an account, for its owner. A table that holds something of an account has its list here, and a test
// compares the two.
#include "storage/accounts.hpp"

#include "storage/account_rows.hpp"

#include <boost/json.hpp>

namespace lyceum::storage::accounts {
namespace {

namespace json = boost::json;

constexpr query change_under_way{"export.address_changes", R"sql(
  SELECT address, created_at, expires_at, old_confirmed_at, new_confirmed_at FROM address_changes WHERE account_id = $1
)sql"};
constexpr query requests_of{"export.sign_in_requests", R"sql(
  SELECT r.purpose, r.address, r.language, r.return_path, r.created_at, r.expires_at, r.used_at FROM sign_in_requests r
   WHERE r.address_key = $1 OR r.change_id IN (SELECT id FROM address_changes WHERE account_id = $2)
   ORDER BY r.created_at, r.id
)sql"};
constexpr query sessions_of{"export.sessions", R"sql(
  SELECT device, masked_peer, created_at, seen_at, idle_until, absolute_until FROM sessions
   WHERE account_id = $1 ORDER BY created_at, id
)sql"};
constexpr query codes_of{"export.recovery_codes", R"sql(
  SELECT created_at, used_at FROM recovery_codes WHERE account_id = $1 ORDER BY created_at, code_hash
)sql"};
constexpr query grants_of{"export.grants", R"sql(
  SELECT plan, source, note, granted_by, created_at, starts_at, expires_at, revoked_at, revoked_by FROM grants
   WHERE account_id = $1 ORDER BY id
)sql"};
constexpr query history_of{"export.account_log", R"sql(
  SELECT actor, action, detail, at FROM account_log WHERE account_id = $1 ORDER BY id
)sql"};

json::string text(std::string_view t) {
  return json::string(json::string_view(t.data(), t.size()));
}

json::value moment(unix_time at) {
  return text(utc_text(at));
}
json::value moment(const row& r, int column) {
  return r.is_null(column) ? json::value(nullptr) : moment(r.time(column));
}
json::value text(const row& r, int column) {
  return r.is_null(column) ? json::value(nullptr) : json::value(text(r.view(column)));
}

json::object facts_of(const account& a) {
  return {{"id", std::to_string(a.account_id)},
          {"address", text(a.address)},
          {"name", text(a.name)},
          {"role", text(name_of(a.role))},
          {"language", text(a.language)},
          {"has_password", a.password_hash.has_value()},
          {"has_second_factor", a.totp_secret.has_value()},
          {"created_at", moment(a.created_at)},
          {"suspended_at", a.suspended_at ? moment(*a.suspended_at) : json::value(nullptr)}};
}

template <class Each, class... Args>
json::array list(db& on, const query& what, Each each, const Args&... args) {
  json::array rows;
  on.all(
      what,
      [&](const row& r) {
        rows.emplace_back(each(r));
        return 0;
      },
      args...);
  return rows;
}

} // namespace

expected<std::string> export_json(db& on, id account_id, unix_time now) {
  return on.snapshot([&]() -> expected<std::string> {
    const auto who = account_rows::find(on, account_id);
    if (!who)
      return tl::unexpected(who.error());
    json::object all{{"exported_at", moment(now)}, {"account", facts_of(*who)}};
    all["address_changes"] = list(
        on, change_under_way,
        [](const row& r) {
          return json::object{{"address", text(r, 0)},
                              {"created_at", moment(r, 1)},
                              {"expires_at", moment(r, 2)},
                              {"old_confirmed_at", moment(r, 3)},
                              {"new_confirmed_at", moment(r, 4)}};
        },
        account_id);
    all["sign_in_requests"] = list(
        on, requests_of,
        [](const row& r) {
          return json::object{{"purpose", text(r, 0)},     {"address", text(r, 1)},      {"language", text(r, 2)},
                              {"return_path", text(r, 3)}, {"created_at", moment(r, 4)}, {"expires_at", moment(r, 5)},
                              {"used_at", moment(r, 6)}};
        },
        who->address_key, account_id);
    all["sessions"] = list(
        on, sessions_of,
        [](const row& r) {
          return json::object{{"device", text(r, 0)},       {"masked_peer", text(r, 1)},
                              {"created_at", moment(r, 2)}, {"seen_at", moment(r, 3)},
                              {"idle_until", moment(r, 4)}, {"absolute_until", moment(r, 5)}};
        },
        account_id);
    all["recovery_codes"] = list(
        on, codes_of,
        [](const row& r) {
          return json::object{{"created_at", moment(r, 0)}, {"used_at", moment(r, 1)}};
        },
        account_id);
    all["grants"] = list(
        on, grants_of,
        [](const row& r) {
          return json::object{{"plan", text(r, 0)},         {"source", text(r, 1)},       {"note", text(r, 2)},
                              {"granted_by", text(r, 3)},   {"created_at", moment(r, 4)}, {"starts_at", moment(r, 5)},
                              {"expires_at", moment(r, 6)}, {"revoked_at", moment(r, 7)}, {"revoked_by", text(r, 8)}};
        },
        account_id);
    all["account_log"] = list(
        on, history_of,
        [](const row& r) {
          return json::object{
              {"actor", text(r, 0)}, {"action", text(r, 1)}, {"detail", text(r, 2)}, {"at", moment(r, 3)}};
        },
        account_id);
    return json::serialize(all);
  });
}

} // namespace lyceum::storage::accounts

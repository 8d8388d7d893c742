// SPDX-License-Identifier: Apache-2.0
#include "http/identity.hpp"

#include "storage/grants.hpp"
#include "storage/sessions.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace lyceum::http {
namespace {

namespace json = boost::json;

std::string_view tier_name(const viewer& who) {
  if (who.staff)
    return "staff";
  switch (who.tier) {
  case access::kind::paid:
    return "paid";
  case access::kind::plan:
    return "plan";
  default:
    return "members";
  }
}

} // namespace

identity identify(session_table& table, people& names, const std::string& session, storage::db& db, unix_time now,
                  bool in_use) {
  const auto hash = session_hash_of(session);
  if (!hash)
    return {};
  const auto as_of = table.changes();
  const auto now_us = micros(now);
  if (in_use)
    storage::sessions::touch(db, session, now);
  const auto found = storage::sessions::find(db, session, now);
  const auto entitled = found ? storage::grants::entitlement_at(db, found->who.account_id, now)
                              : expected<storage::grants::entitlement>(tl::unexpected(found.error()));
  if (!entitled) {
    // A token that is nobody's never becomes somebody's: no change since can matter.
    table.put(*hash, {.account = 0, .until_us = now_us + std::chrono::microseconds(unknown_kept).count()}, now_us,
              table.changes());
    return {};
  }
  auto until = std::min({now + session_kept_max, found->what.idle_until, found->what.absolute_until});
  if (entitled->until)
    until = std::min(until, *entitled->until);
  identity made;
  made.who = entitled->may;
  made.session = {.account = entitled->who.account_id,
                  .until_us = micros(until),
                  .touched_us = in_use ? now_us : micros(found->what.seen_at)};
  // A tier without a number cannot be kept: then the database is asked each time.
  if (const auto tier = table.tier(tier_prefix(entitled->may))) {
    made.session.tier = *tier;
    if (table.put(*hash, made.session, now_us, as_of))
      names.put(made.session.account, {entitled->who.name, std::string(name_of(entitled->who.role))});
  }
  return made;
}

void forget(session_table& table, people& names, id account) {
  table.erase_account(account);
  names.erase(account);
}

void forget_all(session_table& table, people& names) {
  table.clear();
  names.clear();
}

io_route me_route(const people& names) {
  io_route row;
  row.path = "/me";
  row.personal = true;
  row.answer = [&names](const request& asked) {
    json::object told{{"signed_in", asked.account != 0}};
    if (asked.account != 0) {
      const auto who = names.find(asked.account).value_or(person{});
      told["name"] = who.name;
      told["role"] = who.role;
      told["tier"] = tier_name(asked.who);
      auto& plans = told["plans"].emplace_array();
      for (const auto& plan : asked.who.plans)
        plans.emplace_back(plan);
    }
    response answer;
    answer.content_type = "application/json";
    answer.body = json::serialize(told) + "\n";
    return answer;
  };
  return row;
}

} // namespace lyceum::http

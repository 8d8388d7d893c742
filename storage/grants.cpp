// SPDX-License-Identifier: Apache-2.0
#include "storage/grants.hpp"

#include "storage/account_rows.hpp"

#include <algorithm>
#include <set>

namespace lyceum::storage::grants {
namespace {

constexpr query put_grant{"grants.put", R"sql(
  INSERT INTO grants (id, account_id, plan, source, note, granted_by, created_at, starts_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
)sql"};
constexpr query grant_by_id{"grants.by_id", R"sql(
  SELECT id, account_id, plan, source, note, granted_by, created_at, starts_at, expires_at, revoked_at, revoked_by
    FROM grants WHERE id = $1
)sql"};
constexpr query grants_of{"grants.of_account", R"sql(
  SELECT id, account_id, plan, source, note, granted_by, created_at, starts_at, expires_at, revoked_at, revoked_by
    FROM grants WHERE account_id = $1 ORDER BY id
)sql"};
constexpr query revoke_one{"grants.revoke", R"sql(
  UPDATE grants SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL
  RETURNING id, account_id, plan, source, note, granted_by, created_at, starts_at, expires_at, revoked_at, revoked_by
)sql"};
constexpr query revoke_of_plan{"grants.revoke_plan", R"sql(
  UPDATE grants SET revoked_at = $3, revoked_by = $4
   WHERE account_id = $1 AND plan = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
  RETURNING id, account_id, plan, source, note, granted_by, created_at, starts_at, expires_at, revoked_at, revoked_by
)sql"};
constexpr query end_due{"grants.end_due", R"sql(
  UPDATE grants SET ended_at = $1
   WHERE id IN (SELECT id FROM grants WHERE expires_at <= $1 AND revoked_at IS NULL AND ended_at IS NULL
                 ORDER BY expires_at LIMIT $2)
     AND ended_at IS NULL
  RETURNING id, account_id, plan, source, note, granted_by, created_at, starts_at, expires_at, revoked_at, revoked_by
)sql"};

grant read_grant(const row& r) {
  grant g;
  g.grant_id = r.integer(0);
  g.account_id = r.integer(1);
  g.plan = r.text(2);
  g.source = r.text(3);
  g.note = r.text(4);
  g.granted_by = r.text(5);
  g.created_at = r.time(6);
  g.starts_at = r.time(7);
  g.expires_at = r.maybe_time(8);
  g.revoked_at = r.maybe_time(9);
  g.revoked_by = r.text(10);
  return g;
}

std::string event_of(const grant& g) {
  return g.plan + " (" + g.source + ")" + (g.note.empty() ? "" : ": " + g.note);
}

} // namespace

expected<grant> give(db& on, const gift& what, std::string_view by, unix_time now, const also_of<grant>& with_it) {
  if (what.plan.empty())
    return fail(problem::kind::invalid, "a grant needs a plan");
  if (what.plan.size() > plan_max)
    return fail(problem::kind::invalid, "a plan's name has at most " + std::to_string(plan_max) + " characters");
  if (what.source.empty())
    return fail(problem::kind::invalid, "a grant needs a source");
  if (what.expires_at && *what.expires_at <= what.starts_at)
    return fail(problem::kind::invalid, "a grant ends after its beginning");
  return on.transaction([&]() -> expected<grant> {
    if (!account_rows::hold(on, what.account_id))
      return fail(problem::kind::not_found, "account");
    const id grant_id = make_id();
    on.exec(put_grant, grant_id, what.account_id, what.plan, what.source, what.note, by, now, what.starts_at,
            what.expires_at);
    const auto given = on.one(grant_by_id, read_grant, grant_id);
    account_rows::note_event(on, what.account_id, by, "granted", event_of(*given), now);
    if (with_it)
      with_it(on, *given);
    account_rows::note_change(on, what.account_id, now);
    return *given;
  });
}

expected<grant> revoke(db& on, id grant_id, std::string_view by, unix_time now, const also_of<grant>& with_it) {
  return on.transaction([&]() -> expected<grant> {
    const auto taken = on.one(revoke_one, read_grant, grant_id, now, by);
    if (!taken && on.one(grant_by_id, read_grant, grant_id))
      return fail(problem::kind::conflict, "the grant was taken back before");
    if (!taken)
      return fail(problem::kind::not_found, "grant");
    account_rows::note_event(on, taken->account_id, by, "revoked", event_of(*taken), now);
    if (with_it)
      with_it(on, *taken);
    account_rows::note_change(on, taken->account_id, now);
    return *taken;
  });
}

expected<std::vector<grant>> revoke_plan(db& on, id account_id, std::string_view plan, std::string_view by,
                                         unix_time now, const also_of<grant>& with_it) {
  return on.transaction([&]() -> expected<std::vector<grant>> {
    auto taken = on.all(revoke_of_plan, read_grant, account_id, plan, now, by);
    if (taken.empty())
      return fail(problem::kind::not_found, "grant");
    for (const grant& one : taken) {
      account_rows::note_event(on, account_id, by, "revoked", event_of(one), now);
      if (with_it)
        with_it(on, one);
    }
    account_rows::note_change(on, account_id, now);
    return taken;
  });
}

std::vector<grant> list(db& on, id account_id) {
  return on.all(grants_of, read_grant, account_id);
}

expected<entitlement> entitlement_at(db& on, id account_id, unix_time now) {
  return on.snapshot([&]() -> expected<entitlement> {
    auto who = account_rows::find(on, account_id);
    if (!who)
      return tl::unexpected(who.error());
    const auto all = list(on, account_id);
    auto may = entitlement_of(*who, all, now);
    return entitlement{std::move(*who), std::move(may), next_entitlement_change(all, now)};
  });
}

bool has_plan(db& on, id account_id, std::string_view plan, unix_time now) {
  return std::ranges::any_of(list(on, account_id),
                             [&](const grant& one) { return one.plan == plan && is_current(one, now); });
}

std::vector<grant> note_ended(db& on, unix_time now, int limit, const also& with_it) {
  return on.transaction([&] {
    auto ended = on.all(end_due, read_grant, now, limit);
    std::set<id> whose;
    for (const grant& one : ended) {
      account_rows::note_event(on, one.account_id, "server", "grant_ended", event_of(one), now);
      if (with_it)
        if (const auto owner = account_rows::find(on, one.account_id))
          with_it(on, one, *owner);
      whose.insert(one.account_id);
    }
    for (const id one : whose)
      account_rows::note_change(on, one, now);
    return ended;
  });
}

} // namespace lyceum::storage::grants

// SPDX-License-Identifier: Apache-2.0
// `lyceum user`: accounts, and plans that are given by hand (gifts, PayPal). Works on the database, beside a running server or without one.
#include "ops/commands/commands.hpp"

#include "ops/commands/ctl_tables.hpp"
#include "ops/commands/database.hpp"
#include "ops/commands/site_address.hpp"
#include "ops/grant_mail.hpp"
#include "ops/sign_in_link.hpp"
#include "storage/accounts.hpp"
#include "storage/catalogue.hpp"
#include "storage/grants.hpp"
#include "storage/model/id.hpp"
#include "storage/moments.hpp"
#include "storage/sessions.hpp"
#include "storage/sign_in.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <pwd.h>
#include <unistd.h>

namespace lyceum {
namespace {

namespace json = boost::json;
namespace accounts = storage::accounts;
namespace grants = storage::grants;

constexpr int page_rows = 500;
constexpr int history_rows = 20;
constexpr std::size_t shown_max = 200; // characters of anything that somebody wrote

/// Whoever typed the command, for the history.
std::string who_runs() {
  if (const char* name = std::getenv("SUDO_USER"); name != nullptr && *name != '\0')
    return "command:" + std::string(name);
  if (const passwd* entry = ::getpwuid(::geteuid()); entry != nullptr)
    return "command:" + std::string(entry->pw_name);
  return "command:" + std::to_string(::geteuid());
}

json::value moment(std::optional<unix_time> at) {
  return at ? json::value(utc_text(*at)) : json::value(nullptr);
}
std::string safe(const std::string& written) {
  return ops::shown(written, shown_max);
}

json::object json_of(const account& a) {
  return {{"id", std::to_string(a.account_id)},
          {"address", a.address},
          {"name", a.name},
          {"role", std::string(name_of(a.role))},
          {"language", a.language},
          {"has_password", a.password_hash.has_value()},
          {"has_second_factor", a.totp_secret.has_value()},
          {"created_at", moment(a.created_at)},
          {"suspended_at", moment(a.suspended_at)}};
}

json::object json_of(const grant& g, unix_time now) {
  return {{"id", std::to_string(g.grant_id)},
          {"plan", g.plan},
          {"source", g.source},
          {"note", g.note},
          {"granted_by", g.granted_by},
          {"starts_at", moment(g.starts_at)},
          {"expires_at", moment(g.expires_at)},
          {"revoked_at", moment(g.revoked_at)},
          {"current", is_current(g, now)}};
}

void print(const json::value& answer) {
  fmt::print("{}\n", json::serialize(answer));
}

std::string until(const grant& g) {
  return g.expires_at ? "until " + utc_text(*g.expires_at) : "for ever";
}

std::string state_of(const grant& g, unix_time now) {
  if (g.revoked_at)
    return "revoked " + utc_text(*g.revoked_at);
  if (g.expires_at && *g.expires_at <= now)
    return "ended " + utc_text(*g.expires_at);
  return g.starts_at > now ? "from " + utc_text(g.starts_at) + " " + until(g) : until(g);
}

std::string what_they_read(const viewer& may) {
  if (may.staff)
    return "everything (staff)";
  if (may.tier == access::kind::everyone)
    return "what is public";
  if (may.plans.empty())
    return "what is public and for members";
  std::string plans;
  for (const auto& plan : may.plans)
    plans += (plans.empty() ? "" : ", ") + safe(plan);
  return "what is public, for members and paid; plans: " + plans;
}

struct task {
  const cli::user& how;
  storage::db& db;
  unix_time now;
  std::string by;
  std::string base_url; ///< of links; empty: not known
};

expected<account> find(const task& t) {
  auto who = accounts::find_by_address(t.db, account_address(t.how.address).value_or(t.how.address));
  if (!who)
    return fail(problem::kind::not_found, "there is no account with the address " + safe(t.how.address));
  return who;
}

expected<void> add(const task& t) {
  const auto address = account_address(t.how.address);
  if (!address)
    return fail(problem::kind::invalid, safe(t.how.address) + " is no mail address: " + address.error().detail);
  const auto role = parse_account_role(t.how.role.value_or("learner"));
  if (!role)
    return tl::unexpected(role.error());
  const auto made =
      accounts::make(t.db, {*address, t.how.name.value_or(""), *role, t.how.language.value_or("")}, t.by, t.now);
  if (!made)
    return tl::unexpected(made.error());
  if (t.how.json)
    print(json_of(*made));
  else
    fmt::print("added {} ({})\n", safe(made->address), name_of(made->role));
  return {};
}

expected<void> list(const task& t) {
  std::optional<account_role> role;
  if (t.how.role) {
    const auto parsed = parse_account_role(*t.how.role);
    if (!parsed)
      return tl::unexpected(parsed.error());
    role = *parsed;
  }
  std::string after;
  bool first = true;
  for (;;) {
    const auto page = role ? accounts::list(t.db, *role, after, page_rows) : accounts::list(t.db, after, page_rows);
    for (const auto& one : page) {
      if (t.how.json)
        fmt::print("{}{}", first ? "[" : ",\n", json::serialize(json_of(one)));
      else
        fmt::print("{:<40} {:<8} {}{}  {}\n", safe(one.address), name_of(one.role), utc_text(one.created_at),
                   one.suspended_at ? "  suspended" : "", safe(one.name));
      first = false;
    }
    if (page.size() < page_rows)
      break;
    after = page.back().address_key;
  }
  if (t.how.json)
    fmt::print("{}]\n", first ? "[" : "");
  return {};
}

expected<void> show(const task& t) {
  const auto who = find(t);
  if (!who)
    return tl::unexpected(who.error());
  const auto given = grants::list(t.db, who->account_id);
  const auto sessions = storage::sessions::list(t.db, who->account_id, t.now);
  const auto events = accounts::list_events(t.db, who->account_id, history_rows);
  const auto may = entitlement_of(*who, given, t.now);
  if (t.how.json) {
    auto all = json_of(*who);
    json::array plans(may.plans.begin(), may.plans.end());
    all["plans"] = std::move(plans);
    all["sessions"] = sessions.size();
    json::array rows;
    for (const auto& one : given)
      rows.emplace_back(json_of(one, t.now));
    all["grants"] = std::move(rows);
    json::array history;
    for (const auto& e : events)
      history.push_back({{"at", utc_text(e.at)}, {"actor", e.actor}, {"action", e.action}, {"detail", e.detail}});
    all["history"] = std::move(history);
    print(all);
    return {};
  }
  fmt::print("{}\n", safe(who->address));
  fmt::print("  name      {}\n", who->name.empty() ? "-" : safe(who->name));
  fmt::print("  role      {}\n", name_of(who->role));
  fmt::print("  since     {}\n", utc_text(who->created_at));
  if (who->suspended_at)
    fmt::print("  suspended {}\n", utc_text(*who->suspended_at));
  fmt::print("  signs in  by mail{}{}\n", who->password_hash ? ", password" : "",
             who->totp_secret ? ", with a second factor" : "");
  fmt::print("  reads     {}{}\n", what_they_read(may),
             is_staff(who->role) && !may.staff ? "; everything once its second factor is set up" : "");
  fmt::print("  sessions  {}\n", sessions.size());
  for (const auto& one : given)
    fmt::print("  grant     {}  {}  {}  {}{}\n", one.grant_id, safe(one.plan), safe(one.source), state_of(one, t.now),
               one.note.empty() ? "" : "  (" + safe(one.note) + ")");
  for (const auto& e : events)
    fmt::print("  history   {}  {}  {}{}\n", utc_text(e.at), safe(e.actor), safe(e.action),
               e.detail.empty() ? "" : "  " + safe(e.detail));
  return {};
}

expected<void> give(const task& t) {
  const auto who = find(t);
  if (!who)
    return tl::unexpected(who.error());
  grants::gift wish{who->account_id,         t.how.plan, t.how.source.value_or("operator"),
                    t.how.note.value_or(""), t.now,      std::nullopt};
  if (t.how.until) {
    const auto site = storage::catalogue::find_site(t.db);
    wish.expires_at = storage::parse_moment(*t.how.until, site ? site->timezone : "UTC");
    if (!wish.expires_at)
      return fail(problem::kind::invalid,
                  "--until is \"" + safe(*t.how.until) + "\"; it must be a time like 2027-01-01 or 2027-01-01T09:30Z");
    if (*wish.expires_at <= t.now)
      return fail(problem::kind::invalid, "--until is in the past: " + utc_text(*wish.expires_at));
  }
  const auto given = grants::give(t.db, wish, t.by, t.now, mail_about_gift(*who, t.base_url, t.now, true));
  if (!given)
    return tl::unexpected(given.error());
  if (t.how.json)
    print(json_of(*given, t.now));
  else
    fmt::print("granted {} to {} {} (grant {})\n", safe(given->plan), safe(who->address), until(*given),
               given->grant_id);
  return {};
}

expected<std::vector<grant>> take_back(const task& t, const account& who) {
  const auto tell = mail_about_end(who, t.base_url, t.now);
  if (!t.how.grant)
    return grants::revoke_plan(t.db, who.account_id, t.how.plan, t.by, t.now, tell).map_error([&](problem p) {
      return p.what == problem::kind::not_found
                 ? problem{p.what, safe(who.address) + " has no grant of " + safe(t.how.plan)}
                 : p;
    });
  id grant_id = 0;
  const auto& word = *t.how.grant;
  const auto [end, bad] = std::from_chars(word.data(), word.data() + word.size(), grant_id);
  const auto all = grants::list(t.db, who.account_id);
  if (bad != std::errc{} || end != word.data() + word.size() ||
      std::ranges::find(all, grant_id, &grant::grant_id) == all.end())
    return fail(problem::kind::not_found, safe(who.address) + " has no grant " + safe(word));
  const auto one = grants::revoke(t.db, grant_id, t.by, t.now, tell);
  if (!one)
    return tl::unexpected(one.error());
  return std::vector<grant>{*one};
}

expected<void> revoke(const task& t) {
  const auto who = find(t);
  if (!who)
    return tl::unexpected(who.error());
  const auto taken = take_back(t, *who);
  if (!taken)
    return tl::unexpected(taken.error());
  json::array rows;
  for (const auto& one : *taken) {
    rows.emplace_back(json_of(one, t.now));
    if (!t.how.json)
      fmt::print("revoked {} of {} (grant {})\n", safe(one.plan), safe(who->address), one.grant_id);
  }
  if (t.how.json)
    print(rows);
  return {};
}

/// Whether whoever sits at the terminal means it. Nobody there: no.
bool agreed(const account& who) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1)
    return false;
  std::cerr << "Delete " << safe(who.address) << " with sessions, grants and history? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

expected<void> remove(const task& t) {
  const auto who = find(t);
  if (!who)
    return tl::unexpected(who.error());
  if (!t.how.yes && !agreed(*who))
    return fail(problem::kind::forbidden,
                "nothing was deleted: --yes says that " + safe(who->address) + " is to go for ever");
  const auto gone = accounts::remove(t.db, who->account_id, t.by, t.now);
  if (!gone)
    return tl::unexpected(gone.error());
  if (t.how.json)
    print(json::object{{"deleted", gone->address}, {"id", std::to_string(gone->account_id)}});
  else
    fmt::print("deleted {}\n", safe(gone->address));
  return {};
}

expected<void> print_sign_in_link(const task& t) {
  if (t.base_url.empty())
    return fail(problem::kind::invalid,
                "no server runs on this data folder, so --base-url has to say where the link leads");
  const auto who = find(t);
  if (!who)
    return tl::unexpected(who.error());
  if (who->suspended_at)
    return fail(problem::kind::conflict, safe(who->address) + " is suspended: nobody can sign in to it");
  const auto link = make_sign_in_link(t.db, *who, t.base_url, t.by, t.now);
  if (!link)
    return tl::unexpected(link.error());
  if (t.how.json)
    print(json::object{{"link", *link}, {"expires_at", utc_text(t.now + storage::sign_in::request_life)}});
  else
    fmt::print("{}\n", *link);
  return {};
}

expected<void> run(const task& t) {
  if (t.how.action == "add")
    return add(t);
  if (t.how.action == "list")
    return list(t);
  if (t.how.action == "show")
    return show(t);
  if (t.how.action == "grant")
    return give(t);
  if (t.how.action == "revoke")
    return revoke(t);
  if (t.how.action == "sign-in-link")
    return print_sign_in_link(t);
  return remove(t);
}

} // namespace

int run_user(const cli::user& how) {
  const auto cfg = load_config(how.flags, read_environment());
  if (!cfg)
    return complain(cfg.error().detail, cli::status_usage);
  try {
    const auto db = open_existing_database(*cfg);
    const auto done = run({how, *db, now_utc(), who_runs(), site_address(*cfg)});
    if (done)
      return cli::status_done;
    return complain("user " + how.action + ": " + done.error().detail,
                    done.error().what == problem::kind::invalid ? cli::status_usage : cli::status_failed);
  } catch (const storage::error& failed) {
    return complain(failed.what());
  }
}

} // namespace lyceum

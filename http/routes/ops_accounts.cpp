// SPDX-License-Identifier: Apache-2.0
#include "http/routes/ops_accounts.hpp"

#include "http/routes/ops_data.hpp"
#include "storage/accounts.hpp"
#include "storage/grants.hpp"
#include "storage/sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lyceum::http {
namespace {

using namespace ops_frame;
using namespace ops_data;
namespace accounts = storage::accounts;

constexpr int events_shown = 50;
constexpr std::size_t accounts_shown = 50;
constexpr auto away_text =
    "The database does not answer: accounts cannot be seen or changed until it does. The tree says more.";

std::string page_of(id account_id) {
  return fmt::format("/ops/accounts?id={}", account_id);
}

std::string state_of(const grant& g, unix_time now) {
  if (g.revoked_at)
    return "taken back " + utc_minute(*g.revoked_at);
  if (g.expires_at && *g.expires_at <= now)
    return "ended " + utc_minute(*g.expires_at);
  const auto until = g.expires_at ? "until " + utc_minute(*g.expires_at) : std::string("for ever");
  return g.starts_at > now ? "from " + utc_minute(g.starts_at) + " " + until : until;
}

std::string reads(const viewer& may) {
  if (may.staff)
    return "everything (staff)";
  if (may.tier == access::kind::everyone)
    return "what is public";
  if (may.plans.empty())
    return "what is public and for members";
  std::string plans;
  for (const auto& plan : may.plans)
    plans += (plans.empty() ? "" : ", ") + plan;
  return "what is public, for members and paid; plans: " + plans;
}

views::console_account account_of(storage::db& db, const account& who, unix_time now) {
  views::console_account made;
  const auto given = storage::grants::list(db, who.account_id);
  made.id = std::to_string(who.account_id);
  made.address = who.address;
  made.facts = {{"Name", who.name.empty() ? "-" : who.name},
                {"Role", std::string(name_of(who.role))},
                {"Reads", reads(entitlement_of(who, given, now))},
                {"Signs in", std::string("by mail") + (who.password_hash ? ", password" : "") +
                                 (who.totp_secret ? ", with a second factor" : "")},
                {"Language", who.language.empty() ? "the school's" : who.language},
                {"Since", utc_minute(who.created_at)}};
  if (who.suspended_at)
    made.facts.emplace_back("Suspended", utc_minute(*who.suspended_at));
  for (const auto& g : given)
    made.grants.push_back({std::to_string(g.grant_id), g.plan, g.source, state_of(g, now), g.note,
                           !g.revoked_at && (!g.expires_at || *g.expires_at > now)});
  for (const auto& s : storage::sessions::list(db, who.account_id, now))
    made.sessions.push_back({std::to_string(s.session_id), s.device.empty() ? "a browser" : s.device, s.masked_peer,
                             utc_minute(s.seen_at), utc_minute(s.created_at)});
  for (const auto& e : accounts::list_events(db, who.account_id, events_shown))
    made.events.push_back({utc_minute(e.at), e.actor, e.action, e.detail});
  return made;
}

/// Instead of what was asked for.
response instead(acts& at, const request& asked, const operator_session& who, int status, std::string why) {
  return page(status, views::console_accounts_page(*at.desk().look(), {.wrong = std::move(why), .listed = false},
                                                   visitor_of(at.desk(), asked, who), {}));
}
response no_account(acts& at, const request& asked, const operator_session& who) {
  return instead(at, asked, who, 404, "There is no such account.");
}
/// Somebody who may not: answered, and true.
bool is_shut(acts& at, const request& asked, const operator_session& who, const reply_ptr& reply) {
  if (may_read(who))
    return false;
  reply->fulfil(instead(at, asked, who, 403, "Your session may see the tree, and not who learns here."));
  return true;
}

/// Runs `work` with the database, on a worker; where there is none, the page says so.
void with_database(const acts_ptr& at, const request& asked, const operator_session& who, const reply_ptr& reply,
                   std::function<response(storage::db&)> work) {
  at->desk().data.ask(
      [work = std::move(work), reply](storage::db& db) { reply->fulfil(work(db)); },
      [at, asked, who, reply](const problem&) { reply->fulfil(instead(*at, asked, who, 503, away_text)); });
}

/// What of the list is looked at. A URL names an account by its number, and never by its address.
struct wanted {
  std::optional<account_role> role;
  id after = 0;

  std::string where() const {
    std::string query;
    if (role)
      query.append("&role=").append(name_of(*role));
    if (after > 0)
      query += "&after=" + std::to_string(after);
    if (!query.empty())
      query[0] = '?';
    return "/ops/accounts" + query;
  }
};

std::optional<wanted> wanted_of(const request& asked) {
  wanted made;
  if (const auto role = asked.query_value("role")) {
    const auto read = parse_account_role(*role);
    if (!read)
      return std::nullopt;
    made.role = *read;
  }
  if (const auto after = asked.query_value("after")) {
    const auto read = number(*after);
    if (!read)
      return std::nullopt;
    made.after = *read;
  }
  return made;
}

views::console_accounts accounts_of(storage::db& db, const wanted& what) {
  views::console_accounts made;
  made.roles = {{"All", wanted{}.where()}};
  for (const auto& [title, role] : {std::pair{"Learners", account_role::learner},
                                    {"Authors", account_role::author},
                                    {"Operators", account_role::operating}})
    made.roles.emplace_back(title, wanted{role, 0}.where());
  std::string after;
  if (what.after > 0) // who is gone meanwhile leads back to the first ones
    if (const auto last = accounts::find(db, what.after))
      after = last->address_key;
  auto found = what.role ? accounts::list(db, *what.role, after, accounts_shown + 1)
                         : accounts::list(db, after, accounts_shown + 1);
  if (found.size() > accounts_shown) {
    found.resize(accounts_shown);
    made.more = wanted{what.role, found.back().account_id}.where();
  }
  for (const auto& one : found)
    made.rows.push_back({std::to_string(one.account_id), one.address, one.name, std::string(name_of(one.role)),
                         utc_minute(one.created_at), one.suspended_at.has_value()});
  return made;
}

void show_all(const acts_ptr& at, const request& asked, const operator_session& who, const reply_ptr& reply) {
  const auto what = wanted_of(asked);
  if (!what)
    return static_cast<void>(
        reply->fulfil(instead(*at, asked, who, 404, "There is no such role, or no such page of the list.")));
  with_database(at, asked, who, reply, [at, asked, who, what = *what](storage::db& db) {
    return page(200, views::console_accounts_page(*at->desk().look(), accounts_of(db, what),
                                                  visitor_of(at->desk(), asked, who), at->told(who, "/ops/accounts")));
  });
}

void show(const acts_ptr& at, const request& asked, const reply_ptr& reply) {
  const auto who = session_of(at->desk(), asked);
  if (!who)
    return static_cast<void>(reply->fulfil(not_found()));
  if (is_shut(*at, asked, *who, reply))
    return;
  const auto wanted = asked.query_value("id");
  if (!wanted)
    return show_all(at, asked, *who, reply);
  const auto account_id = number(*wanted).value_or(0);
  with_database(at, asked, *who, reply, [at, asked, who = *who, account_id](storage::db& db) {
    const auto found = accounts::find(db, account_id);
    if (!found)
      return no_account(*at, asked, who);
    return page(200,
                views::console_account_page(*at->desk().look(), account_of(db, *found, asked.now),
                                            visitor_of(at->desk(), asked, who), at->told(who, page_of(account_id))));
  });
}

void find(const acts_ptr& at, const request& asked, const operator_session& who, const form& fields,
          const reply_ptr& reply) {
  if (is_shut(*at, asked, who, reply))
    return;
  with_database(at, asked, who, reply, [at, asked, who, address = field(fields, "address")](storage::db& db) {
    const auto found = accounts::find_by_address(db, address);
    return found ? see_other(page_of(found->account_id)) : no_account(*at, asked, who);
  });
}

/// An act as it is asked for: what is carried from page to page, and the words of its command.
struct wish {
  std::string op;
  id account_id = 0; ///< of all but `add`
  id what = 0;       ///< of a grant or a session
  std::string plan, until, note, form;
  std::string address, name, role; ///< of `add`
  std::string typed;               ///< of `delete`: the address, by who means it

  std::vector<std::string> words() const {
    const auto account = std::to_string(account_id);
    if (op == "add")
      return {op, address, name, role};
    if (op == "grant")
      return {op, account, plan, until, note};
    if (op == "delete")
      return {op, account, typed};
    if (op == "revoke" || op == "end_session")
      return {op, account, std::to_string(what)};
    return {op, account};
  }
  std::vector<std::pair<std::string, std::string>> carried() const {
    std::vector<std::pair<std::string, std::string>> all{
        {"id", std::to_string(account_id)}, {"op", op}, {"form", form}};
    if (op == "add")
      all.insert(all.end(), {{"address", address}, {"name", name}, {"role", role}});
    else if (op == "grant")
      all.insert(all.end(), {{"plan", plan}, {"until", until}, {"note", note}});
    else if (op == "revoke" || op == "end_session")
      all.emplace_back(op == "revoke" ? "grant" : "session", std::to_string(what));
    return all;
  }
  std::string back() const { return account_id == 0 ? std::string("/ops/accounts") : page_of(account_id); }
  /// Where one is led once it is done.
  std::string after() const { return op == "delete" ? std::string("/ops/accounts") : back(); }
};

std::optional<wish> wish_of(const form& fields) {
  wish made;
  made.op = field(fields, "op");
  made.account_id = number(field(fields, "id")).value_or(0);
  made.form = field(fields, "form");
  if (made.form.empty())
    made.form = std::to_string(make_id());
  if (made.op == "add") {
    made.account_id = 0;
    made.address = field(fields, "address");
    made.name = field(fields, "name");
    made.role = field(fields, "role");
    return made;
  }
  if (made.account_id == 0)
    return std::nullopt;
  if (made.op == "grant") {
    made.plan = field(fields, "plan");
    made.until = field(fields, "until");
    made.note = field(fields, "note");
    return made;
  }
  if (made.op == "revoke" || made.op == "end_session") {
    const auto what = number(field(fields, made.op == "revoke" ? "grant" : "session"));
    if (!what)
      return std::nullopt;
    made.what = *what;
    return made;
  }
  made.typed = field(fields, "typed");
  const bool known = made.op == "end_sessions" || made.op == "sign_in_link" || made.op == "delete";
  return known ? std::optional(std::move(made)) : std::nullopt;
}

views::console_data_question question_about_new(const wish& what) {
  return {.act = "/ops/accounts/act",
          .back = what.back(),
          .back_to = "Back to the accounts",
          .title = "Add " + what.address + "?",
          .button = "Add it",
          .facts = {{"Name", what.name.empty() ? "-" : what.name},
                    {"Role", what.role},
                    {"Afterwards", "whoever has the mailbox can sign in; no mail is sent now"}},
          .fields = what.carried()};
}

/// Nothing where it is about a grant or a session that the account does not have any more.
std::optional<views::console_data_question> question_of(storage::db& db, const account& whose, const wish& what,
                                                        unix_time now) {
  views::console_data_question made{
      .act = "/ops/accounts/act", .back = what.back(), .back_to = "Back to the account", .fields = what.carried()};
  if (what.op == "grant") {
    made.title = "Give " + what.plan + " to " + whose.address + "?";
    made.button = "Give it";
    made.facts = {{"Plan", what.plan},
                  {"Until", what.until.empty() ? "for ever" : what.until + ", in the school's timezone"},
                  {"Note", what.note.empty() ? "-" : what.note}};
  } else if (what.op == "revoke") {
    const auto all = storage::grants::list(db, whose.account_id);
    const auto one = std::ranges::find(all, what.what, &grant::grant_id);
    if (one == all.end() || one->revoked_at || (one->expires_at && *one->expires_at <= now))
      return std::nullopt;
    const bool stays = std::ranges::any_of(all, [&](const grant& other) {
      return other.grant_id != one->grant_id && other.plan == one->plan && is_current(other, now);
    });
    made.title = "Take " + one->plan + " back from " + whose.address + "?";
    made.button = "Take it back";
    made.harsh = true;
    made.facts = {{"Grant", fmt::format("{}, {}, {}", one->plan, one->source, state_of(*one, now))},
                  {"Note", one->note.empty() ? "-" : one->note},
                  {"At once", stays ? "nothing changes: the account has " + one->plan + " by another grant, too"
                                    : std::string("what belongs to it is closed, and a mail says so")}};
  } else if (what.op == "sign_in_link") {
    made.title = "Make a link that signs in as " + whose.address + "?";
    made.button = "Make it";
    made.harsh = true;
    made.facts = {
        {"Whoever has it", "is signed in as this account, once, within 15 minutes; a second factor is still asked for"},
        {"For", "somebody whom no mail reaches: hand it over in person"},
        {"Stands", "in the account's history, and in the audit"}};
  } else if (what.op == "delete") {
    made.title = "Delete " + whose.address + " for ever?";
    made.button = "Delete it";
    made.harsh = true;
    made.typed = "Its mail address, to say that you mean it";
    made.facts = {{"Gone", "sessions, grants, recovery codes, its mails"},
                  {"Kept", "what happened when, without what was said in it"},
                  {"Told", "nobody is mailed"}};
  } else {
    const auto all = storage::sessions::list(db, whose.account_id, now);
    const auto one = std::ranges::find(all, what.what, &session::session_id);
    if (what.op == "end_session" && one == all.end())
      return std::nullopt;
    made.title = what.op == "end_session" ? "Sign one browser of " + whose.address + " out?"
                                          : "Sign " + whose.address + " out everywhere?";
    made.button = "Sign out";
    made.harsh = true;
    made.facts = {{"Browsers", what.op == "end_session" ? one->device : std::to_string(all.size())},
                  {"Afterwards", "who has the mailbox can sign in again"}};
  }
  return made;
}

void answer_question(const acts_ptr& at, const request& asked, const operator_session& who, const wish& what,
                     const reply_ptr& reply, const console_desk::outcome& wrong) {
  const auto put = [at, asked, who, wrong](const views::console_data_question& question) {
    return page(
        wrong.ok ? 200 : status_of(wrong),
        views::console_data_ask_page(*at->desk().look(), question, visitor_of(at->desk(), asked, who), wrong.text));
  };
  if (what.op == "add")
    return static_cast<void>(reply->fulfil(put(question_about_new(what))));
  with_database(at, asked, who, reply, [at, asked, who, what, wrong, put](storage::db& db) {
    const auto whose = accounts::find(db, what.account_id);
    if (!whose)
      return no_account(*at, asked, who);
    const auto question = question_of(db, *whose, what, asked.now);
    if (question)
      return put(*question);
    const auto why = wrong.ok ? "It has no such grant or session any more." : wrong.text;
    return page(wrong.ok ? 404 : status_of(wrong),
                views::console_account_page(*at->desk().look(), account_of(db, *whose, asked.now),
                                            visitor_of(at->desk(), asked, who), why));
  });
}

void ask(const acts_ptr& at, const request& asked, const operator_session& who, const form& fields,
         const reply_ptr& reply) {
  const auto what = wish_of(fields);
  if (!what)
    return static_cast<void>(reply->fulfil(not_found()));
  if (!is_shut(*at, asked, who, reply))
    answer_question(at, asked, who, *what, reply, {.ok = true});
}

void act(const acts_ptr& at, const request& asked, const operator_session& who, const form& fields,
         const reply_ptr& reply) {
  const auto what = wish_of(fields);
  if (!what)
    return static_cast<void>(reply->fulfil(not_found()));
  if (is_shut(*at, asked, who, reply))
    return;
  at->carry_out({"account", what->words(), what->form, what->after()}, who, reply,
                [at, asked, who, what = *what, reply](const console_desk::outcome& wrong) {
                  answer_question(at, asked, who, what, reply, wrong);
                });
}

} // namespace

std::vector<io_route> account_routes(std::shared_ptr<const console_desk> desk) {
  const auto at = std::make_shared<acts>(std::move(desk));
  io_route home{"/ops/accounts"};
  home.answer_later = [at](const request& asked, const reply_ptr& reply) { show(at, asked, reply); };
  home.act = posted(at, find);
  io_route question{"/ops/accounts/ask"};
  question.act = posted(at, ask);
  io_route order{"/ops/accounts/act"};
  order.act = posted(at, act);
  return {home, question, order};
}

} // namespace lyceum::http

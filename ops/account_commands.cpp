// SPDX-License-Identifier: Apache-2.0
#include "ops/account_commands.hpp"

#include "actors/db_pool.hpp"
#include "ops/grant_mail.hpp"
#include "ops/sign_in_link.hpp"
#include "storage/accounts.hpp"
#include "storage/grants.hpp"
#include "storage/model/mail.hpp"
#include "storage/moments.hpp"
#include "storage/sessions.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

namespace lyceum {
namespace {

namespace json = boost::json;
using supervision::control_answer;
using supervision::control_reply;
using supervision::control_request;
using verb = account_order::verb;

constexpr const char* usage_text = "account add ADDRESS NAME ROLE | grant ACCOUNT PLAN UNTIL NOTE | revoke ACCOUNT "
                                   "GRANT | end_session ACCOUNT SESSION "
                                   "| end_sessions ACCOUNT | sign_in_link ACCOUNT | delete ACCOUNT ADDRESS";
constexpr auto answer_max =
    std::chrono::milliseconds(3500); // less than a request's own deadline: who waits hears of it
constexpr std::size_t note_max = 200;
constexpr std::size_t name_bytes_max = 400;
constexpr const char* by_an_operator = "operator"; // which one stands in the audit

std::optional<verb> verb_of(const std::string& word) {
  for (const auto& [name, what] : {std::pair{"add", verb::add},
                                   {"sign_in_link", verb::sign_in_link},
                                   {"delete", verb::remove},
                                   {"grant", verb::grant},
                                   {"revoke", verb::revoke},
                                   {"end_session", verb::end_session},
                                   {"end_sessions", verb::end_sessions}})
    if (word == name)
      return what;
  return std::nullopt;
}

bool read_id(const std::string& text, id& to) {
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), to);
  return bad == std::errc{} && end == text.data() + text.size() && to > 0;
}

expected<std::string> add(storage::db& db, const account_order& order) {
  const auto address = account_address(order.address);
  if (!address)
    return fail(problem::kind::invalid, "That is no mail address: " + address.error().detail);
  const auto made = storage::accounts::make(db, {*address, order.name, *parse_account_role(order.role), {}},
                                            by_an_operator, now_utc());
  if (!made && made.error().what == problem::kind::conflict)
    return fail(problem::kind::conflict, "There is an account with that address already.");
  if (!made)
    return tl::unexpected(made.error());
  return made->address + " is added.";
}

/// What whoever orders it is told is the link: it stands nowhere else.
expected<std::string> link_to(storage::db& db, const account_order& order, const account_surroundings& site) {
  const auto who = storage::accounts::find(db, order.account_id);
  if (!who)
    return tl::unexpected(who.error());
  if (who->suspended_at)
    return fail(problem::kind::conflict, "This account is suspended: nobody can sign in to it.");
  const auto link = make_sign_in_link(db, *who, site.base_url, by_an_operator, now_utc());
  if (!link)
    return tl::unexpected(link.error());
  return "Good once, within 15 minutes: " + *link;
}

expected<std::string> remove(storage::db& db, const account_order& order) {
  const auto who = storage::accounts::find(db, order.account_id);
  if (!who)
    return tl::unexpected(who.error());
  if (fold_address(account_address(order.address).value_or(order.address)) != who->address_key)
    return fail(problem::kind::conflict, "What was typed is not this account's address: nothing was deleted.");
  const auto gone = storage::accounts::remove(db, order.account_id, by_an_operator, now_utc());
  if (!gone)
    return tl::unexpected(gone.error());
  return gone->address + " is deleted.";
}

expected<std::string> give(storage::db& db, const account_order& order, const account_surroundings& site) {
  const auto now = now_utc();
  storage::grants::gift wish{order.account_id, order.plan, "operator", order.note, now, std::nullopt};
  if (!order.until.empty()) {
    wish.expires_at = storage::parse_moment(order.until, site.timezone);
    if (!wish.expires_at)
      return fail(problem::kind::invalid, "Until is a date as 2027-01-01, or empty: nothing was given.");
    if (*wish.expires_at <= now)
      return fail(problem::kind::invalid, "That end is in the past: nothing was given.");
  }
  const auto who = storage::accounts::find(db, order.account_id);
  if (!who)
    return tl::unexpected(who.error());
  const auto given =
      storage::grants::give(db, wish, by_an_operator, now, mail_about_gift(*who, site.base_url, now, false));
  if (!given)
    return tl::unexpected(given.error());
  return order.plan + " is given" + (order.until.empty() ? " for ever." : " until " + order.until + ".");
}

/// Only of this account: what a page shows may be another's by the time that it is sent.
expected<std::string> take_back(storage::db& db, const account_order& order, const account_surroundings& site) {
  const auto now = now_utc();
  const auto who = storage::accounts::find(db, order.account_id);
  if (!who)
    return tl::unexpected(who.error());
  for (const auto& one : storage::grants::list(db, order.account_id))
    if (one.grant_id == order.target) {
      const auto taken =
          storage::grants::revoke(db, order.target, by_an_operator, now, mail_about_end(*who, site.base_url, now));
      if (!taken)
        return tl::unexpected(taken.error());
      return taken->plan + " is taken back.";
    }
  return fail(problem::kind::not_found, "The account has no such grant.");
}

expected<std::string> end_session(storage::db& db, const account_order& order) {
  const auto ended = storage::sessions::revoke(db, order.account_id, order.target, by_an_operator, now_utc());
  if (!ended)
    return fail(ended.error().what, "The account has no such session any more.");
  return std::string("That browser is signed out.");
}

expected<std::string> end_sessions(storage::db& db, const account_order& order) {
  const auto ended = storage::sessions::revoke_all(db, order.account_id, {}, by_an_operator, now_utc());
  if (!ended)
    return tl::unexpected(ended.error());
  return std::string("Every browser is signed out.");
}

expected<std::string> carried_out(storage::db& db, const account_order& order, const account_surroundings& site) {
  switch (order.what) {
  case verb::add:
    return add(db, order);
  case verb::sign_in_link:
    return link_to(db, order, site);
  case verb::remove:
    return remove(db, order);
  case verb::grant:
    return give(db, order, site);
  case verb::revoke:
    return take_back(db, order, site);
  case verb::end_session:
    return end_session(db, order);
  case verb::end_sessions:
    return end_sessions(db, order);
  }
  return fail(problem::kind::internal);
}

control_answer refused(const problem& why) {
  const auto* code = why.what == problem::kind::not_found     ? "not_found"
                     : why.what == problem::kind::conflict    ? "conflict"
                     : why.what == problem::kind::invalid     ? "invalid"
                     : why.what == problem::kind::timeout     ? "timeout"
                     : why.what == problem::kind::unavailable ? "unavailable"
                                                              : "internal";
  return {"null", code, why.detail};
}

std::size_t words_of(verb what) {
  switch (what) {
  case verb::grant:
    return 5;
  case verb::add:
    return 4;
  case verb::end_sessions:
  case verb::sign_in_link:
    return 2;
  case verb::revoke:
  case verb::end_session:
  case verb::remove:
    return 3;
  }
  return 0;
}

std::variant<account_order, std::string> parse_add(const std::vector<std::string>& args) {
  const auto role = parse_account_role(args[3]);
  if (!role)
    return role.error().detail;
  if (args[2].size() > name_bytes_max || !mail_header_fault(args[2]).empty())
    return std::string("the name is too long, or holds what no line may");
  return account_order{.what = verb::add, .address = args[1], .name = args[2], .role = args[3]};
}

} // namespace

std::variant<account_order, std::string> parse_account_order(const std::vector<std::string>& args) {
  const auto what = args.empty() ? std::nullopt : verb_of(args[0]);
  if (!what)
    return std::string("there is no such act: ") + usage_text;
  account_order order{.what = *what};
  if (args.size() != words_of(*what))
    return std::string("too few words, or too many: ") + usage_text;
  if (*what == verb::add)
    return parse_add(args);
  if (!read_id(args[1], order.account_id))
    return std::string("that is no account's number");
  if (*what == verb::grant) {
    order.plan = args[2];
    order.until = args[3];
    order.note = args[4];
    if (order.plan.empty())
      return std::string("a grant needs a plan");
    if (order.plan.size() > storage::grants::plan_max || order.note.size() > note_max)
      return std::string("the plan's name or the note is too long");
  } else if (*what == verb::remove) {
    order.address = args[2];
  } else if (args.size() == 3 && !read_id(args[2], order.target)) {
    return std::string("that is no number of a grant or a session");
  }
  return order;
}

void add_account_commands(supervision::control& control, supervision::system& tree,
                          std::function<account_surroundings()> around) {
  control.on(
      "account",
      [&tree, around = std::move(around)](const control_request& asked, const control_reply& reply) {
        const auto read = parse_account_order(asked.args);
        if (const auto* wrong = std::get_if<std::string>(&read))
          return reply({"null", "usage", *wrong});
        submit(tree,
               std::make_shared<db_task>(
                   db_use::writes,
                   [order = std::get<account_order>(read), reply, site = around()](storage::db& db) {
                     const auto done = carried_out(db, order, site);
                     reply(done ? control_answer{json::serialize(json::object{{"done", *done}}), {}, {}}
                                : refused(done.error()));
                   },
                   [reply](const problem& why, bool lost) {
                     if (lost)
                       return reply({"null", "unknown",
                                     "The database broke off: nobody knows whether this was done. Look first."});
                     reply(refused({why.what, why.detail.empty() ? "The database does not answer: nothing was done."
                                                                 : why.detail}));
                   },
                   std::chrono::steady_clock::now() + answer_max));
      },
      supervision::control_rule{supervision::control_caller::role::operator_, true, {}, audited_argument});
}

} // namespace lyceum

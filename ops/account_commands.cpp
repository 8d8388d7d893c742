// SPDX-License-Identifier: Apache-2.0
#include "ops/account_commands.hpp"

#include "actors/db_pool.hpp"
#include "ops/grant_mail.hpp"
#include "storage/accounts.hpp"
#include "storage/grants.hpp"
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

constexpr const char* usage_text =
    "account grant ACCOUNT PLAN UNTIL NOTE | revoke ACCOUNT GRANT | end_session ACCOUNT SESSION "
    "| end_sessions ACCOUNT";
constexpr auto answer_max =
    std::chrono::milliseconds(3500); // less than a request's own deadline: who waits hears of it
constexpr std::size_t note_max = 200;
constexpr const char* by_an_operator = "operator"; // which one stands in the audit

std::optional<verb> verb_of(const std::string& word) {
  for (const auto& [name, what] : {std::pair{"grant", verb::grant},
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

} // namespace

std::variant<account_order, std::string> parse_account_order(const std::vector<std::string>& args) {
  const auto what = args.empty() ? std::nullopt : verb_of(args[0]);
  if (!what)
    return std::string("there is no such act: ") + usage_text;
  account_order order{.what = *what};
  const std::size_t wanted = *what == verb::grant ? 5 : *what == verb::end_sessions ? 2 : 3;
  if (args.size() != wanted)
    return std::string("too few words, or too many: ") + usage_text;
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
  } else if (*what != verb::end_sessions && !read_id(args[2], order.target)) {
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
        submit(tree, std::make_shared<db_task>(
                         db_use::writes,
                         [order = std::get<account_order>(read), reply, site = around()](storage::db& db) {
                           const auto done = carried_out(db, order, site);
                           reply(done ? control_answer{json::serialize(json::object{{"done", *done}}), {}, {}}
                                      : refused(done.error()));
                         },
                         [reply](const problem& why, bool) {
                           reply(refused({why.what, "The database does not answer: nothing is known to be done."}));
                         },
                         std::chrono::steady_clock::now() + answer_max));
      },
      supervision::control_rule{supervision::control_caller::role::operator_, true, {}});
}

} // namespace lyceum

// SPDX-License-Identifier: Apache-2.0
#include "ops/mail_commands.hpp"

#include "actors/db_pool.hpp"
#include "ops/sign_in_link.hpp"
#include "storage/outbox.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>
#include <memory>

namespace lyceum {
namespace {

namespace json = boost::json;
namespace outbox = storage::outbox;
using supervision::control_answer;
using supervision::control_reply;
using supervision::control_request;
using verb = mail_order::verb;
using words = std::vector<std::string>;

constexpr const char* usage_text =
    "mail counts | list [--state STATE] [--template NAME] [--to ADDRESS] [--before ID] [--limit N] | show ID | retry "
    "ID | "
    "retry --failed [NAME] | drop --yes ID | pause [NAME] | resume [NAME] | suppressed list|add ADDRESS|remove ADDRESS";
constexpr auto answer_max = std::chrono::seconds(4);
constexpr const char* by_an_operator = "an operator"; // who it was stands in the audit

template <class Number>
bool read_number(const std::string& text, Number& to) {
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), to);
  return bad == std::errc{} && end == text.data() + text.size() && to > 0;
}

json::value time_value(std::optional<unix_time> at) {
  return at ? json::value(utc_text(*at)) : json::value(nullptr);
}

std::variant<mail_order, std::string> wrong(const std::string& why) {
  return why + ": " + usage_text;
}

std::variant<mail_order, std::string> parse_list(const words& args) {
  mail_order order{verb::list};
  for (std::size_t i = 1; i < args.size(); ++i) {
    const auto name = args[i].substr(0, args[i].find('='));
    const bool joined = name.size() < args[i].size();
    if (!joined && i + 1 == args.size())
      return wrong(name + " needs a value");
    const auto value = joined ? args[i].substr(name.size() + 1) : args[++i];
    if (name == "--state") {
      order.state = mail_state_of(value);
      if (!order.state)
        return wrong("--state is queued, sending, sent, deferred, failed, suppressed or uncertain");
    } else if (name == "--template") {
      if (!is_mail_template(value))
        return wrong("--template is the name of one");
      order.template_name = value;
    } else if (name == "--to") {
      if (!is_mail_address(value))
        return wrong("--to is an address");
      order.recipient = value;
    } else if (name == "--before") {
      if (!read_number(value, order.before.emplace()))
        return wrong("--before is a number that `mail list` shows");
    } else if (name == "--limit") {
      if (!read_number(value, order.limit) || order.limit > outbox::list_max)
        return wrong(fmt::format("--limit is a number up to {}", outbox::list_max));
    } else {
      return wrong("there is no " + name);
    }
  }
  return order;
}

std::variant<mail_order, std::string> parse_suppressed(const words& args) {
  if (args.size() <= 2 && (args.size() == 1 || args[1] == "list"))
    return mail_order{verb::suppressed};
  if (args.size() != 3 || (args[1] != "add" && args[1] != "remove"))
    return wrong("list, add or remove");
  if (!is_mail_address(args[2]))
    return wrong("that is no address");
  mail_order order{args[1] == "add" ? verb::suppress : verb::unsuppress};
  order.recipient = args[2];
  return order;
}

json::object summary_of(const mail& m) {
  return {{"number", std::to_string(m.number)},
          {"state", to_string(m.state)},
          {"template", m.what.template_name},
          {"to", m.what.recipient},
          {"tries", m.tries},
          {"made", utc_text(m.created_at)},
          {"next", time_value(m.next_at)},
          {"reason", m.reason}};
}

control_answer good(const json::value& what) {
  return {json::serialize(what), {}, {}};
}
control_answer refused(const problem& why) {
  const auto* code = why.what == problem::kind::not_found     ? "not_found"
                     : why.what == problem::kind::conflict    ? "conflict"
                     : why.what == problem::kind::unavailable ? "unavailable"
                     : why.what == problem::kind::timeout     ? "timeout"
                     : why.what == problem::kind::invalid     ? "invalid"
                                                              : "internal";
  return {"null", code, why.detail};
}

control_answer counts(storage::db& db) {
  json::array rows;
  for (const auto& one : outbox::counts(db))
    rows.push_back(
        json::object{{"template", one.template_name}, {"state", to_string(one.state)}, {"mails", one.mails}});
  json::array pauses;
  for (const auto& one : outbox::list_pauses(db))
    pauses.push_back(json::object{{"template", one.template_name.empty() ? "all" : one.template_name},
                                  {"since", utc_text(one.paused_at)},
                                  {"by", one.paused_by}});
  return good(json::object{{"oldest_waits_since", time_value(outbox::oldest_waiting(db, now_utc()))},
                           {"mails", std::move(rows)},
                           {"paused", std::move(pauses)}});
}

control_answer list(storage::db& db, const mail_order& order) {
  json::array rows;
  for (const auto& one : outbox::list(db, {.state = order.state,
                                          .template_name = order.template_name,
                                          .recipient = order.recipient,
                                          .before = order.before,
                                          .limit = order.limit}))
    rows.push_back(summary_of(one));
  return good(rows);
}

/// Without its details: they are what the mail says, and may open an account.
control_answer show(storage::db& db, id number) {
  const auto found = outbox::find(db, number);
  if (!found)
    return refused(found.error());
  auto row = summary_of(*found);
  row["name"] = found->what.recipient_name;
  row["cause"] = found->what.cause;
  row["language"] = found->what.language;
  row["message_id"] = found->message_id;
  row["orphaned"] = found->orphaned;
  row["gives_up"] = utc_text(found->give_up_at);
  row["sent"] = time_value(found->sent_at);
  row["changed"] = utc_text(found->updated_at);
  row["holder"] = found->holder;
  row["leased_until"] = time_value(found->leased_until);
  row["can_be_retried"] = !found->what.details.empty() && found->state != mail_state::sent &&
                          found->state != mail_state::sending && found->state != mail_state::queued;
  return good(row);
}

control_answer suppressed(storage::db& db) {
  json::array rows;
  for (const auto& one : outbox::list_suppressions(db))
    rows.push_back(json::object{{"address", one.recipient_key},
                                {"kind", to_string(one.kind)},
                                {"since", utc_text(one.created_at)},
                                {"detail", one.detail}});
  return good(rows);
}

control_answer done(const expected<void>& how, json::object what) {
  return how ? good(what) : refused(how.error());
}

json::object named(const char* what, const mail_order& order) {
  return {{what, order.template_name.empty() ? "all mail" : order.template_name}};
}

control_answer carried_out(storage::db& db, const mail_order& order) {
  const auto now = now_utc();
  const auto number = std::to_string(order.number);
  switch (order.what) {
  case verb::counts:
    return counts(db);
  case verb::list:
    return list(db, order);
  case verb::show:
    return show(db, order.number);
  case verb::retry:
    return done(outbox::retry(db, order.number, now), {{"queued", number}});
  case verb::retry_failed:
    return good(json::object{{"queued", outbox::retry_failed(db, order.template_name, now)}});
  case verb::drop:
    return done(outbox::drop(db, order.number, by_an_operator, now), {{"dropped", number}});
  case verb::pause:
    return done(outbox::pause(db, order.template_name, by_an_operator, now), named("paused", order));
  case verb::resume:
    if (!outbox::resume(db, order.template_name))
      return refused({problem::kind::not_found, "that is not paused; `mail` names what is"});
    return good(named("resumed", order));
  case verb::suppressed:
    return suppressed(db);
  case verb::suppress:
    return done(outbox::suppress(db, order.recipient, suppression_kind::by_hand, by_an_operator, now),
                {{"suppressed", order.recipient}});
  case verb::unsuppress:
    if (!outbox::unsuppress(db, order.recipient))
      return refused({problem::kind::not_found, "that address is not suppressed"});
    return good(json::object{{"gets_mail_again", order.recipient}});
  }
  return refused({});
}

} // namespace

std::variant<mail_order, std::string> parse_mail_order(const words& args) {
  if (args.empty() || (args.size() == 1 && args[0] == "counts"))
    return mail_order{};
  const auto& what = args[0];
  if (what == "list")
    return parse_list(args);
  if (what == "suppressed")
    return parse_suppressed(args);
  if (what == "retry" && args.size() >= 2 && args.size() <= 3 && args[1] == "--failed") {
    mail_order order{verb::retry_failed};
    order.template_name = args.size() == 3 ? args[2] : "";
    return args.size() == 3 && !is_mail_template(args[2]) ? wrong("that is no template's name") : order;
  }
  if (what == "pause" || what == "resume") {
    if (args.size() > 2 || (args.size() == 2 && !is_mail_template(args[1])))
      return wrong("the name of a template, or nothing for all mail");
    mail_order order{what == "pause" ? verb::pause : verb::resume};
    order.template_name = args.size() == 2 ? args[1] : "";
    return order;
  }
  if (what != "show" && what != "retry" && what != "drop")
    return wrong("there is no `mail " + what.substr(0, 40) + "`");
  mail_order order{what == "show" ? verb::show : what == "retry" ? verb::retry : verb::drop};
  if (args.size() != 2 || !read_number(args[1], order.number))
    return wrong(what + " needs the number of a mail, as `mail list` shows it");
  return order;
}

void add_mail_commands(supervision::control& control, supervision::system& tree) {
  control.on(
      "mail",
      [&tree](const control_request& asked, const control_reply& reply) {
        const auto read = parse_mail_order(asked.args);
        if (const auto* how = std::get_if<std::string>(&read))
          return reply({"null", "usage", *how});
        const auto order = std::get<mail_order>(read);
        const bool reads = order.what == verb::counts || order.what == verb::list || order.what == verb::show ||
                           order.what == verb::suppressed;
        auto work = [order, reply, &tree, reads](storage::db& db) {
          reply(carried_out(db, order));
          if (!reads)
            supervision::tell(tree.named("mail/outbox"), look_atom::value);
        };
        auto failed = [reply](const problem& why, bool lost) {
          reply(lost ? control_answer{"null", "unknown",
                                      "The database broke off: nobody knows whether this was done. Look first."}
                     : refused(why));
        };
        submit(tree, std::make_shared<db_task>(reads ? db_use::reads : db_use::writes, std::move(work),
                                               std::move(failed), std::chrono::steady_clock::now() + answer_max));
      },
      supervision::control_rule{supervision::control_caller::role::operator_, true, {"counts"}, audited_argument});
}

} // namespace lyceum

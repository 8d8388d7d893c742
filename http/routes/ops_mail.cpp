// SPDX-License-Identifier: Apache-2.0
#include "http/routes/ops_mail.hpp"

#include "http/routes/ops_data.hpp"
#include "storage/outbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace lyceum::http {
namespace {

using namespace ops_frame;
using namespace ops_data;
namespace outbox = storage::outbox;

constexpr int mails_shown = 50;
constexpr std::size_t suppressed_shown = 20;
constexpr auto away_text =
    "The database does not answer: these counts are the last ones known, and no mail can be shown "
    "or changed until it does. Nothing is lost.";
constexpr auto others_text = "Your session may see how many mails there are, and not whose.";

/// In the order in which somebody who looks for trouble reads them.
constexpr std::array states{mail_state::failed,  mail_state::uncertain,  mail_state::deferred, mail_state::queued,
                            mail_state::sending, mail_state::suppressed, mail_state::sent};

std::string page_of(id number) {
  return fmt::format("/ops/mail?id={}", number);
}

std::string tone_of(mail_state state) {
  switch (state) {
  case mail_state::failed:
  case mail_state::uncertain:
    return "wrong";
  case mail_state::deferred:
  case mail_state::suppressed:
    return "passing";
  case mail_state::queued:
  case mail_state::sending:
  case mail_state::sent:
    break;
  }
  return "well";
}

/// What is looked at. Names of templates and states come from the URL: anything else than those is none.
struct wanted {
  std::string kind;
  std::optional<mail_state> state;
  std::optional<id> before;

  std::string where() const {
    std::string query;
    if (!kind.empty())
      query += "&template=" + kind;
    if (state)
      query.append("&state=").append(to_string(*state));
    if (before)
      query += "&before=" + std::to_string(*before);
    if (!query.empty())
      query[0] = '?';
    return "/ops/mail" + query;
  }
};

std::optional<wanted> wanted_of(const request& asked) {
  wanted made;
  if (const auto kind = asked.query_value("template")) {
    if (!is_mail_template(*kind))
      return std::nullopt;
    made.kind = *kind;
  }
  if (const auto state = asked.query_value("state"); state && !(made.state = mail_state_of(*state)))
    return std::nullopt;
  if (const auto before = asked.query_value("before"); before && !(made.before = number(*before)))
    return std::nullopt;
  return made;
}

std::string title_of(const wanted& what) {
  auto title = what.state ? std::string(to_string(*what.state)) + " mails" : std::string("mails, newest first");
  title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return what.kind.empty() ? title : title + ": " + what.kind;
}

std::string waiting_words(const mail_facts& now) {
  if (now.waiting == 0)
    return "No mail waits.";
  const auto many = now.waiting == 1 ? std::string("One mail waits") : fmt::format("{} mails wait", now.waiting);
  return now.oldest ? fmt::format("{}, one that could be sent since {}.", many, utc_minute(*now.oldest))
                    : many + " for its next try.";
}

/// Where mails go, and what is wrong.
void describe(views::console_mails& page, const mail_facts& now, unix_time at) {
  const auto troubles = troubles_of(now, at);
  page.tone = troubles.empty() ? "well" : "wrong";
  switch (now.road.what) {
  case mail_road::kind::host:
    page.headline = is_delivering(now) ? "Mail goes to " + now.road.host : why_not_delivering(now);
    break;
  case mail_road::kind::mailbox:
    page.headline = "Mail is shown at /dev/mailbox, and does not leave this machine";
    break;
  case mail_road::kind::held:
    page.headline = why_not_delivering(now);
    break;
  }
  if (troubles.empty() && !is_delivering(now))
    page.tone = "passing";
  for (const auto& one : troubles)
    page.words.push_back(one.detail + ".");
  if (troubles.empty())
    page.words.push_back(waiting_words(now));
}

std::vector<views::console_mails::count> counts_of(const std::map<mail_state, std::int64_t>& mails,
                                                   const std::string& kind, const wanted& what) {
  std::vector<views::console_mails::count> made;
  for (const auto state : states)
    if (const auto found = mails.find(state); found != mails.end())
      made.push_back({fmt::format("{} {}", found->second, to_string(state)), tone_of(state),
                      wanted{kind, state, {}}.where(), what.kind == kind && what.state == state});
  return made;
}

/// All templates that have mails or are paused, under the sum of them.
void tabulate(views::console_mails& page, const std::vector<mail_figures::row>& all,
              const std::map<std::string, std::string>& paused, const wanted& what) {
  std::map<std::string, std::map<mail_state, std::int64_t>> by_kind;
  for (const auto& one : all) {
    by_kind[""][one.state] += one.mails;
    by_kind[one.template_name][one.state] += one.mails;
  }
  by_kind[""];
  for (const auto& [kind, since] : paused)
    by_kind[kind];
  for (const auto& [kind, mails] : by_kind) {
    const auto since = paused.find(kind);
    page.kinds.push_back({kind, since == paused.end() ? "" : since->second, counts_of(mails, kind, what),
                          mails.contains(mail_state::failed)});
  }
}

std::string when_of(const mail& m) {
  auto words = "made " + utc_minute(m.created_at);
  if (m.tries > 0)
    words += m.tries == 1 ? ", tried once" : fmt::format(", tried {} times", m.tries);
  if (m.sent_at)
    words += ", sent " + utc_minute(*m.sent_at);
  else if (m.next_at)
    words += ", next try " + utc_minute(*m.next_at);
  return words;
}

views::console_mails::row row_of(const mail& m) {
  return {std::to_string(m.number), m.what.template_name, m.what.recipient, std::string(to_string(m.state)),
          tone_of(m.state),         when_of(m),           m.reason};
}

/// From what the mailer has told last: it needs no database.
views::console_mails last_known(const console_desk& desk, const wanted& what, unix_time now) {
  views::console_mails page;
  const auto seen = desk.mail();
  describe(page, seen.facts, now);
  std::vector<mail_figures::row> all;
  for (const auto& row : seen.figures.mails)
    if (row.mails > 0)
      all.push_back(row);
  std::map<std::string, std::string> paused;
  for (const auto& kind : seen.facts.paused)
    paused[kind] = "by an operator";
  tabulate(page, all, paused, what);
  return page;
}

views::console_mails as_they_are(storage::db& db, const console_desk& desk, const wanted& what, bool may_list,
                                 unix_time now) {
  views::console_mails page;
  auto facts = desk.mail().facts;
  facts.waiting = facts.deferred = 0; // what the mailer counted last is some seconds old
  facts.oldest = outbox::oldest_waiting(db, now);
  std::vector<mail_figures::row> all;
  for (const auto& one : outbox::counts(db)) {
    all.push_back({one.template_name, one.state, one.mails});
    facts.deferred += one.state == mail_state::deferred ? one.mails : 0;
    facts.waiting += one.state == mail_state::deferred || one.state == mail_state::queued ? one.mails : 0;
  }
  describe(page, facts, now);
  std::map<std::string, std::string> paused;
  for (const auto& one : outbox::list_pauses(db))
    paused[one.template_name] = "since " + utc_minute(one.paused_at);
  tabulate(page, all, paused, what);
  if (!may_list) {
    page.wrong = others_text;
    return page;
  }
  page.listed = title_of(what);
  auto found = outbox::list(
      db, {.state = what.state, .template_name = what.kind, .before = what.before, .limit = mails_shown + 1});
  if (found.size() > mails_shown) {
    found.resize(mails_shown);
    page.older = wanted{what.kind, what.state, found.back().number}.where();
  }
  std::ranges::transform(found, std::back_inserter(page.rows), row_of);
  for (const auto& one : outbox::list_suppressions(db)) {
    if (page.suppressed.size() == suppressed_shown)
      break;
    page.suppressed.push_back({one.recipient_key,
                               std::string(to_string(one.kind)) + (one.detail.empty() ? "" : ": " + one.detail),
                               utc_minute(one.created_at)});
  }
  return page;
}

views::console_mail mail_of(const mail& m) {
  views::console_mail made;
  made.id = std::to_string(m.number);
  made.title = m.what.template_name + " to " + m.what.recipient;
  made.state = to_string(m.state);
  made.tone = tone_of(m.state);
  made.reason = m.reason;
  made.facts = {{"For", m.what.cause},
                {"Language", m.what.language},
                {"Made", utc_minute(m.created_at)},
                {"Tried", m.tries == 1 ? "once" : fmt::format("{} times", m.tries)},
                {"Message-ID", m.message_id}};
  if (m.sent_at)
    made.facts.emplace_back("Sent", utc_minute(*m.sent_at));
  if (m.next_at)
    made.facts.emplace_back("Next try", utc_minute(*m.next_at));
  if (m.state != mail_state::sent)
    made.facts.emplace_back("Given up", utc_minute(m.give_up_at));
  if (m.orphaned > 0)
    made.facts.emplace_back("Workers lost", std::to_string(m.orphaned));
  const bool settled = m.state == mail_state::sent || m.state == mail_state::sending;
  const bool has_text = !m.what.details.empty();
  made.may_retry = has_text && !settled && m.state != mail_state::queued;
  made.may_drop = has_text && !settled;
  return made;
}

response mails_page(acts& at, const request& asked, const operator_session& who, int status,
                    const views::console_mails& what) {
  return page(status, views::console_mails_page(*at.desk().look(), what, visitor_of(at.desk(), asked, who),
                                                at.told(who, "/ops/mail")));
}

/// Instead of what was asked for.
response instead(acts& at, const request& asked, const operator_session& who, int status, std::string why) {
  auto what = last_known(at.desk(), {}, asked.now);
  what.wrong = std::move(why);
  return mails_page(at, asked, who, status, what);
}

/// Somebody who may not: answered, and true.
bool is_shut(acts& at, const request& asked, const operator_session& who, const reply_ptr& reply) {
  if (may_read(who))
    return false;
  reply->fulfil(instead(at, asked, who, 403, others_text));
  return true;
}

void with_database(const acts_ptr& at, const request& asked, const operator_session& who, const reply_ptr& reply,
                   std::function<response(storage::db&)> work) {
  at->desk().data.ask(
      [work = std::move(work), reply](storage::db& db) { reply->fulfil(work(db)); },
      [at, asked, who, reply](const problem&) { reply->fulfil(instead(*at, asked, who, 503, away_text)); });
}

void show(const acts_ptr& at, const request& asked, const reply_ptr& reply) {
  const auto who = session_of(at->desk(), asked);
  if (!who)
    return static_cast<void>(reply->fulfil(not_found()));
  if (const auto one = asked.query_value("id")) {
    if (is_shut(*at, asked, *who, reply))
      return;
    with_database(at, asked, *who, reply, [at, asked, who = *who, which = number(*one).value_or(0)](storage::db& db) {
      const auto found = outbox::find(db, which);
      if (!found)
        return instead(*at, asked, who, 404, "There is no such mail; old ones are forgotten.");
      return page(200, views::console_mail_page(*at->desk().look(), mail_of(*found), visitor_of(at->desk(), asked, who),
                                                at->told(who, page_of(which))));
    });
    return;
  }
  const auto what = wanted_of(asked);
  if (!what)
    return static_cast<void>(
        reply->fulfil(instead(*at, asked, *who, 404, "There is no such template or state, so all are shown.")));
  with_database(at, asked, *who, reply, [at, asked, who = *who, what = *what](storage::db& db) {
    return mails_page(*at, asked, who, 200, as_they_are(db, at->desk(), what, may_read(who), asked.now));
  });
}

/// An act as it is asked for.
struct wish {
  std::string op, kind, address, form;
  id which = 0;

  bool about_one() const { return op == "retry" || op == "drop"; }
  std::string back() const { return about_one() ? page_of(which) : std::string("/ops/mail"); }
  std::vector<std::string> words() const {
    if (about_one())
      return {op, std::to_string(which)};
    if (op == "unsuppress")
      return {"suppressed", "remove", address};
    std::vector<std::string> all{op};
    if (op == "retry_failed")
      all = {"retry", "--failed"};
    if (!kind.empty())
      all.push_back(kind);
    return all;
  }
  std::vector<std::pair<std::string, std::string>> carried() const {
    return {{"op", op}, {"form", form}, {"id", std::to_string(which)}, {"template", kind}, {"address", address}};
  }
};

std::optional<wish> wish_of(const form& fields) {
  wish made{field(fields, "op"), field(fields, "template"), field(fields, "address"), field(fields, "form"),
            number(field(fields, "id")).value_or(0)};
  if (made.form.empty())
    made.form = std::to_string(make_id());
  if (made.about_one())
    return made.which > 0 ? std::optional(made) : std::nullopt;
  if (made.op == "unsuppress")
    return is_mail_address(made.address) ? std::optional(made) : std::nullopt;
  const bool known = made.op == "pause" || made.op == "resume" || made.op == "retry_failed";
  return known && (made.kind.empty() || is_mail_template(made.kind)) ? std::optional(made) : std::nullopt;
}

/// Of one mail: nothing where it is gone.
std::optional<views::console_data_question> question_of(storage::db& db, const wish& what) {
  views::console_data_question made{
      .act = "/ops/mail/act", .back = what.back(), .back_to = "Back to mail", .fields = what.carried()};
  const auto kind = what.kind.empty() ? std::string("all mail") : what.kind;
  if (what.about_one()) {
    const auto found = outbox::find(db, what.which);
    if (!found)
      return std::nullopt;
    const bool drops = what.op == "drop";
    made.title = drops ? "Drop this mail for good?" : "Try this mail again?";
    made.button = drops ? "Drop it" : "Try it again";
    made.harsh = drops;
    made.facts = {{"Mail", found->what.template_name + " to " + found->what.recipient},
                  {"State", std::string(to_string(found->state))},
                  {"Afterwards", drops ? "what it says is gone, and nobody can send it any more"
                                       : "it waits as if it were new, with the same Message-ID"}};
  } else if (what.op == "pause") {
    made.title = "Pause " + kind + "?";
    made.button = "Pause";
    made.harsh = what.kind.empty();
    made.facts = {{"Meanwhile", what.kind.empty()
                                    ? "nothing is sent, sign-in mails neither: sign-in by password goes on"
                                    : "such mails wait; what is being sent goes on"},
                  {"Lost", what.kind.empty() || what.kind == "sign_in"
                               ? "sign-in mails that wait for over ten minutes: whoever asked has to ask again"
                               : "nothing: they are rows, and go out once this is resumed"}};
  } else if (what.op == "resume") {
    made.title = "Let " + kind + " go on?";
    made.button = "Resume";
    made.facts = {{"Afterwards", "what waits is sent, the most urgent first"}};
  } else if (what.op == "retry_failed") {
    made.title = "Try what failed again: " + kind + "?";
    made.button = "Try again";
    made.facts = {{"Touched", "every dead letter that still has its text; sign-in mails that came too late have none"}};
  } else {
    made.title = "Send to " + what.address + " again?";
    made.button = "Send again";
    made.facts = {{"Afterwards", "the next mail to that address is sent; those held back so far stay so until they are "
                                 "tried again by hand"}};
  }
  return made;
}

void answer_question(const acts_ptr& at, const request& asked, const operator_session& who, const wish& what,
                     const reply_ptr& reply, const console_desk::outcome& wrong) {
  with_database(at, asked, who, reply, [at, asked, who, what, wrong](storage::db& db) {
    const auto question = question_of(db, what);
    if (!question)
      return instead(*at, asked, who, 404, "There is no such mail; old ones are forgotten.");
    return page(
        wrong.ok ? 200 : status_of(wrong),
        views::console_data_ask_page(*at->desk().look(), *question, visitor_of(at->desk(), asked, who), wrong.text));
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
  at->carry_out({"mail", what->words(), what->form, what->back()}, who, reply,
                [at, asked, who, what = *what, reply](const console_desk::outcome& wrong) {
                  answer_question(at, asked, who, what, reply, wrong);
                });
}

} // namespace

std::vector<io_route> mail_routes(std::shared_ptr<const console_desk> desk) {
  const auto at = std::make_shared<acts>(std::move(desk));
  io_route home{"/ops/mail"};
  home.answer_later = [at](const request& asked, const reply_ptr& reply) { show(at, asked, reply); };
  io_route question{"/ops/mail/ask"};
  question.act = posted(at, ask);
  io_route order{"/ops/mail/act"};
  order.act = posted(at, act);
  return {home, question, order};
}

} // namespace lyceum::http

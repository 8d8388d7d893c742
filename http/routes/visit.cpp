// SPDX-License-Identifier: Apache-2.0
#include "http/routes/visit.hpp"

#include "http/cookies.hpp"
#include "http/csrf.hpp"
#include "http/routes/account_mail.hpp"
#include "http/visitor.hpp"
#include "storage/accounts.hpp"
#include "storage/secrets.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <algorithm>
#include <stdexcept>

namespace lyceum::http {
namespace {

namespace limits = storage::sign_in_limits;
namespace secrets = storage::secrets;
namespace sessions = storage::sessions;

constexpr int history_looked_at = 200; // events in which a device is looked for

/// The browser's own cookie, where it sent one Cookie field and that holds one.
std::optional<std::string> browser_token(const request& asked, bool secure) {
  if (std::ranges::count_if(asked.headers, [](const header& h) { return iequals(h.name, "Cookie"); }) != 1)
    return std::nullopt;
  const auto token = find_cookie(asked.field("Cookie"), browser_cookie_name(secure));
  if (!token || !secrets::is_token(*token))
    return std::nullopt;
  return std::string(*token);
}

/// Forms of people who are signed in, if only by half, are bound to their session.
bool is_of_session(std::string_view path) {
  return path.starts_with("/account") || path == "/sign-out" || path == "/sign-in/second-factor";
}

handler begun(const site_frame& frame, std::function<expected<response>(visit&)> run) {
  return [&frame, run = std::move(run)](const request& asked, storage::db* db) -> expected<response> {
    auto here = visit::begin(frame, asked, *db);
    if (!here)
      return moved_or(here.error(), {});
    return run(*here);
  };
}

/// The form, if it was sent from a page of ours; else the answer that says so.
tl::expected<form, response> sent_form(visit& here, std::string_view path) {
  if (comes_from_here(here.asked, here.frame.base_url))
    if (auto read = read_form(here.asked.field("Content-Type"), here.asked.body))
      if (here.csrf_holds(path, read->get("csrf")))
        return std::move(*read);
  return tl::unexpected(here.notice(403, "form_stale", {}, {{"/sign-in", "sign_in"}, {"/account", "account"}}));
}

constexpr std::string_view setup_path = "/account/security/second-factor";

/// Who is signed in; else where they go instead.
tl::expected<sessions::signed_in, response> member_of(visit& here, std::string_view pattern) {
  const auto to = here.asked.method == "GET" ? here.asked.target : here.in_language("/account");
  auto who = sessions::find(here.db, here.asked.session, here.asked.now);
  if (!who)
    return tl::unexpected(here.go(here.in_language("/sign-in") + "?to=" + query_value(own_path(to))));
  sessions::touch(here.db, here.asked.session, here.asked.now);
  const bool on_the_way = pattern == setup_path || pattern == "/sign-out" || pattern.starts_with("/account/confirm");
  if (lacks_second_factor(who->who) && !on_the_way)
    return tl::unexpected(here.go(here.in_language(setup_path)));
  return std::move(*who);
}

route account_row(std::string method, std::string pattern, db_use needs, handler run) {
  route row;
  row.method = std::move(method);
  row.pattern = std::move(pattern);
  row.run = std::move(run);
  row.needs = needs;
  row.translated = true;
  row.body_max = form_bytes_max;
  return row;
}

} // namespace

expected<visit> visit::begin(const site_frame& frame, const request& asked, storage::db& db) {
  if (!frame.keys)
    return fail(problem::kind::unavailable, "the site's keys cannot be read");
  auto page = draft::begin(frame, asked, db);
  if (!page)
    return tl::unexpected(page.error());
  return visit(frame, asked, db, page->view());
}

const std::string& visit::browser() {
  if (!browser_.empty())
    return browser_;
  auto token = browser_token(asked, frame.secure);
  if (!token) {
    token = secrets::make_token();
    cookies_.push_back(set_cookie({.name = browser_cookie_name(frame.secure),
                                   .value = *token,
                                   .max_age = browser_cookie_life,
                                   .secure = frame.secure}));
  }
  return browser_ = secrets::hash_of_token(*token);
}

std::string visit::csrf(std::string_view path) {
  return csrf_token(*frame.keys, is_of_session(path) ? asked.session : browser(), path);
}

bool visit::csrf_holds(std::string_view path, std::string_view given) {
  if (is_of_session(path))
    return csrf_token_holds(*frame.keys, asked.session, path, given);
  const auto token = browser_token(asked, frame.secure);
  return token && csrf_token_holds(*frame.keys, secrets::hash_of_token(*token), path, given);
}

std::string visit::in_language(std::string_view path) const {
  return views::url::prefix(view.language, view.site.language) + std::string(path);
}

std::string visit::say(std::string_view key,
                       std::initializer_list<std::pair<std::string_view, std::string>> values) const {
  return views::phrase(view.language, key, values);
}

std::string visit::say_wait(std::chrono::seconds wait) const {
  return say("wait_long", {{"wait", views::wait_words(view.language, wait)}});
}

void visit::give_session(std::string_view token, unix_time until) {
  const auto left = std::chrono::floor<std::chrono::seconds>(until - asked.now);
  cookies_.push_back(
      set_cookie({.name = session_cookie_name(frame.secure), .value = token, .max_age = left, .secure = frame.secure}));
}

void visit::take_session() {
  cookies_.push_back(set_cookie({.name = session_cookie_name(frame.secure),
                                 .value = "",
                                 .max_age = std::chrono::seconds(0),
                                 .secure = frame.secure}));
}

response visit::page(std::string html, int status) {
  response answer;
  answer.status = status;
  answer.body = std::move(html);
  for (auto& one : cookies_)
    answer.headers.push_back({"Set-Cookie", std::move(one)});
  cookies_.clear();
  return answer;
}

response visit::go(std::string path) {
  auto answer = page("Go on.\n", 303);
  answer.content_type = "text/plain; charset=utf-8";
  answer.headers.push_back({"Location", std::move(path)});
  return answer;
}

response visit::notice(int status, std::string_view key,
                       std::initializer_list<std::pair<std::string_view, std::string>> values,
                       const std::vector<views::notice_link>& onward) {
  return page(views::account_notice_page(view, key, values, onward), status);
}

std::string visit::seal(std::string_view context, std::string_view plain) const {
  auto sealed = frame.keys->seal(context, plain);
  if (!sealed)
    throw std::logic_error("sealing for a form: " + sealed.error().detail);
  return std::move(*sealed);
}

std::optional<std::string> visit::open_sealed(std::string_view context, std::string_view sealed) const {
  auto plain = frame.keys->open_sealed(context, sealed);
  return plain ? std::optional(std::move(*plain)) : std::nullopt;
}

// --- rows

route guest_page(const site_frame& frame, std::string pattern, guest_handler run, db_use needs) {
  return account_row("GET", std::move(pattern), needs, begun(frame, run));
}

route guest_form(const site_frame& frame, std::string pattern, std::string_view form_path, form_handler run) {
  return account_row("POST", std::move(pattern), db_use::writes,
                     begun(frame, [path = std::string(form_path), run](visit& here) -> expected<response> {
                       auto sent = sent_form(here, path);
                       if (!sent)
                         return std::move(sent.error());
                       return run(here, *sent);
                     }));
}

route member_page(const site_frame& frame, std::string pattern, member_handler run) {
  auto how = begun(frame, [pattern, run](visit& here) -> expected<response> {
    auto who = member_of(here, pattern);
    if (!who)
      return std::move(who.error());
    return run(here, *who);
  });
  return account_row("GET", std::move(pattern), db_use::writes, std::move(how)); // it notes that somebody was here
}

route member_form(const site_frame& frame, std::string pattern, member_form_handler run) {
  auto how = begun(frame, [pattern, run](visit& here) -> expected<response> {
    auto sent = sent_form(here, pattern);
    if (!sent)
      return std::move(sent.error());
    auto who = member_of(here, pattern);
    if (!who)
      return std::move(who.error());
    return run(here, *who, *sent);
  });
  return account_row("POST", std::move(pattern), db_use::writes, std::move(how));
}

// --- rules

std::optional<response> wants_proof(visit& here, const sessions::signed_in& who, std::string_view back_to) {
  if (in_sudo(who.what, here.asked.now))
    return std::nullopt;
  return here.go(here.in_language("/account/confirm") + "?to=" + query_value(here.in_language(back_to)));
}

bool lacks_second_factor(const account& who) {
  return is_staff(who.role) && !who.totp_secret;
}

expected<std::string> judged_address(const visit& here, std::string_view typed) {
  const auto first = typed.find_first_not_of(" \t");
  const auto last = typed.find_last_not_of(" \t");
  const auto trimmed = first == std::string_view::npos ? std::string_view{} : typed.substr(first, last - first + 1);
  const auto read = mail_address::parse(trimmed);
  if (!read && views::interface_language(here.view.language) == "en")
    return tl::unexpected(problem{problem::kind::invalid, read.error().detail});
  if (!read)
    return fail(problem::kind::invalid,
                here.say(read.error().what == problem::kind::too_large ? "address_long" : "address_wrong"));
  auto address = address_for_mail(*read);
  if (!address)
    return fail(problem::kind::invalid, here.say("address_unmailable"));
  return std::move(*address);
}

std::vector<limits::key> limit_keys(const visit& here, std::string_view act, std::string_view whose, bool everyone) {
  const std::string name(act);
  std::vector<limits::key> keys{{limits::scope::account, name, std::string(whose)},
                                {limits::scope::peer, name, peer_to_count(here.asked.peer)}};
  if (everyone)
    keys.push_back({limits::scope::everyone, name, {}});
  return keys;
}

response too_often(visit& here, std::chrono::seconds wait, std::string html) {
  auto answer = here.page(std::move(html), 429);
  answer.headers.push_back({"Retry-After", std::to_string(wait.count())});
  return answer;
}

bool is_new_device(visit& here, const account& who) {
  const auto device = device_text(here.asked.field("User-Agent"));
  bool elsewhere = false;
  for (const auto& event : storage::accounts::list_events(here.db, who.account_id, history_looked_at)) {
    if (event.action != "signed_in")
      continue;
    if (event.detail == device)
      return false;
    elsewhere = true;
  }
  return elsewhere;
}

void tell_of_new_device(visit& here, const account& who, id session_id) {
  auto draft = mail_to(here, who, "new_device", "session:" + std::to_string(session_id));
  draft.details = details({{"device", device_text(here.asked.field("User-Agent"))},
                           {"peer", masked_peer(here.asked.peer)},
                           {"at", moment(here.asked.now)},
                           {"link", link_to(here, "/account/sessions")}});
  here.db.transaction([&] { put_mail(here, here.db, draft); });
}

expected<response> enter(visit& here, const account& who, std::string to, bool mailed_here) {
  const bool strange = !mailed_here && is_new_device(here, who);
  const auto token = secrets::make_token();
  const bool factor_due = who.totp_secret.has_value();
  const auto opened = sessions::open(here.db,
                                     {who.account_id, who.sign_in_epoch, secrets::hash_of_token(token), factor_due,
                                      device_text(here.asked.field("User-Agent")), masked_peer(here.asked.peer)},
                                     here.asked.now);
  if (!opened && opened.error().what == problem::kind::forbidden)
    return here.notice(403, "suspended", {}, {});
  if (!opened)
    return here.notice(409, "ended_meanwhile", {}, {{"/sign-in", "sign_in"}});
  if (!here.asked.session.empty()) // what this browser brought is nothing any more
    std::ignore = sessions::sign_out(here.db, here.asked.session, here.asked.now);
  here.give_session(token, factor_due ? opened->idle_until : opened->absolute_until);
  if (factor_due)
    return here.go(here.in_language("/sign-in/second-factor") + "?to=" + query_value(to));
  if (strange)
    tell_of_new_device(here, who, opened->session_id);
  return here.go(lacks_second_factor(who) ? here.in_language(setup_path) : std::move(to));
}

} // namespace lyceum::http

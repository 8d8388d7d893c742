// SPDX-License-Identifier: Apache-2.0
// An account's owner at home: what the school knows, where they are signed in, what they take along, and the end.
#include "http/routes/account_mail.hpp"
#include "storage/accounts.hpp"
#include "storage/grants.hpp"

#include <algorithm>
#include <charconv>

namespace lyceum::http {
namespace {

namespace accounts = storage::accounts;
namespace sessions = storage::sessions;
using sessions::signed_in;

constexpr int unprocessable = 422;
constexpr std::size_t name_characters_max = 100;

/// By whom an account's history says that it was: its owner.
std::string by_owner(const account& who) {
  return "account:" + std::to_string(who.account_id);
}

std::string home_page(visit& here, const account& who, bool saved, std::string wrong) {
  views::account_view what;
  what.who = who;
  for (auto& one : storage::grants::list(here.db, who.account_id))
    if (is_current(one, here.asked.now))
      what.plans.push_back(std::move(one));
  what.csrf_profile = here.csrf("/account/profile");
  what.csrf_sign_out = here.csrf("/sign-out");
  what.saved = saved;
  what.wrong = std::move(wrong);
  return views::account_page(here.view, what);
}

expected<response> show_account(visit& here, const signed_in& who) {
  return here.page(home_page(here, who.who, here.asked.query_value("saved").has_value(), {}));
}

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

expected<response> save_profile(visit& here, const signed_in& who, const form& sent) {
  const auto name = sent.get("name");
  if (characters_in(name) > name_characters_max || (!name.empty() && !mail_header_fault(name).empty())) {
    auto typed = who.who;
    typed.name = name;
    return here.page(home_page(here, typed, false, here.say("name_wrong")), unprocessable);
  }
  if (name != who.who.name)
    if (const auto done = accounts::rename(here.db, who.who.account_id, name, by_owner(who.who), here.asked.now); !done)
      return tl::unexpected(done.error());
  const std::string language(sent.get("language"));
  const auto& known = here.view.site.languages;
  if (!language.empty() && language != who.who.language && std::ranges::find(known, language) != known.end())
    if (const auto done =
            accounts::set_language(here.db, who.who.account_id, language, by_owner(who.who), here.asked.now);
        !done)
      return tl::unexpected(done.error());
  return here.go(here.in_language("/account") + "?saved=1");
}

expected<response> show_sessions(visit& here, const signed_in& who) {
  return here.page(views::account_sessions_page(here.view, sessions::list(here.db, who.who.account_id, here.asked.now),
                                                who.what.session_id, here.csrf("/account/sessions")));
}

expected<response> end_sessions(visit& here, const signed_in& who, const form& sent) {
  const auto which = sent.get("session");
  if (which == "others") {
    const auto done =
        sessions::revoke_all(here.db, who.who.account_id, here.asked.session, by_owner(who.who), here.asked.now);
    if (!done)
      return tl::unexpected(done.error());
    return here.go(here.in_language("/account/sessions"));
  }
  id session_id = 0;
  const auto [end, bad] = std::from_chars(which.data(), which.data() + which.size(), session_id);
  if (bad != std::errc{} || end != which.data() + which.size())
    return fail(problem::kind::invalid, "no session's number");
  // One that is over already is over: pressing twice is no fault.
  std::ignore = sessions::revoke(here.db, who.who.account_id, session_id, by_owner(who.who), here.asked.now);
  return here.go(here.in_language("/account/sessions"));
}

/// An address that somebody typed: a page changes nothing.
expected<response> show_sign_out(visit& here) {
  return here.go(here.in_language("/account"));
}

/// Also for a session that is over or half open: whoever has its cookie may end it.
expected<response> sign_out(visit& here, const form&) {
  std::ignore = sessions::sign_out(here.db, here.asked.session, here.asked.now);
  here.take_session();
  return here.go(here.in_language("/"));
}

expected<response> export_data(visit& here, const signed_in& who) {
  if (auto first = wants_proof(here, who, "/account/export"))
    return std::move(*first);
  auto all = accounts::export_json(here.db, who.who.account_id, here.asked.now);
  if (!all)
    return tl::unexpected(all.error());
  auto answer = here.page(std::move(*all));
  answer.content_type = "application/json";
  answer.headers.push_back({"Content-Disposition", "attachment; filename=\"account.json\""});
  return answer;
}

expected<response> show_delete(visit& here, const signed_in& who) {
  if (auto first = wants_proof(here, who, "/account/delete"))
    return std::move(*first);
  return here.page(views::account_delete_page(here.view, {here.csrf("/account/delete"), {}, {}}, who.who.address));
}

expected<response> delete_account(visit& here, const signed_in& who, const form& sent) {
  if (auto first = wants_proof(here, who, "/account/delete"))
    return std::move(*first);
  if (fold_address(sent.get("address")) != who.who.address_key)
    return here.page(views::account_delete_page(here.view, {here.csrf("/account/delete"), here.say("delete_wrong"), {}},
                                                who.who.address),
                     unprocessable);
  const auto gone = accounts::remove(
      here.db, who.who.account_id, by_owner(who.who), here.asked.now, [&](storage::db& db, const account& was) {
        auto draft = mail_to(here, was, "account_deleted", "deleted:" + std::to_string(was.account_id));
        draft.details = details({{"at", moment(here.asked.now)}});
        put_mail(here, db, draft);
      });
  if (!gone)
    return tl::unexpected(gone.error());
  here.take_session();
  return here.notice(200, "deleted", {}, {{"/", "home"}});
}

} // namespace

route_list account_routes(const site_frame& frame) {
  return {
      member_page(frame, "/account", show_account),           member_form(frame, "/account/profile", save_profile),
      member_page(frame, "/account/sessions", show_sessions), member_form(frame, "/account/sessions", end_sessions),
      guest_page(frame, "/sign-out", show_sign_out),          guest_form(frame, "/sign-out", "/sign-out", sign_out),
      member_page(frame, "/account/export", export_data),     member_page(frame, "/account/delete", show_delete),
      member_form(frame, "/account/delete", delete_account),
  };
}

} // namespace lyceum::http

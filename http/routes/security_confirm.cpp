// SPDX-License-Identifier: Apache-2.0
// Once more who it is, before something dangerous. Where there is a second factor only that counts, or who took a browser and a mailbox
// could turn it off; else the password, or a mailed code.
#include "http/routes/account_mail.hpp"
#include "http/routes/second_factors.hpp"
#include "http/routes/security.hpp"
#include "http/routes/slow_work.hpp"
#include "storage/passwords.hpp"

namespace lyceum::http {
namespace {

namespace limits = storage::sign_in_limits;
namespace sessions = storage::sessions;
namespace sign_in = storage::sign_in;
using sessions::signed_in;

constexpr int unprocessable = 422;
constexpr std::string_view path = "/account/confirm";

std::string confirm_page(visit& here, const account& who, const std::string& to, std::string wrong,
                         std::string_view ask) {
  views::confirm_view what;
  what.has_password = who.password_hash.has_value();
  what.has_second_factor = who.totp_secret.has_value();
  what.address = who.address;
  what.csrf_mail = here.csrf("/account/confirm/mail");
  what.trouble = trouble_of(here);
  if (const auto mail = read_awaited(here, ask)) {
    what.ask = ask;
    what.delivery = delivery_of(here, *mail);
  }
  return views::account_confirm_page(here.view, {here.csrf(path), std::move(wrong), to}, what);
}

expected<response> show(visit& here, const signed_in& who) {
  const auto ask = here.asked.query_value("ask").value_or("");
  auto to = visit::onward(here.asked.query_value("to").value_or("/account"));
  if (const auto mail = read_awaited(here, ask))
    to = mail->to;
  return here.page(confirm_page(here, who.who, to, {}, ask));
}

expected<response> proved(visit& here, std::string to) {
  const auto until = sessions::enter_sudo(here.db, here.asked.session, here.asked.now);
  if (!until)
    return here.go(here.in_language("/sign-in"));
  return here.go(std::move(to));
}

response by_password(visit& here, const account& who, const form& sent, std::vector<limits::key> keys,
                     const std::string& to) {
  return after_work<expected<bool>>(
      here,
      [password = std::string(sent.get("password")), hash = *who.password_hash] {
        return storage::password_matches(password, hash);
      },
      [who, keys = std::move(keys), to](visit& again, const expected<bool>& right) -> expected<response> {
        if (!right)
          return tl::unexpected(right.error());
        if (!*right)
          return again.page(confirm_page(again, who, to, again.say("confirm_wrong"), {}), unprocessable);
        limits::forgive(again.db, keys, again.frame.sign_in_rules);
        return proved(again, to);
      });
}

expected<response> by_code(visit& here, const account& who, const form& sent, const std::string& to) {
  const auto done = sign_in::use_code(here.db, sign_in::purpose::sign_in, who.address, here.browser(),
                                      hash_of_typed_code(here, here.browser(), sent.get("code")), here.asked.now);
  if (!done)
    return here.page(confirm_page(here, who, to, say_wrong_code(here, done.error()), sent.get("ask")), unprocessable);
  limits::forgive(here.db, limit_keys(here, "ask", who.address_key, true), here.frame.sign_in_rules);
  return proved(here, to);
}

expected<response> confirm(visit& here, const signed_in& who, const form& sent) {
  const auto to = visit::onward(sent.get("to"));
  const bool has_factor = who.who.totp_secret.has_value();
  if (!has_factor && !sent.get("code").empty())
    return by_code(here, who.who, sent, to);
  if (has_factor ? sent.get("totp").empty() : !who.who.password_hash || sent.get("password").empty())
    return here.page(confirm_page(here, who.who, to, here.say("confirm_wrong"), sent.get("ask")), unprocessable);
  // Counted with signing in: who guesses here may not begin anew there.
  auto keys = has_factor ? limit_keys(here, "second_factor", std::to_string(who.who.account_id))
                         : limit_keys(here, "sign_in", who.who.address_key);
  if (const auto wait = limits::begin_try(here.db, keys, here.asked.now, here.frame.sign_in_rules); wait.count() > 0)
    return too_often(here, wait, confirm_page(here, who.who, to, here.say_wait(wait), {}));
  if (!has_factor)
    return by_password(here, who.who, sent, std::move(keys), to);
  if (!accepts_second_factor(here, who.who, sent.get("totp")))
    return here.page(confirm_page(here, who.who, to, here.say("second_factor_wrong"), {}), unprocessable);
  limits::forgive(here.db, keys, here.frame.sign_in_rules);
  return proved(here, to);
}

expected<response> send_code(visit& here, const signed_in& who, const form& sent) {
  const auto to = visit::onward(sent.get("to"));
  const auto keys = limit_keys(here, "ask", who.who.address_key, true);
  if (const auto wait = limits::begin_try(here.db, keys, here.asked.now, here.frame.sign_in_rules); wait.count() > 0)
    return too_often(here, wait, confirm_page(here, who.who, to, here.say_wait(wait), {}));
  const auto proof = make_proof(here, here.browser());
  awaited_mail mail{who.who.address, 0, to};
  const auto asked =
      sign_in::ask(here.db, {who.who.address, here.view.language, to, here.browser(), proof.kept}, here.asked.now,
                   [&](storage::db& db) { mail.number = put_sign_in_mail(here, db, who.who.address, proof); });
  if (!asked)
    return tl::unexpected(asked.error());
  return here.go(here.in_language(path) + "?ask=" + sealed(here, mail));
}

} // namespace

route_list confirm_routes(const site_frame& frame) {
  return {
      member_page(frame, "/account/confirm", show),
      member_form(frame, "/account/confirm", confirm),
      member_form(frame, "/account/confirm/mail", send_code),
  };
}

} // namespace lyceum::http

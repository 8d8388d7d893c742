// SPDX-License-Identifier: Apache-2.0
// Another mail address. It counts once both addresses have confirmed, each by the link or the code in its mail.
#include "http/routes/account_mail.hpp"
#include "http/routes/security.hpp"

namespace lyceum::http {
namespace {

namespace limits = storage::sign_in_limits;
namespace sign_in = storage::sign_in;
using storage::sessions::signed_in;

constexpr int unprocessable = 422;
constexpr std::string_view path = "/account/address";

std::string ask_page(visit& here, const account& who, std::string_view typed, std::string wrong) {
  views::address_change_view what;
  what.new_address = typed;
  return views::account_address_page(here.view, {here.csrf(path), std::move(wrong), {}}, who.address, what);
}

std::string code_page(visit& here, const account& who, views::address_change_view what) {
  what.under_way = true;
  what.csrf_code = here.csrf("/account/address/code");
  return views::account_address_page(here.view, {}, who.address, what);
}

expected<response> show(visit& here, const signed_in& who) {
  if (auto first = wants_proof(here, who, path))
    return std::move(*first);
  const auto ask = here.asked.query_value("ask").value_or("");
  if (const auto mail = read_awaited(here, ask)) {
    views::address_change_view what;
    what.new_address = mail->address;
    what.ask = ask;
    return here.page(code_page(here, who.who, std::move(what)));
  }
  return here.page(ask_page(here, who.who, {}, {}));
}

void put_mails(const visit& here, storage::db& db, const account& who, const std::string& address,
               const mailed_proof& old_side, const mailed_proof& new_side) {
  const auto number = std::to_string(make_id());
  auto to_old = mail_to(here, who, "old_address", "address_change:" + number);
  to_old.details = details({{"new_address", address}, {"account_link", link_to(here, "/account/sessions")}});
  put_mail(here, db, std::move(to_old),
           details({{"link", link_to(here, "/sign-in/link/" + old_side.token)}, {"code", old_side.code}}));
  auto to_new = mail_to(here, who, "new_address", "address_change:" + number);
  to_new.recipient = address;
  to_new.details = details({{"old_address", who.address}});
  put_mail(here, db, std::move(to_new),
           details({{"link", link_to(here, "/sign-in/link/" + new_side.token)}, {"code", new_side.code}}));
}

expected<response> ask(visit& here, const signed_in& who, const form& sent) {
  if (auto first = wants_proof(here, who, path))
    return std::move(*first);
  const auto typed = sent.get("address");
  const auto address = judged_address(here, typed);
  if (!address)
    return here.page(ask_page(here, who.who, typed, address.error().detail), unprocessable);
  const auto keys = limit_keys(here, "ask", fold_address(*address), true);
  if (const auto wait = limits::begin_try(here.db, keys, here.asked.now, here.frame.sign_in_rules); wait.count() > 0)
    return too_often(here, wait, ask_page(here, who.who, typed, here.say_wait(wait)));
  const auto old_side = make_proof(here, here.browser());
  const auto new_side = make_proof(here, here.browser());
  const auto asked = sign_in::ask_change_of_address(
      here.db, {who.who.account_id, *address, here.view.language, here.browser(), old_side.kept, new_side.kept},
      here.asked.now, [&](storage::db& db) { put_mails(here, db, who.who, *address, old_side, new_side); });
  if (!asked && asked.error().what == problem::kind::invalid)
    return here.page(ask_page(here, who.who, typed, here.say("address_same")), unprocessable);
  if (!asked)
    return tl::unexpected(asked.error());
  return here.go(here.in_language(path) + "?ask=" + sealed(here, {*address, 0, {}}));
}

expected<response> use_code(visit& here, const signed_in& who, const form& sent) {
  const auto mail = read_awaited(here, sent.get("ask"));
  if (!mail)
    return here.go(here.in_language(path));
  const bool old_side = sent.get("side") == "old";
  const auto done =
      sign_in::use_code(here.db, old_side ? sign_in::purpose::old_address : sign_in::purpose::new_address,
                        old_side ? who.who.address : mail->address, here.browser(),
                        hash_of_typed_code(here, here.browser(), sent.get("code")), here.asked.now,
                        [&](storage::db& db, const auto& outcome) { tell_of_outcome(here, db, outcome); });
  views::address_change_view what;
  what.new_address = mail->address;
  what.ask = sent.get("ask");
  if (!done && done.error().what == problem::kind::conflict)
    return here.notice(409, "address_taken", {}, {{"/account", "account"}});
  if (!done && done.error().what == problem::kind::forbidden)
    return here.notice(403, "suspended", {}, {});
  if (!done) {
    (old_side ? what.old_wrong : what.new_wrong) = say_wrong_code(here, done.error());
    return here.page(code_page(here, who.who, std::move(what)), unprocessable);
  }
  if (done->changed) {
    limits::forgive(here.db, limit_keys(here, "ask", fold_address(mail->address), true), here.frame.sign_in_rules);
    return here.notice(200, "address_changed", {{"address", done->who.address}}, {{"/account", "account"}});
  }
  what.done = here.say("side_confirmed");
  return here.page(code_page(here, who.who, std::move(what)));
}

} // namespace

route_list address_routes(const site_frame& frame) {
  return {
      member_page(frame, "/account/address", show),
      member_form(frame, "/account/address", ask),
      member_form(frame, "/account/address/code", use_code),
  };
}

} // namespace lyceum::http

// SPDX-License-Identifier: Apache-2.0
// Signing in by mail. Known and unknown addresses take the same way and get the same answers; a link does nothing before somebody presses
// a button, since mail scanners follow links.
#include "http/routes/account_mail.hpp"
#include "storage/secrets.hpp"

namespace lyceum::http {
namespace {

namespace limits = storage::sign_in_limits;
namespace secrets = storage::secrets;
namespace sign_in = storage::sign_in;

constexpr int unprocessable = 422;

/// Who asks for a mail is counted as a failure until it was used.
std::vector<limits::key> ask_keys(const visit& here, std::string_view address) {
  return limit_keys(here, "ask", fold_address(address), true);
}

expected<response> show_sign_in(visit& here) {
  const auto to = visit::onward(here.asked.query_value("to").value_or("/"));
  if (storage::sessions::find(here.db, here.asked.session, here.asked.now))
    return here.go(to == "/" ? here.in_language("/account") : to);
  return here.page(views::sign_in_page(here.view, {here.csrf("/sign-in"), {}, to}, {}, trouble_of(here)));
}

expected<response> ask_for_mail(visit& here, const form& sent) {
  const auto to = visit::onward(sent.get("to"));
  const auto again = [&](std::string wrong) {
    return views::sign_in_page(here.view, {here.csrf("/sign-in"), std::move(wrong), to}, sent.get("address"),
                               trouble_of(here));
  };
  const auto address = judged_address(here, sent.get("address"));
  if (!address)
    return here.page(again(address.error().detail), unprocessable);
  if (const auto wait = limits::begin_try(here.db, ask_keys(here, *address), here.asked.now, here.frame.sign_in_rules);
      wait.count() > 0)
    return too_often(here, wait, again(here.say_wait(wait)));
  const auto proof = make_proof(here, here.browser());
  awaited_mail mail{*address, 0, to};
  const auto asked =
      sign_in::ask(here.db, {*address, here.view.language, to, here.browser(), proof.kept}, here.asked.now,
                   [&](storage::db& db) { mail.number = put_sign_in_mail(here, db, *address, proof); });
  if (!asked)
    return tl::unexpected(asked.error());
  return here.go(here.in_language("/sign-in/code") + "?ask=" + sealed(here, mail));
}

expected<response> show_code(visit& here) {
  const auto ask = here.asked.query_value("ask").value_or("");
  const auto mail = read_awaited(here, ask);
  if (!mail)
    return here.go(here.in_language("/sign-in"));
  return here.page(views::sign_in_code_page(here.view, {here.csrf("/sign-in/code"), {}, mail->to}, ask, mail->address,
                                            delivery_of(here, *mail)));
}

expected<response> use_code(visit& here, const form& sent) {
  const auto mail = read_awaited(here, sent.get("ask"));
  if (!mail)
    return here.go(here.in_language("/sign-in"));
  const auto done =
      sign_in::use_code(here.db, sign_in::purpose::sign_in, mail->address, here.browser(),
                        hash_of_typed_code(here, here.browser(), sent.get("code")), here.asked.now,
                        [&](storage::db& db, const auto& outcome) { tell_of_outcome(here, db, outcome); });
  if (!done && done.error().what == problem::kind::forbidden)
    return here.notice(403, "suspended", {}, {});
  if (!done)
    return here.page(
        views::sign_in_code_page(here.view, {here.csrf("/sign-in/code"), say_wrong_code(here, done.error()), mail->to},
                                 sent.get("ask"), mail->address, delivery_of(here, *mail)),
        unprocessable);
  limits::forgive(here.db, ask_keys(here, done->who.address), here.frame.sign_in_rules);
  return enter(here, done->who, done->return_path, true);
}

views::link_act act_of(sign_in::purpose what) {
  return what == sign_in::purpose::sign_in       ? views::link_act::sign_in
         : what == sign_in::purpose::old_address ? views::link_act::old_address
                                                 : views::link_act::new_address;
}

response link_is_gone(visit& here) {
  return here.notice(404, "link_gone", {}, {{"/sign-in", "sign_in"}, {"/account", "account"}});
}

/// Looks, and uses nothing up.
expected<response> show_link(visit& here) {
  const auto token = here.asked.param("token");
  const auto found = sign_in::find(here.db, secrets::hash_of_token(token), here.asked.now);
  if (!secrets::is_token(token) || !found)
    return link_is_gone(here);
  const bool same = secrets::equal(found->browser_hash, here.browser());
  return here.page(views::sign_in_link_page(here.view, {here.csrf("/sign-in/link"), {}, {}}, token, act_of(found->what),
                                            found->address, same));
}

expected<response> use_link(visit& here, const form& sent) {
  const auto hash = secrets::hash_of_token(here.asked.param("token"));
  const bool confirmed = sent.get("confirm") == "yes";
  const auto found = sign_in::find(here.db, hash, here.asked.now);
  if (!found)
    return link_is_gone(here);
  if (!confirmed && !secrets::equal(found->browser_hash, here.browser()))
    return here.notice(403, "link_unconfirmed", {}, {{"/sign-in", "sign_in"}});
  const auto done =
      sign_in::use_link(here.db, hash, here.browser(), confirmed, here.asked.now,
                        [&](storage::db& db, const auto& outcome) { tell_of_outcome(here, db, outcome); });
  if (!done && done.error().what == problem::kind::forbidden)
    return here.notice(403, "suspended", {}, {});
  if (!done && done.error().what == problem::kind::conflict)
    return here.notice(409, "address_taken", {}, {{"/account", "account"}});
  if (!done)
    return link_is_gone(here);
  limits::forgive(here.db, ask_keys(here, found->address), here.frame.sign_in_rules);
  if (done->what == sign_in::purpose::sign_in)
    return enter(here, done->who, done->return_path, done->asked_here);
  if (done->changed)
    return here.notice(200, "address_changed", {{"address", done->who.address}}, {{"/account", "account"}});
  return here.notice(200, "side_done", {}, {{"/account", "account"}});
}

} // namespace

route_list sign_in_routes(const site_frame& frame) {
  return {
      guest_page(frame, "/sign-in", show_sign_in),
      guest_form(frame, "/sign-in", "/sign-in", ask_for_mail),
      guest_page(frame, "/sign-in/code", show_code),
      guest_form(frame, "/sign-in/code", "/sign-in/code", use_code),
      guest_page(frame, "/sign-in/link/:token", show_link),
      guest_form(frame, "/sign-in/link/:token", "/sign-in/link", use_link),
  };
}

} // namespace lyceum::http

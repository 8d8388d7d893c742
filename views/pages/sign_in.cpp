// SPDX-License-Identifier: Apache-2.0
// Signing in: by a mailed link or code, by password, with a second factor.
#include "views/pages/account_model.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

/// The path with where to go on to, where that is somewhere.
std::string with_to(const site_view& view, std::string_view path, std::string_view to) {
  auto out = in_page_language(view, path);
  if (!to.empty() && to != "/")
    out += "?to=" + url::segment(to);
  return out;
}

} // namespace

std::string in_page_language(const site_view& view, std::string_view path) {
  return url::prefix(view.language, view.site.language) + std::string(path);
}

std::string render_account_page(const site_view& view, std::string_view page, std::string title, model::object own) {
  page_facts facts;
  facts.title = std::move(title);
  own.insert_or_assign("base", url::prefix(view.language, view.site.language));
  return render_page(view, page, facts, std::move(own));
}

model::object form_model(const form_view& form) {
  return {{"csrf", form.csrf}, {"wrong", form.wrong}, {"to", form.to}};
}

std::string wait_words(std::string_view language, std::chrono::seconds wait) {
  const auto minutes = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::minutes>(wait).count());
  if (minutes < 90)
    return counted(language, "wait_minutes", static_cast<int>(minutes));
  return counted(language, "wait_hours", static_cast<int>((minutes + 59) / 60));
}

std::string sign_in_page(const site_view& view, const form_view& form, std::string_view address,
                         std::string_view trouble) {
  auto own = form_model(form);
  own.merge(model::object{
      {"address", address}, {"trouble", trouble}, {"password_url", with_to(view, "/sign-in/password", form.to)}});
  return render_account_page(view, "sign_in", phrase(view.language, "sign_in"), std::move(own));
}

delivery_view delivery_words(const site_view& view, const std::optional<lyceum::mail>& what, std::string_view trouble) {
  const auto say = [&](std::string_view key, std::optional<unix_time> at = {}) {
    return phrase(view.language, "delivery_" + std::string(key),
                  {{"time", at ? time_text(*at, view.site.timezone) : ""}});
  };
  if (!what)
    return {say("forgotten"), false};
  switch (what->state) {
  case mail_state::queued:
    if (!trouble.empty())
      return {phrase(view.language, "mail_late") + " " + std::string(trouble), false};
    return {say("queued"), false};
  case mail_state::sending:
    return {say("sending"), false};
  case mail_state::sent:
    return {say("sent", what->sent_at), false};
  case mail_state::deferred:
    return {what->next_at ? say("deferred", what->next_at) : say("deferred_soon"), false};
  case mail_state::failed:
    return {say("failed"), true};
  case mail_state::suppressed:
    return {say("suppressed"), true};
  case mail_state::uncertain:
    return {say("uncertain"), false};
  }
  return {};
}

std::string sign_in_code_page(const site_view& view, const form_view& form, std::string_view ask,
                              std::string_view address, const delivery_view& delivery) {
  auto own = form_model(form);
  own.merge(model::object{
      {"ask", ask},
      {"address", address},
      {"lead", phrase(view.language, "open_mail_lead", {{"address", std::string(address)}})},
      {"delivery", delivery.words},
      {"bad", delivery.bad},
      {"mailbox", delivery.mailbox},
      {"again_url", in_page_language(view, "/sign-in/code") + "?ask=" + url::segment(ask)},
      {"other_url", with_to(view, "/sign-in", form.to)},
      {"password_url", with_to(view, "/sign-in/password", form.to)},
  });
  return render_account_page(view, "sign_in_code", phrase(view.language, "open_mail"), std::move(own));
}

std::string sign_in_link_page(const site_view& view, const form_view& form, std::string_view token, link_act act,
                              std::string_view address, bool here) {
  const auto& language = view.language;
  const std::string key = act == link_act::old_address   ? "link_old_address"
                          : act == link_act::new_address ? "link_new_address"
                          : here                         ? "link_sign_in"
                                                         : "link_elsewhere";
  const bool moves = act != link_act::sign_in;
  const auto title = phrase(language, key);
  auto own = form_model(form);
  own.merge(model::object{
      {"token", token},
      {"title", title},
      {"lead", phrase(language, key + "_lead", {{"address", std::string(address)}})},
      {"hint", phrase(language, moves ? "link_address_hint" : key + "_hint")},
      {"button", phrase(language, moves  ? "link_address_button"
                                  : here ? "sign_in"
                                         : "link_elsewhere_button")},
      {"here", here && !moves}, // a change of address wants a person, wherever
  });
  return render_account_page(view, "sign_in_link", title, std::move(own));
}

std::string sign_in_password_page(const site_view& view, const form_view& form, std::string_view address) {
  auto own = form_model(form);
  own.merge(model::object{{"address", address}, {"mail_url", with_to(view, "/sign-in", form.to)}});
  return render_account_page(view, "sign_in_password", phrase(view.language, "password_sign_in"), std::move(own));
}

std::string second_factor_page(const site_view& view, const form_view& form) {
  return render_account_page(view, "second_factor", phrase(view.language, "second_factor"), form_model(form));
}

std::string account_notice_page(const site_view& view, std::string_view key,
                                std::initializer_list<std::pair<std::string_view, std::string>> values,
                                const std::vector<notice_link>& onward) {
  const std::string name(key);
  const auto title = phrase(view.language, name, values);
  return render_account_page(
      view, "account_notice", title,
      {{"title", title},
       {"what", phrase(view.language, name + "_what", values)},
       {"remedy", phrase(view.language, name + "_do", values)},
       {"onward", make_list(onward, [&](const notice_link& l) {
          return model::object{{"url", in_page_language(view, l.path)}, {"word", phrase(view.language, l.word_key)}};
        })}});
}

} // namespace lyceum::views

// SPDX-License-Identifier: Apache-2.0
// An account as its owner sees it.
#include "views/languages.hpp"
#include "views/pages/account_model.hpp"
#include "views/texts.hpp"

namespace lyceum::views {

std::string account_page(const site_view& view, const account_view& what) {
  const auto& language = view.language;
  const auto& wanted = what.who.language.empty() ? view.site.language : what.who.language;
  return render_account_page(
      view, "account", phrase(language, "account"),
      {{"csrf_profile", what.csrf_profile},
       {"csrf_sign_out", what.csrf_sign_out},
       {"saved", what.saved},
       {"wrong", what.wrong},
       {"address", what.who.address},
       {"name", what.who.name},
       {"has_plans", !what.plans.empty()},
       {"plans", make_list(what.plans,
                           [&](const grant& g) {
                             return model::object{
                                 {"plan", g.plan},
                                 {"until",
                                  g.expires_at
                                      ? phrase(language, "plan_until",
                                               {{"date", date_text(language, *g.expires_at, view.site.timezone)}})
                                      : phrase(language, "plan_for_ever")}};
                           })},
       {"no_plans", phrase(language, is_staff(what.who.role) ? "no_plans_staff" : "no_plans")},
       {"has_languages_to_choose", view.site.languages.size() > 1},
       {"choices", make_list(view.site.languages, [&](const std::string& one) {
          return model::object{{"code", one}, {"title", native_name(one)}, {"chosen", one == wanted}};
        })}});
}

std::string account_sessions_page(const site_view& view, const std::vector<session>& all, id here,
                                  std::string_view csrf) {
  const auto& language = view.language;
  return render_account_page(view, "account_sessions", phrase(language, "sessions"),
                             {{"csrf", csrf},
                              {"has_others", all.size() > 1},
                              {"sessions", make_list(all, [&](const session& one) {
                                 const bool current = one.session_id == here;
                                 const auto seen =
                                     phrase(language, "seen_at",
                                            {{"date", date_text(language, one.seen_at, view.site.timezone)},
                                             {"time", time_text(one.seen_at, view.site.timezone)}});
                                 return model::object{{"session_id", std::to_string(one.session_id)},
                                                      {"device", one.device},
                                                      {"peer", one.masked_peer},
                                                      {"current", current},
                                                      {"seen", current ? phrase(language, "seen_now") : seen}};
                               })}});
}

std::string account_security_page(const site_view& view, const security_view& what) {
  const auto& language = view.language;
  return render_account_page(
      view, "account_security", phrase(language, "security"),
      {{"done", what.done},
       {"has_password", what.has_password},
       {"has_second_factor", what.has_second_factor},
       {"password_state", phrase(language, what.has_password ? "has_password" : "has_no_password")},
       {"password_word", phrase(language, what.has_password ? "change_password" : "set_password")},
       {"second_factor_state",
        what.has_second_factor ? phrase(language, "second_factor_on", {{"n", std::to_string(what.recovery_codes_left)}})
                               : phrase(language, "second_factor_off")},
       {"csrf_password_removal", what.csrf_password_removal},
       {"csrf_second_factor_removal", what.csrf_second_factor_removal},
       {"csrf_recovery_codes", what.csrf_recovery_codes}});
}

} // namespace lyceum::views

// SPDX-License-Identifier: Apache-2.0
// What an account's owner changes: password, second factor, address; and its end.
#include "views/pages/account_model.hpp"
#include "views/qr.hpp"
#include "views/texts.hpp"

namespace lyceum::views {

std::string account_password_page(const site_view& view, const form_view& form, std::string_view address,
                                  bool has_one) {
  auto title = phrase(view.language, has_one ? "change_password" : "set_password");
  auto own = form_model(form);
  own.merge(model::object{{"title", title}, {"address", address}});
  return render_account_page(view, "account_password", std::move(title), std::move(own));
}

std::string second_factor_setup_page(const site_view& view, const form_view& form, const second_factor_setup& what) {
  auto own = form_model(form);
  own.merge(model::object{{"lead", phrase(view.language, what.has_to ? "set_up_lead_staff" : "set_up_lead")},
                          {"has_to", what.has_to},
                          {"secret", what.secret},
                          {"sealed", what.sealed},
                          {"qr_html", qr_svg(what.uri, phrase(view.language, "factor_picture"))}});
  return render_account_page(view, "second_factor_setup", phrase(view.language, "set_up_second_factor"),
                             std::move(own));
}

std::string recovery_codes_page(const site_view& view, const std::vector<std::string>& codes,
                                std::string_view csrf_file) {
  std::string joined;
  for (const auto& code : codes)
    joined += (joined.empty() ? "" : " ") + code;
  return render_account_page(view, "recovery_codes", phrase(view.language, "recovery_codes"),
                             {{"codes", make_list(codes,
                                                  [](const std::string& code) {
                                                    return model::object{{"code", code}};
                                                  })},
                              {"joined", joined},
                              {"csrf_file", csrf_file}});
}

std::string account_address_page(const site_view& view, const form_view& form, std::string_view address,
                                 const address_change_view& what) {
  const auto& language = view.language;
  auto own = form_model(form);
  own.merge(model::object{
      {"lead", what.under_way ? phrase(language, "under_way_lead")
                              : phrase(language, "address_lead", {{"address", std::string(address)}})},
      {"done", what.done},
      {"under_way", what.under_way},
      {"new_address", what.new_address},
      {"ask", what.ask},
      {"csrf_code", what.csrf_code},
      {"old_label", phrase(language, "code_to", {{"address", std::string(address)}})},
      {"new_label", phrase(language, "code_to", {{"address", what.new_address}})},
      {"old_wrong", what.old_wrong},
      {"new_wrong", what.new_wrong},
  });
  return render_account_page(view, "account_address", phrase(language, "change_address"), std::move(own));
}

std::string account_delete_page(const site_view& view, const form_view& form, std::string_view address) {
  auto own = form_model(form);
  own.insert_or_assign("label", phrase(view.language, "delete_type", {{"address", std::string(address)}}));
  return render_account_page(view, "account_delete", phrase(view.language, "delete_account"), std::move(own));
}

std::string account_confirm_page(const site_view& view, const form_view& form, const confirm_view& what) {
  auto own = form_model(form);
  own.merge(model::object{
      {"has_password", what.has_password},
      {"has_second_factor", what.has_second_factor},
      {"address", what.address},
      {"ask", what.ask},
      {"delivery", what.delivery.words},
      {"bad", what.delivery.bad},
      {"mailbox", what.delivery.mailbox},
      {"csrf_mail", what.csrf_mail},
      {"trouble", what.trouble},
      {"code_label", phrase(view.language, "code_to", {{"address", what.address}})},
  });
  return render_account_page(view, "account_confirm", phrase(view.language, "confirm_title"), std::move(own));
}

} // namespace lyceum::views

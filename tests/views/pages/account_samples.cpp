// SPDX-License-Identifier: Apache-2.0
#include "tests/views/pages/samples.hpp"

#include "views/account_pages.hpp"

namespace lyceum::views::samples {
namespace {

const unix_time some_day = from_micros(1'795'426'200'000'000); // 2026-11-23T09:30:00Z

account full_account(bool nasty) {
  account who;
  who.account_id = 4711;
  who.address = nasty ? "o'hara&\"co\"@example.org" : "ada@example.org";
  who.name = nasty ? nasty_title : "Ada Lovelace";
  who.language = "de";
  return who;
}

account_view full_view(bool nasty) {
  account_view what;
  what.who = full_account(nasty);
  grant pro;
  pro.plan = nasty ? nasty_title : "pro";
  pro.expires_at = some_day;
  grant talks;
  talks.plan = "talks";
  what.plans = {pro, talks};
  what.csrf_profile = what.csrf_sign_out = "1.token";
  what.saved = true;
  what.wrong = nasty ? nasty_title : "";
  return what;
}

std::vector<session> full_sessions(bool nasty) {
  session here;
  here.session_id = 1;
  here.device = nasty ? nasty_title : "Firefox on Linux";
  here.masked_peer = "203.0.113.x";
  here.seen_at = some_day;
  session phone = here;
  phone.session_id = 2;
  phone.device = "Safari on iPhone";
  return {here, phone};
}

security_view full_security() {
  security_view what;
  what.has_password = what.has_second_factor = true;
  what.recovery_codes_left = 9;
  what.csrf_password_removal = what.csrf_second_factor_removal = what.csrf_recovery_codes = "1.token";
  what.done = "The password is set.";
  return what;
}

lyceum::mail mail_in(mail_state state) {
  lyceum::mail m;
  m.state = state;
  m.sent_at = m.next_at = some_day;
  return m;
}

} // namespace

std::map<std::string, std::string> account_pages(bool nasty, const std::string& language) {
  const auto view = site(language);
  auto bare = site(language, "");
  bare.site = site_info{};
  const std::string text = nasty ? nasty_title : "That is not the code. 4 tries are left.";
  const form_view clean{"1.token", "", "/courses"};
  const form_view wrong{"1.token", text, "/"};
  const form_view none;
  const auto who = full_account(nasty);
  const auto queued = delivery_words(view, mail_in(mail_state::queued), "");
  const auto bad = delivery_words(view, mail_in(mail_state::suppressed), "");
  security_view none_yet;
  second_factor_setup setup{"JBSW Y3DP EHPK 3PXP", "otpauth://totp/School:ada?secret=JBSWY3DPEHPK3PXP", "1.1.sealed",
                            false};
  auto due = setup;
  due.has_to = true;
  address_change_view change;
  change.new_address = nasty ? nasty_title : "ada@new.example";
  auto under_way = change;
  under_way.under_way = true;
  under_way.ask = "1.1.sealed";
  under_way.csrf_code = "1.token";
  under_way.old_wrong = under_way.new_wrong = text;
  under_way.done = "Confirmed.";
  confirm_view confirm{true, false, who.address, "", {}, "1.token", nasty ? nasty_title : "The host does not answer."};
  auto mailed = confirm;
  mailed.has_password = false;
  mailed.ask = "1.1.sealed";
  mailed.delivery = bad;
  confirm_view factor;
  factor.has_second_factor = true;
  return {
      {"sign-in", sign_in_page(view, clean, "", "")},
      {"sign-in-wrong", sign_in_page(view, wrong, who.address, nasty ? nasty_title : "The host does not answer.")},
      {"sign-in-empty", sign_in_page(bare, none, "", "")},
      {"sign-in-code", sign_in_code_page(view, clean, "1.1.sealed", who.address, queued)},
      {"sign-in-code-kept", sign_in_code_page(view, clean, "1.1.sealed", who.address, {"", false, "/dev/mailbox"})},
      {"sign-in-code-wrong", sign_in_code_page(view, wrong, "1.1.sealed", who.address, bad)},
      {"sign-in-link", sign_in_link_page(view, clean, "token", link_act::sign_in, who.address, true)},
      {"sign-in-link-elsewhere", sign_in_link_page(view, clean, "token", link_act::sign_in, who.address, false)},
      {"sign-in-link-old", sign_in_link_page(view, clean, "token", link_act::old_address, who.address, true)},
      {"sign-in-link-new", sign_in_link_page(bare, none, "token", link_act::new_address, who.address, false)},
      {"sign-in-password", sign_in_password_page(view, clean, "")},
      {"sign-in-password-wrong", sign_in_password_page(view, wrong, who.address)},
      {"second-factor", second_factor_page(view, clean)},
      {"second-factor-wrong", second_factor_page(view, wrong)},
      {"account", account_page(view, full_view(nasty))},
      {"account-empty", account_page(bare, {})},
      {"account-sessions", account_sessions_page(view, full_sessions(nasty), 1, "1.token")},
      {"account-sessions-empty", account_sessions_page(bare, {}, 1, "")},
      {"account-security", account_security_page(view, full_security())},
      {"account-security-empty", account_security_page(bare, none_yet)},
      {"account-password", account_password_page(view, wrong, who.address, true)},
      {"account-password-first", account_password_page(view, clean, who.address, false)},
      {"second-factor-setup", second_factor_setup_page(view, wrong, setup)},
      {"second-factor-setup-staff", second_factor_setup_page(view, clean, due)},
      {"recovery-codes", recovery_codes_page(view,
                                             {"k7f3qm-9x2wtd-hb8pzr-4nvg6s", "p2dq7r-wm4x8b-3nkz6t-v9hgc5",
                                              "t8xw3n-q6rk2z-m9dvb4-7hpg5c", "z4hn6p-2vtq8x-k3mwr7-d9gb5f"},
                                             "1.token")},
      {"account-address", account_address_page(view, wrong, who.address, change)},
      {"account-address-under-way", account_address_page(view, clean, who.address, under_way)},
      {"account-address-empty", account_address_page(bare, none, "", {})},
      {"account-delete", account_delete_page(view, wrong, who.address)},
      {"account-confirm", account_confirm_page(view, wrong, confirm)},
      {"account-confirm-mailed", account_confirm_page(view, clean, mailed)},
      {"account-confirm-factor", account_confirm_page(view, wrong, factor)},
      {"account-confirm-empty", account_confirm_page(bare, none, {})},
      {"account-notice",
       account_notice_page(view, "form_stale", {}, {{"/sign-in", "sign_in"}, {"/account", "account"}})},
      {"account-notice-bare", account_notice_page(bare, "address_changed", {{"address", who.address}}, {})},
  };
}

} // namespace lyceum::views::samples

// SPDX-License-Identifier: Apache-2.0
// Signing in, as people do it: over real sockets, on both engines, with mails read from the outbox.
#include "tests/site/people.hpp"

#include "storage/accounts.hpp"
#include "storage/secrets.hpp"
#include "storage/totp.hpp"

#include <gmock/gmock.h>

namespace lyceum::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class signing_in : public people_at_site {};
INSTANTIATE_TEST_SUITE_P(engines, signing_in, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

// --- by mail

TEST_P(signing_in, a_mailed_link_signs_in_and_makes_the_account_at_the_first_time) {
  browser ada(site->port());
  const auto asked = ask_for_mail(ada, "Ada@Example.org", "/courses");
  EXPECT_EQ(asked.status, 200);
  EXPECT_THAT(asked.body, AllOf(HasSubstr("Ada@Example.org"), HasSubstr("keeps its mails"), HasSubstr("/dev/mailbox")));
  const auto letter = mail("sign_in");
  EXPECT_EQ(letter.recipient, "Ada@Example.org");
  EXPECT_THAT(letter.cause, MatchesRegex("sign_in:[0-9]+"));
  EXPECT_EQ(letter.details.at("minutes"), 15);
  EXPECT_EQ(letter.details.at("new"), true);
  EXPECT_EQ(letter.text("device"), "Firefox on Linux");
  EXPECT_EQ(letter.text("peer"), "127.0.0.x");

  const auto path = path_of(letter.text("link"));
  const auto page = ada.get(path);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("asked for this link with this browser"), HasSubstr("data-go")));
  const auto done = ada.submit(page, path);
  EXPECT_EQ(done.status, 303);
  EXPECT_EQ(done.field("Location"), "/courses");
  const auto home = ada.get("/account");
  EXPECT_EQ(home.status, 200);
  EXPECT_THAT(home.body, HasSubstr("Ada@Example.org"));
  EXPECT_EQ(mail("welcome").recipient, "Ada@Example.org");

  EXPECT_EQ(ada.get(path).status, 404) << "it works once";
  EXPECT_EQ(mails("new_device").size(), 0u);
  browser again(site->port());
  ask_for_mail(again, "ada@example.org");
  EXPECT_EQ(mail("sign_in").details.at("new"), false);
  EXPECT_EQ(mails("welcome").size(), 1u);
}

TEST_P(signing_in, a_code_signs_in_the_browser_that_asked_and_no_other) {
  browser ada(site->port());
  const auto page = ask_for_mail(ada, "ada@example.org", "/courses?x=1");
  const auto code = mail("sign_in").text("code");
  ASSERT_EQ(code.size(), 6u);
  browser eve(site->port());
  eve.get("/sign-in");
  auto forms = forms_of(page.body);
  ASSERT_FALSE(forms.empty());
  const auto stolen = eve.post("/sign-in/code", {{"csrf", forms_of(eve.get("/sign-in").body).at(0).hidden.at(0).second},
                                                 {"ask", forms.at(0).hidden.at(1).second},
                                                 {"code", code}});
  EXPECT_EQ(stolen.status, 403) << "a token of another form, too";
  EXPECT_FALSE(is_signed_in(eve));
  const auto done = ada.submit(page, "/sign-in/code", {{"code", code.substr(0, 3) + " " + code.substr(3)}});
  EXPECT_EQ(done.status, 303) << done.body;
  EXPECT_EQ(done.field("Location"), "/courses?x=1");
  EXPECT_TRUE(is_signed_in(ada));
  EXPECT_EQ(ada.get(path_of(mail("sign_in").text("link"))).status, 404) << "the code ends the link";
}

TEST_P(signing_in, a_scanner_that_follows_the_link_leaves_it_usable) {
  browser ada(site->port());
  ask_for_mail(ada, "ada@example.org");
  const auto path = path_of(mail("sign_in").text("link"));
  for (int i = 0; i < 3; ++i) {
    browser scanner(site->port(), "scanner/1.0");
    EXPECT_EQ(scanner.get(path).status, 200);
    client raw(site->port());
    EXPECT_EQ(raw.ask("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n", true).status, 200);
    EXPECT_FALSE(is_signed_in(scanner));
  }
  EXPECT_EQ(ada.submit(ada.get(path), path).status, 303);
  EXPECT_TRUE(is_signed_in(ada));
}

TEST_P(signing_in, another_browser_has_to_confirm) {
  browser ada(site->port());
  browser phone(site->port(), browser::safari);
  ask_for_mail(ada, "ada@example.org");
  const auto path = path_of(mail("sign_in").text("link"));
  const auto page = phone.get(path);
  EXPECT_THAT(page.body, AllOf(HasSubstr("asked for with another browser"), HasSubstr("signed in as ada@example.org"),
                               Not(HasSubstr("data-go"))));
  const auto refused = phone.submit(page, path, {{"confirm", ""}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_FALSE(is_signed_in(phone));
  EXPECT_EQ(phone.submit(phone.get(path), path).status, 303);
  EXPECT_TRUE(is_signed_in(phone));
  EXPECT_FALSE(is_signed_in(ada));
}

TEST_P(signing_in, five_wrong_codes_end_the_code_and_the_link) {
  browser ada(site->port());
  auto page = ask_for_mail(ada, "ada@example.org");
  const auto letter = mail("sign_in");
  const auto code = letter.text("code");
  const std::string wrong = code == "000000" ? "000001" : "000000";
  for (int left = 4; left >= 0; --left) {
    page = ada.submit(page, "/sign-in/code", {{"code", wrong}});
    EXPECT_EQ(page.status, 422);
    EXPECT_THAT(page.body, HasSubstr(left > 1    ? std::to_string(left) + " tries are left"
                                     : left == 1 ? "One try is left"
                                                 : "This code is over"));
  }
  EXPECT_EQ(ada.submit(page, "/sign-in/code", {{"code", code}}).status, 422);
  EXPECT_EQ(ada.get(path_of(letter.text("link"))).status, 404);
  EXPECT_FALSE(is_signed_in(ada));
}

TEST_P(signing_in, what_is_no_address_is_told_beside_its_field_and_no_mail_is_made) {
  browser ada(site->port());
  struct odd {
    std::string typed;
    std::string hint;
  };
  for (const auto& [typed, hint] : std::vector<odd>{
           {"", "Give an address"},
           {"ada", "needs an @"},
           {"ada@", "after the @"},
           {"a b@example.org", "space"},
           {"ada@example", "needs a dot"},
           {"ada@example.org\r\nBcc: eve@example.org", "line end"},
           {"ada@[127.0.0.1]", "IP address"},
           {std::string(65, 'a') + "@example.org", "64"},
           {"ada@" + std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                std::string(63, 'd') + ".org",
            "25"},
           {"\"ada b\"@example.org", "reaches no address with quotes"},
           {"żółć@example.org", "reaches no address with quotes"},
       }) {
    const auto got = ada.submit(ada.get("/sign-in"), "/sign-in", {{"address", typed}});
    EXPECT_EQ(got.status, 422) << typed;
    EXPECT_THAT(got.body, AllOf(HasSubstr(hint), HasSubstr("aria-describedby=\"wrong\""))) << typed;
  }
  EXPECT_EQ(mails().size(), 0u);
  ask_for_mail(ada, " ada@BÜCHER.example ");
  EXPECT_EQ(mail("sign_in").recipient, "ada@xn--bcher-kva.example");
}

TEST_P(signing_in, a_name_with_markup_in_it_is_shown_as_it_was_written) {
  browser ada(site->port());
  sign_in(ada, "o'hara&co@example.org");
  const std::string name = "<b>O'Hara & Söhne</b>";
  const auto saved = ada.follow(ada.submit(ada.get("/account"), "/account/profile", {{"name", name}}));
  EXPECT_THAT(saved.body, AllOf(HasSubstr("Saved."), Not(HasSubstr("<b>O"))));
  EXPECT_THAT(unescaped(saved.body), HasSubstr("value=\"" + name + "\""));
  EXPECT_THAT(unescaped(saved.body), HasSubstr("o'hara&co@example.org"));
  EXPECT_EQ(account_of("o'hara&co@example.org").name, name);
  const auto refused = ada.submit(ada.get("/account"), "/account/profile", {{"name", "a\r\nb"}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(account_of("o'hara&co@example.org").name, name);
}

TEST_P(signing_in, the_page_and_the_mail_speak_the_language_of_the_address) {
  browser ada(site->port());
  ASSERT_TRUE(eventually([&] { return ada.get("/de/sign-in").status == 200; })) << "the school speaks German";
  const auto page = ada.get("/de/sign-in");
  EXPECT_THAT(page.body, HasSubstr("Anmelden"));
  ada.submit(page, "/de/sign-in", {{"address", "ada@example.org"}});
  EXPECT_EQ(mail("sign_in").language, "de");
  EXPECT_THAT(mail("sign_in").text("link"), HasSubstr("/de/sign-in/link/"));
}

// --- sessions

TEST_P(signing_in, every_sign_in_has_a_new_token_and_the_old_one_is_dead) {
  browser ada(site->port());
  const auto planted = storage::secrets::make_token();
  ada.cookies["session"] = planted;
  const auto second_tab = ada.get("/sign-in");
  sign_in(ada, "ada@example.org");
  const auto first = ada.cookies.at("session");
  EXPECT_NE(first, planted);
  browser eve(site->port());
  eve.cookies["session"] = planted;
  EXPECT_FALSE(is_signed_in(eve));
  ada.submit(second_tab, "/sign-in", {{"address", "ada@example.org"}});
  const auto path = path_of(mail("sign_in").text("link"));
  EXPECT_EQ(ada.submit(ada.get(path), path).status, 303);
  EXPECT_NE(ada.cookies.at("session"), first);
  eve.cookies["session"] = first;
  EXPECT_FALSE(is_signed_in(eve)) << "the session before ended with the new one";
}

TEST_P(signing_in, signing_out_ends_the_session_and_not_only_the_cookie) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto kept = ada.cookies;
  const auto done = ada.submit(ada.get("/account"), "/sign-out");
  EXPECT_EQ(done.status, 303);
  EXPECT_EQ(done.field("Location"), "/");
  EXPECT_FALSE(ada.cookies.contains("session"));
  browser thief(site->port());
  thief.cookies = kept;
  const auto got = thief.get("/account/security?x=1");
  EXPECT_EQ(got.status, 303);
  EXPECT_EQ(got.field("Location"), "/sign-in?to=/account/security%3Fx%3D1");
}

TEST_P(signing_in, browsers_are_listed_and_can_be_ended_one_or_all_others) {
  browser desk(site->port()), phone(site->port(), browser::safari), third(site->port(), "curl/8.0");
  for (auto* one : {&desk, &phone, &third})
    sign_in(*one, "ada@example.org");
  auto page = desk.get("/account/sessions");
  EXPECT_THAT(page.body, AllOf(HasSubstr("Firefox on Linux"), HasSubstr("Safari on iPhone"), HasSubstr("curl"),
                               HasSubstr("this one"), HasSubstr("127.0.0.x")));
  std::string of_phone;
  for (const auto& form : forms_of(page.body))
    if (form.action == "/account/sessions" && form.hidden.at(1).second != "others" && of_phone.empty())
      of_phone = form.hidden.at(1).second;
  EXPECT_EQ(desk.submit(page, "/account/sessions", {{"session", of_phone}}).status, 303);
  EXPECT_EQ(is_signed_in(phone) + is_signed_in(third), 1);
  EXPECT_EQ(desk.submit(page, "/account/sessions", {{"session", "others"}}).status, 303);
  EXPECT_TRUE(is_signed_in(desk));
  EXPECT_FALSE(is_signed_in(phone));
  EXPECT_FALSE(is_signed_in(third));
}

TEST_P(signing_in, nobody_ends_a_session_of_somebody_else) {
  browser ada(site->port()), eve(site->port());
  sign_in(ada, "ada@example.org");
  sign_in(eve, "eve@example.org");
  const auto session = std::to_string(count("SELECT id FROM sessions WHERE account_id = (SELECT id FROM accounts "
                                            "WHERE address_key = 'ada@example.org')"));
  browser other(site->port());
  sign_in(other, "eve@example.org");
  EXPECT_EQ(eve.submit(eve.get("/account/sessions"), "/account/sessions", {{"session", session}}).status, 303);
  EXPECT_TRUE(is_signed_in(ada));
}

// --- by password

TEST_P(signing_in, a_password_signs_in_once_it_is_set_and_ends_all_other_sessions) {
  browser ada(site->port()), phone(site->port(), browser::safari);
  sign_in(ada, "ada@example.org");
  sign_in(phone, "ada@example.org");
  set_password(ada, "correct horse battery staple");
  EXPECT_EQ(mails("password_changed").size(), 1u);
  EXPECT_TRUE(is_signed_in(ada));
  EXPECT_FALSE(is_signed_in(phone));
  const auto try_it = [&](const std::string& address, const std::string& password) {
    return phone.submit(phone.get("/sign-in/password?to=/courses"), "/sign-in/password",
                        {{"address", address}, {"password", password}});
  };
  for (const auto& [address, password] :
       std::vector<std::pair<std::string, std::string>>{{"ada@example.org", "wrong"},
                                                        {"ada@example.org", ""},
                                                        {"nobody@example.org", "correct horse battery staple"}}) {
    const auto refused = try_it(address, password);
    EXPECT_EQ(refused.status, 422);
    EXPECT_THAT(refused.body, HasSubstr("do not belong together"));
    EXPECT_FALSE(is_signed_in(phone));
  }
  const auto done = try_it("ADA@example.org", "correct horse battery staple");
  EXPECT_EQ(done.status, 303) << done.body;
  EXPECT_EQ(done.field("Location"), "/courses");
  EXPECT_TRUE(is_signed_in(phone));
}

TEST_P(signing_in, a_new_device_with_a_password_is_told_of_by_mail_and_a_known_one_is_not) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  set_password(ada, "correct horse battery staple");
  browser phone(site->port(), browser::safari);
  const auto in = [&](browser& who) {
    const auto done = who.submit(who.get("/sign-in/password"), "/sign-in/password",
                                 {{"address", "ada@example.org"}, {"password", "correct horse battery staple"}});
    EXPECT_EQ(done.status, 303) << done.body;
  };
  in(phone);
  ASSERT_EQ(mails("new_device").size(), 1u);
  EXPECT_EQ(mail("new_device").text("device"), "Safari on iPhone");
  EXPECT_THAT(mail("new_device").text("link"), HasSubstr("/account/sessions"));
  in(phone);
  in(ada);
  EXPECT_EQ(mails("new_device").size(), 1u);
}

TEST_P(signing_in, weak_passwords_are_refused_with_what_to_do) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  for (const char* weak : {"short", "password123", "ada@example.org"}) {
    const auto page =
        ada.submit(ada.get("/account/security/password"), "/account/security/password", {{"password", weak}});
    EXPECT_EQ(page.status, 422) << weak;
    EXPECT_THAT(page.body, HasSubstr("too easy to guess")) << weak;
  }
  EXPECT_EQ(ada.submit(ada.get("/account/security/password"), "/account/security/password",
                       {{"password", std::string(1025, 'x')}})
                .status,
            422);
  EXPECT_FALSE(account_of("ada@example.org").password_hash.has_value());
  set_password(ada, std::string(990, 'x') + " a long one is hashed whole");
  EXPECT_TRUE(account_of("ada@example.org").password_hash.has_value());
  EXPECT_EQ(ada.submit(ada.get("/account/security"), "/account/security/password/removal").status, 303);
  EXPECT_FALSE(account_of("ada@example.org").password_hash.has_value());
  EXPECT_EQ(mails("password_changed").size(), 2u);
}

// --- the second factor

TEST_P(signing_in, a_second_factor_stands_between_the_link_and_the_account) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto factor = set_factor(ada);
  ASSERT_EQ(factor.codes.size(), 10u);
  EXPECT_EQ(mail("second_factor_changed").details.at("on"), true);
  browser phone(site->port(), browser::safari);
  sign_in(phone, "ada@example.org");
  EXPECT_EQ(phone.get("/account").status, 303);
  EXPECT_THAT(phone.get("/account").field("Location"), HasSubstr("/sign-in"));
  const auto half = phone.cookies.at("session");
  auto page = phone.get("/sign-in/second-factor?to=/courses");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(phone.submit(page, "/sign-in/second-factor", {{"code", "000000"}}).status, 422);
  const auto step = storage::totp_step_of(now_utc());
  EXPECT_EQ(
      phone.submit(page, "/sign-in/second-factor", {{"code", storage::totp_code(factor.secret, step - 5)}}).status,
      422);
  const auto code = storage::totp_code(factor.secret, step + 1);
  const auto done = phone.submit(page, "/sign-in/second-factor", {{"code", code}});
  EXPECT_EQ(done.status, 303) << done.body;
  EXPECT_EQ(done.field("Location"), "/courses");
  EXPECT_NE(phone.cookies.at("session"), half);
  EXPECT_TRUE(is_signed_in(phone));

  browser thief(site->port());
  thief.cookies["session"] = half;
  EXPECT_FALSE(is_signed_in(thief));
  browser third(site->port());
  sign_in(third, "ada@example.org");
  page = third.get("/sign-in/second-factor");
  EXPECT_EQ(third.submit(page, "/sign-in/second-factor", {{"code", code}}).status, 422) << "a code counts once";
  EXPECT_EQ(third.submit(page, "/sign-in/second-factor", {{"code", factor.codes.at(3)}}).status, 303);
  EXPECT_TRUE(is_signed_in(third));
  browser fourth(site->port());
  sign_in(fourth, "ada@example.org");
  page = fourth.get("/sign-in/second-factor");
  EXPECT_EQ(fourth.submit(page, "/sign-in/second-factor", {{"code", factor.codes.at(3)}}).status, 422);
  EXPECT_FALSE(is_signed_in(fourth));
}

TEST_P(signing_in, staff_without_a_second_factor_see_nothing_of_the_account_before_they_have_one) {
  user({"add", "author@example.org", "--role", "author"});
  browser author(site->port());
  ask_for_mail(author, "author@example.org");
  const auto path = path_of(mail("sign_in").text("link"));
  EXPECT_EQ(author.submit(author.get(path), path).field("Location"), "/account/security/second-factor");
  for (const char* page : {"/account", "/account/sessions", "/account/security", "/account/address", "/account/export"})
    EXPECT_EQ(author.get(page).field("Location"), "/account/security/second-factor") << page;
  EXPECT_THAT(author.get("/account/security/second-factor").body, HasSubstr("You work at this school"));
  set_factor(author);
  EXPECT_EQ(author.get("/account").status, 200);
}

TEST_P(signing_in, nobody_signs_in_to_a_suspended_account) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto who = account_of("ada@example.org");
  storage::accounts::suspend(*db, who.account_id, "test", "test", now_utc()).value();
  EXPECT_FALSE(is_signed_in(ada));
  ask_for_mail(ada, "ada@example.org");
  const auto path = path_of(mail("sign_in").text("link"));
  const auto got = ada.submit(ada.get(path), path);
  EXPECT_EQ(got.status, 403);
  EXPECT_THAT(got.body, HasSubstr("suspended"));
  EXPECT_FALSE(is_signed_in(ada));
}

} // namespace
} // namespace lyceum::testing

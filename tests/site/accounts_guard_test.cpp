// SPDX-License-Identifier: Apache-2.0
// What keeps others out: forms of other sites, guessing, leading elsewhere, telling who has an account.
#include "tests/site/people.hpp"

#include "storage/accounts.hpp"
#include "storage/outbox.hpp"
#include "storage/secrets.hpp"
#include "storage/sign_in_limits.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace lyceum::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr storage::query forget_limits{"test.forget_limits", "DELETE FROM sign_in_limits"};
constexpr const char* good_password = "correct horse battery staple";

class guarding : public people_at_site {
protected:
  answer try_password(browser& who, const std::string& address, const std::string& password) {
    return who.submit(who.get("/sign-in/password"), "/sign-in/password",
                      {{"address", address}, {"password", password}});
  }
  /// All that a form could have changed.
  std::string state_of(const std::string& address) {
    const auto who = account_of(address);
    auto all = boost::json::parse(storage::accounts::export_json(*db, who.account_id, unix_time{}).value()).as_object();
    for (auto& session : all["sessions"].as_array())
      session.as_object().erase("seen_at");
    std::string out = boost::json::serialize(all) + std::to_string(who.sign_in_epoch);
    for (const char* sql : {"SELECT COUNT(*) FROM mail_outbox", "SELECT COUNT(*) FROM sign_in_requests",
                            "SELECT COUNT(*) FROM accounts", "SELECT COUNT(*) FROM sessions",
                            "SELECT COUNT(*) FROM recovery_codes", "SELECT COUNT(*) FROM sign_in_limits"})
      out += " " + std::to_string(count(sql));
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(engines, guarding, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

// --- forms of other sites

TEST_P(guarding, a_form_that_is_not_from_a_page_of_ours_is_refused_and_changes_nothing) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  set_password(ada, good_password);
  browser half(site->port());
  const auto two = set_factor(ada);
  try_password(half, "ada@example.org", good_password);
  browser guest(site->port());
  const auto asked = ask_for_mail(guest, "ada@example.org");
  const auto link = path_of(mail("sign_in").text("link"));

  std::set<std::string> seen;
  const auto attack = [&](browser& who, const std::string& path, const answer& page) {
    ASSERT_EQ(page.status, 200) << path << page.body;
    for (const auto& form : forms_of(page.body)) {
      seen.insert(form.action == link ? "/sign-in/link/:token" : form.action);
      auto whole = form.hidden;
      for (const auto& [name, value] : fields{{"address", "ada@example.org"},
                                              {"password", good_password},
                                              {"code", "123456"},
                                              {"totp", two.codes.at(0)},
                                              {"name", "Eve"},
                                              {"language", "de"}})
        if (std::ranges::find(whole, name, &std::pair<std::string, std::string>::first) == whole.end())
          whole.emplace_back(name, value);
      auto without = whole;
      std::erase_if(without, [](const auto& field) { return field.first == "csrf"; });
      auto wrong = without;
      wrong.emplace_back("csrf", "1." + std::string(43, 'A'));
      const auto before = state_of("ada@example.org");
      const auto cookies = who.cookies;
      EXPECT_EQ(who.post(form.action, without).status, 403) << form.action;
      EXPECT_EQ(who.post(form.action, wrong).status, 403) << form.action;
      const auto told = who.post(form.action, whole, {"Sec-Fetch-Site: cross-site"});
      EXPECT_EQ(told.status, 403) << form.action;
      EXPECT_THAT(told.body, HasSubstr("load the page again")) << form.action;
      EXPECT_EQ(who.post(form.action, whole, {"Sec-Fetch-Site: same-site"}).status, 403) << form.action;
      EXPECT_EQ(who.post(form.action, whole, {"Origin: https://evil.example"}).status, 403) << form.action;
      EXPECT_EQ(who.post(form.action, whole, {"Origin: null"}).status, 403) << form.action;
      EXPECT_EQ(state_of("ada@example.org"), before) << form.action;
      EXPECT_EQ(who.cookies, cookies) << form.action;
    }
  };
  attack(guest, "/sign-in", guest.get("/sign-in"));
  attack(guest, "/sign-in/password", guest.get("/sign-in/password"));
  attack(guest, "/sign-in/code", asked);
  attack(guest, link, guest.get(link));
  attack(half, "/sign-in/second-factor", half.get("/sign-in/second-factor"));
  for (const char* path :
       {"/account", "/account/sessions", "/account/security", "/account/security/password",
        "/account/security/second-factor", "/account/address", "/account/delete", "/account/confirm"})
    attack(ada, path, ada.get(path));
  const auto codes = ada.submit(ada.get("/account/security"), "/account/security/recovery-codes");
  attack(ada, "recovery codes", codes);
  const auto address =
      ada.follow(ada.submit(ada.get("/account/address"), "/account/address", {{"address", "b@example.org"}}));
  attack(ada, "address", address);
  browser plain(site->port());
  sign_in(plain, "bob@example.org");
  browser other(site->port(), browser::safari);
  sign_in(other, "bob@example.org");
  attack(plain, "sessions", plain.get("/account/sessions"));
  attack(plain, "confirm", plain.get("/account/confirm"));
  EXPECT_EQ(seen, (std::set<std::string>{"/sign-in", "/sign-in/password", "/sign-in/code", "/sign-in/link/:token",
                                         "/sign-in/second-factor", "/sign-out", "/account/profile", "/account/sessions",
                                         "/account/security/password", "/account/security/password/removal",
                                         "/account/security/second-factor", "/account/security/second-factor/removal",
                                         "/account/security/recovery-codes", "/account/security/recovery-codes/file",
                                         "/account/address", "/account/address/code", "/account/delete",
                                         "/account/confirm", "/account/confirm/mail"}))
      << "every POST of these pages";
}

TEST_P(guarding, a_token_of_one_form_or_of_another_browser_is_none) {
  browser ada(site->port()), eve(site->port());
  sign_in(ada, "ada@example.org");
  sign_in(eve, "eve@example.org");
  const auto token_of = [](const answer& page, const std::string& action) -> std::string {
    for (const auto& form : forms_of(page.body))
      if (form.action == action)
        return form.hidden.at(0).second;
    return "";
  };
  const auto of_eve = token_of(eve.get("/account"), "/account/profile");
  EXPECT_EQ(ada.post("/account/profile", {{"csrf", of_eve}, {"name", "Eve"}}).status, 403);
  const auto of_sign_out = token_of(ada.get("/account"), "/sign-out");
  EXPECT_EQ(ada.post("/account/profile", {{"csrf", of_sign_out}, {"name", "Eve"}}).status, 403);
  EXPECT_EQ(account_of("ada@example.org").name, "");
  EXPECT_EQ(ada.post("/account/profile", {{"csrf", token_of(ada.get("/account"), "/account/profile")}, {"name", "Ada"}},
                     {"Origin: http://localhost", "Sec-Fetch-Site: same-origin"})
                .status,
            303);
}

TEST_P(guarding, nothing_is_changed_by_asking_for_a_page) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto before = state_of("ada@example.org");
  EXPECT_EQ(ada.get("/sign-out").field("Location"), "/account");
  for (const char* path :
       {"/account/profile", "/account/security/password/removal", "/account/security/second-factor/removal",
        "/account/security/recovery-codes", "/account/address/code", "/account/confirm/mail"})
    EXPECT_EQ(ada.get(path).status, 405) << path;
  EXPECT_EQ(state_of("ada@example.org"), before);
}

// --- leading elsewhere

TEST_P(guarding, a_path_to_go_on_to_stays_on_this_site) {
  browser ada(site->port());
  for (const char* to : {"//evil.example", "https://evil.example", "\\\\evil.example", "/\\evil.example",
                         "/%5cevil.example", "%2F%2Fevil.example", "javascript:alert(1)", "/%09/evil.example"}) {
    const auto page = ada.get("/sign-in?to=" + std::string(to));
    if (page.status == 400) // what is no target at all
      continue;
    EXPECT_THAT(page.body, Not(HasSubstr("evil"))) << to;
    EXPECT_THAT(ada.get("/sign-in?to=" + encoded(to)).body, Not(HasSubstr("evil"))) << to;
    EXPECT_THAT(ada.get("/sign-in/password?to=" + encoded(to)).body, Not(HasSubstr("evil"))) << to;
  }
  const auto page = ada.get("/sign-in");
  ada.submit(page, "/sign-in", {{"address", "ada@example.org"}, {"to", "//evil.example"}});
  const auto path = path_of(mail("sign_in").text("link"));
  EXPECT_EQ(ada.submit(ada.get(path), path).field("Location"), "/");
  set_password(ada, good_password);
  browser phone(site->port());
  EXPECT_EQ(phone
                .submit(phone.get("/sign-in/password"), "/sign-in/password",
                        {{"address", "ada@example.org"}, {"password", good_password}, {"to", "/\\evil.example"}})
                .field("Location"),
            "/");
  EXPECT_EQ(ada.submit(ada.get("/account/confirm?to=//evil.example"), "/account/confirm",
                       {{"password", good_password}, {"to", "https://evil.example"}})
                .field("Location"),
            "/");
}

// --- guessing

TEST_P(guarding, eight_wrong_passwords_close_an_account_for_a_while_and_a_restart_does_not_open_it) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  set_password(ada, good_password);
  browser eve(site->port());
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(try_password(eve, "ada@example.org", "wrong").status, 422) << i;
  const auto refused = try_password(eve, "ada@example.org", good_password);
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, AllOf(HasSubstr("Too many tries"), HasSubstr("10 minutes")));
  EXPECT_GT(std::atoi(refused.field("Retry-After").c_str()), 500);
  EXPECT_EQ(try_password(eve, "bob@example.org", "wrong").status, 422) << "others are not locked out";

  site->stop();
  site->start();
  ASSERT_TRUE(site->ready());
  eve.at(site->port());
  EXPECT_EQ(try_password(eve, "ADA@example.org", good_password).status, 429);
  EXPECT_FALSE(is_signed_in(eve));
  ada.at(site->port());
  EXPECT_TRUE(is_signed_in(ada)) << "who is in stays in, and mail is another way";
}

TEST_P(guarding, twenty_failures_close_the_address_that_they_come_from) {
  browser eve(site->port());
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(try_password(eve, "victim" + std::to_string(i) + "@example.org", "wrong").status, 422) << i;
  EXPECT_EQ(try_password(eve, "victim99@example.org", "wrong").status, 429);
}

TEST_P(guarding, mails_to_one_address_are_bounded_and_using_one_forgives) {
  browser ada(site->port());
  const auto ask = [&](const std::string& address) {
    return ada.submit(ada.get("/sign-in"), "/sign-in", {{"address", address}}).status;
  };
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(ask("ada@example.org"), 303) << i;
  EXPECT_EQ(ask("ada@example.org"), 429);
  EXPECT_EQ(mails("sign_in").size(), 8u);
  const auto path = path_of(mail("sign_in").text("link"));
  browser other(site->port());
  EXPECT_EQ(other.submit(other.get(path), path).status, 303);
  EXPECT_EQ(ask("ada@example.org"), 303);
}

TEST_P(guarding, second_factors_are_not_guessed) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto two = set_factor(ada);
  browser eve(site->port());
  sign_in(eve, "ada@example.org");
  const auto page = eve.get("/sign-in/second-factor");
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(eve.submit(page, "/sign-in/second-factor", {{"code", "00000" + std::to_string(i)}}).status, 422) << i;
  EXPECT_EQ(eve.submit(page, "/sign-in/second-factor", {{"code", two.codes.at(0)}}).status, 429);
}

// --- who has an account

std::string without_tokens(std::string html) {
  for (const std::string_view mark : {"name=\"csrf\" value=\"", "name=\"ask\" value=\"", "?ask="})
    for (auto at = html.find(mark); at != std::string::npos; at = html.find(mark, at + 1)) {
      const auto from = at + mark.size();
      html.erase(from, html.find('"', from) - from);
    }
  return html;
}

TEST_P(guarding, answers_for_known_and_unknown_addresses_are_alike) {
  browser ada(site->port());
  sign_in(ada, "known@example.org");
  set_password(ada, good_password);
  browser eve(site->port());
  const auto asked = [&](const std::string& address) {
    const auto answer = ask_for_mail(eve, address);
    EXPECT_EQ(answer.status, 200);
    return without_tokens(answer.body);
  };
  auto known = asked("known@example.org");
  auto unknown = asked("other@example.org");
  const auto refused = [&](const std::string& address) {
    const auto answer = try_password(eve, address, "wrong");
    EXPECT_EQ(answer.status, 422);
    return without_tokens(answer.body);
  };
  auto known_password = refused("known@example.org");
  auto unknown_password = refused("other@example.org");
  for (auto* text : {&unknown, &unknown_password})
    for (auto at = text->find("other@"); at != std::string::npos; at = text->find("other@", at))
      text->replace(at, 5, "known");
  EXPECT_EQ(known, unknown);
  EXPECT_EQ(known_password, unknown_password);
}

TEST_P(guarding, answers_for_known_and_unknown_addresses_take_the_same_time) {
  browser ada(site->port());
  sign_in(ada, "known@example.org");
  set_password(ada, good_password);
  browser eve(site->port());
  const auto password_page = eve.get("/sign-in/password");
  const auto ask_page = eve.get("/sign-in");
  using clock = std::chrono::steady_clock;
  const auto took = [](auto work) {
    const auto began = clock::now();
    work();
    return clock::now() - began;
  };
  const auto median = [](std::vector<clock::duration> all) {
    std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
    return std::chrono::duration<double, std::milli>(all[all.size() / 2]).count();
  };
  const auto difference = [&](bool by_password) {
    std::vector<clock::duration> known, unknown;
    for (int i = 0; i < 200; ++i)
      for (const bool is_known : {i % 2 == 0, i % 2 != 0}) { // either goes first as often
        db->exec(forget_limits);
        const std::string address = is_known ? "known@example.org" : "other@example.org";
        (is_known ? known : unknown).push_back(took([&] {
          const auto got = by_password ? eve.submit(password_page, "/sign-in/password",
                                                    {{"address", address}, {"password", "wrong"}})
                                       : eve.submit(ask_page, "/sign-in", {{"address", address}});
          EXPECT_EQ(got.status, by_password ? 422 : 303);
        }));
      }
    return std::abs(median(known) - median(unknown));
  };
  constexpr double ms_max = 5; // a hash that one of them is spared takes 25
  for (const bool by_password : {true, false}) {
    double least = difference(by_password);
    for (int again = 0; again < 3 && least > ms_max; ++again) // whoever else is busy on this machine
      least = std::min(least, difference(by_password));
    EXPECT_LT(least, ms_max) << (by_password ? "password" : "mail");
  }
}

// --- heads

class guarding_with_tls : public guarding {
protected:
  std::vector<std::string> arguments() const override { return {"--base-url", "https://school.example"}; }
};
INSTANTIATE_TEST_SUITE_P(engines, guarding_with_tls, ::testing::Values("sqlite"),
                         [](const auto& given) { return std::string(given.param); });

TEST_P(guarding_with_tls, cookies_are_this_hosts_alone_and_no_script_reads_them) {
  browser ada(site->port());
  ada.get("/sign-in");
  ASSERT_EQ(ada.set_cookies.size(), 1u);
  EXPECT_THAT(ada.set_cookies[0], AllOf(HasSubstr("__Host-browser="), HasSubstr("Path=/"), HasSubstr("Secure"),
                                        HasSubstr("HttpOnly"), HasSubstr("SameSite=Lax"), Not(HasSubstr("Domain"))));
  ask_for_mail(ada, "ada@example.org");
  EXPECT_THAT(mail("sign_in").text("link"), ::testing::StartsWith("https://school.example/sign-in/link/"));
  const auto path = path_of(mail("sign_in").text("link"));
  ada.submit(ada.get(path), path);
  ASSERT_EQ(ada.set_cookies.size(), 1u);
  EXPECT_THAT(ada.set_cookies[0],
              AllOf(HasSubstr("__Host-session="), HasSubstr("Path=/"), HasSubstr("Secure"), HasSubstr("HttpOnly"),
                    HasSubstr("SameSite=Lax"), HasSubstr("Max-Age=15897600"), Not(HasSubstr("Domain"))));
  EXPECT_TRUE(is_signed_in(ada));
  EXPECT_EQ(ada.submit(ada.get("/account"), "/account/profile", {{"name", "A"}}, {"Origin: https://localhost"}).status,
            403)
      << "with a base URL its origin alone counts";
  EXPECT_EQ(
      ada.submit(ada.get("/account"), "/account/profile", {{"name", "A"}}, {"Origin: https://school.example"}).status,
      303);
  ada.submit(ada.get("/account"), "/sign-out");
  ASSERT_EQ(ada.set_cookies.size(), 1u);
  EXPECT_THAT(ada.set_cookies[0], AllOf(HasSubstr("__Host-session=;"), HasSubstr("Max-Age=0"), HasSubstr("Secure")));
}

TEST_P(guarding_with_tls, no_page_of_an_account_is_kept_anywhere) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto judge = [](const answer& got, const std::string& what) {
    EXPECT_EQ(got.field("Cache-Control"), "no-store") << what;
    EXPECT_EQ(got.field("X-Content-Type-Options"), "nosniff") << what;
    EXPECT_THAT(got.field("Content-Type"), Not("")) << what;
    if (!got.field("Content-Type").starts_with("text/html"))
      return;
    EXPECT_THAT(got.field("Content-Security-Policy"),
                AllOf(HasSubstr("frame-ancestors 'none'"), HasSubstr("form-action 'self'"), Not(HasSubstr("unsafe"))))
        << what;
    EXPECT_EQ(got.field("Referrer-Policy"), "strict-origin-when-cross-origin") << what;
    EXPECT_EQ(got.field("ETag"), "") << what;
  };
  browser guest(site->port());
  for (const char* path : {"/sign-in", "/sign-in/password", "/sign-in/code", "/sign-in/second-factor",
                           "/sign-in/link/nothing", "/account"})
    judge(guest.get(path), std::string("guest ") + path);
  for (const char* path : {"/sign-in", "/account", "/account/sessions", "/account/security",
                           "/account/security/password", "/account/security/second-factor", "/account/address",
                           "/account/export", "/account/delete", "/account/confirm"})
    judge(ada.get(path), path);
  judge(ada.submit(ada.get("/account"), "/account/profile", {{"name", "A"}}), "a redirect");
  judge(ada.post("/account/profile", {}), "a refusal");
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(guest.get("/account").body, Not(HasSubstr("ada@")));
}

TEST_P(guarding_with_tls, what_opens_an_account_is_in_no_log) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto letter = mail("sign_in");
  const auto file = site->data() / "log" / "access.jsonl";
  EXPECT_EQ(ada.get("/account").status, 200);
  ASSERT_TRUE(eventually([&] { return read_file(file).find("\"/account\"") != std::string::npos; }));
  const auto log = read_file(file) + site->log();
  EXPECT_THAT(log, HasSubstr("/sign-in/link/"));
  const auto link = letter.text("link");
  EXPECT_THAT(log, Not(HasSubstr(link.substr(link.rfind('/') + 1))));
  EXPECT_THAT(log, Not(HasSubstr(ada.cookies.at("__Host-session"))));
  EXPECT_THAT(log, Not(HasSubstr("ada@example.org")));
}

} // namespace
} // namespace lyceum::testing

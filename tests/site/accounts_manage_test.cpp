// SPDX-License-Identifier: Apache-2.0
// An account's owner at home: proofs before dangerous acts, another address, data taken along, the end.
#include "tests/site/people.hpp"

#include "storage/accounts.hpp"
#include "storage/totp.hpp"

#include <gmock/gmock.h>

namespace lyceum::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr storage::query forget_proofs{"test.forget_proofs", "UPDATE sessions SET sudo_until = NULL"};
constexpr const char* good_password = "correct horse battery staple";

class at_home : public people_at_site {};
INSTANTIATE_TEST_SUITE_P(engines, at_home, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

TEST_P(at_home, dangerous_pages_and_forms_want_a_proof_and_lead_back_afterwards) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto delete_page = ada.get("/account/delete");
  const auto security_page = ada.get("/account/security");
  db->exec(forget_proofs);
  for (const std::string path : {"/account/security/password", "/account/security/second-factor", "/account/address",
                                 "/account/export", "/account/delete"}) {
    const auto got = ada.get(path);
    EXPECT_EQ(got.status, 303) << path;
    EXPECT_EQ(got.field("Location"), "/account/confirm?to=" + path) << path;
  }
  EXPECT_THAT(ada.submit(delete_page, "/account/delete", {{"address", "ada@example.org"}}).field("Location"),
              HasSubstr("/account/confirm"));
  EXPECT_TRUE(storage::accounts::find_by_address(*db, "ada@example.org")) << "nothing was deleted";
  EXPECT_EQ(ada.get("/account").status, 200);

  auto page = ada.get("/account/confirm?to=/account/delete");
  page = ada.follow(ada.submit(page, "/account/confirm/mail"));
  EXPECT_THAT(page.body, HasSubstr("Code from the mail to ada@example.org"));
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"code", "12345"}}).status, 422);
  EXPECT_EQ(ada.get("/account/delete").status, 303);
  const auto done = ada.submit(page, "/account/confirm", {{"code", mail("sign_in").text("code")}});
  EXPECT_EQ(done.status, 303) << done.body;
  EXPECT_EQ(done.field("Location"), "/account/delete");
  EXPECT_EQ(ada.get("/account/delete").status, 200);
}

TEST_P(at_home, a_password_or_a_second_factor_proves_it_and_with_a_factor_nothing_less_does) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  set_password(ada, good_password);
  db->exec(forget_proofs);
  auto page = ada.get("/account/confirm?to=/account/address");
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"password", "wrong"}}).status, 422);
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"password", ""}}).status, 422);
  EXPECT_EQ(ada.get("/account/address").status, 303);
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"password", good_password}}).field("Location"), "/account/address");
  EXPECT_EQ(ada.get("/account/address").status, 200);

  const auto two = set_factor(ada);
  db->exec(forget_proofs);
  page = ada.get("/account/confirm?to=/account/address");
  EXPECT_THAT(page.body, AllOf(HasSubstr("authenticator"), Not(HasSubstr("name=\"password\""))));
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"password", good_password}}).status, 422);
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"totp", "000000"}}).status, 422);
  EXPECT_EQ(ada.get("/account/address").status, 303);
  const auto code = storage::totp_code(two.secret, storage::totp_step_of(now_utc()) + 1);
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"totp", code}}).status, 303);
  EXPECT_EQ(ada.get("/account/address").status, 200);
  db->exec(forget_proofs);
  EXPECT_EQ(ada.submit(page, "/account/confirm", {{"totp", two.codes.at(0)}}).status, 303);
  EXPECT_EQ(ada.submit(ada.get("/account/security"), "/account/security/second-factor/removal").status, 303);
  EXPECT_FALSE(account_of("ada@example.org").totp_secret);
  EXPECT_EQ(mail("second_factor_changed").details.at("on"), false);
}

TEST_P(at_home, recovery_codes_are_shown_once_come_as_a_file_and_can_be_replaced) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto two = set_factor(ada);
  EXPECT_THAT(ada.get("/account/security").body,
              AllOf(HasSubstr("10 recovery codes are left"), Not(HasSubstr(two.codes.at(0)))));
  const auto fresh = ada.submit(ada.get("/account/security"), "/account/security/recovery-codes");
  EXPECT_EQ(fresh.status, 200);
  EXPECT_THAT(fresh.body, Not(HasSubstr(two.codes.at(0))));
  const auto file = ada.submit(fresh, "/account/security/recovery-codes/file");
  EXPECT_EQ(file.field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_THAT(file.field("Content-Disposition"), HasSubstr("attachment"));
  EXPECT_EQ(std::count(file.body.begin(), file.body.end(), '\n'), 10);
  EXPECT_EQ(ada.submit(fresh, "/account/security/recovery-codes/file", {{"codes", "<script>"}}).status, 400)
      << "it gives nothing back but codes";
  browser phone(site->port());
  sign_in(phone, "ada@example.org");
  const auto page = phone.get("/sign-in/second-factor");
  EXPECT_EQ(phone.submit(page, "/sign-in/second-factor", {{"code", two.codes.at(0)}}).status, 422);
  EXPECT_EQ(phone.submit(page, "/sign-in/second-factor", {{"code", file.body.substr(0, 27)}}).status, 303);
}

TEST_P(at_home, a_second_factor_is_on_only_once_a_code_has_proved_it) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto page = ada.get("/account/security/second-factor");
  EXPECT_THAT(page.body, AllOf(HasSubstr("<svg class=\"qr\""), Not(HasSubstr("http://api"))));
  const auto wrong = ada.submit(page, "/account/security/second-factor", {{"code", "000000"}});
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.body, HasSubstr("does not fit the secret"));
  EXPECT_FALSE(account_of("ada@example.org").totp_secret);
  const auto forged = ada.submit(page, "/account/security/second-factor", {{"code", "000000"}, {"sealed", "1.1.AAAA"}});
  EXPECT_EQ(forged.status, 422);
  EXPECT_THAT(forged.body, HasSubstr("new secret"));
  browser eve(site->port());
  sign_in(eve, "eve@example.org");
  std::string of_eve;
  for (const auto& form : forms_of(eve.get("/account/security/second-factor").body))
    for (const auto& [name, value] : form.hidden)
      if (name == "sealed")
        of_eve = value;
  EXPECT_THAT(ada.submit(page, "/account/security/second-factor", {{"code", "000000"}, {"sealed", of_eve}}).body,
              HasSubstr("new secret"))
      << "a secret is sealed for its account";
}

// --- another address

TEST_P(at_home, an_address_changes_once_both_sides_have_confirmed) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  auto page = ada.follow(ada.submit(ada.get("/account/address"), "/account/address", {{"address", "new@example.org"}}));
  EXPECT_EQ(page.status, 200);
  const auto old_side = mail("old_address");
  const auto new_side = mail("new_address");
  EXPECT_EQ(old_side.recipient, "ada@example.org");
  EXPECT_EQ(old_side.text("new_address"), "new@example.org");
  EXPECT_THAT(old_side.text("account_link"), HasSubstr("/account"));
  EXPECT_EQ(new_side.recipient, "new@example.org");
  EXPECT_EQ(new_side.text("old_address"), "ada@example.org");

  EXPECT_EQ(ada.post("/account/address/code",
                     [&] {
                       auto form = forms_of(page.body).at(0).hidden;
                       form.emplace_back("code", new_side.text("code"));
                       return form;
                     }())
                .status,
            422)
      << "the code of the other side";
  page = ada.submit(page, "/account/address/code", {{"side", "old"}, {"code", old_side.text("code")}});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("The other side is still to come"));
  EXPECT_EQ(account_of("ada@example.org").address, "ada@example.org");

  browser phone(site->port(), browser::safari); // where the new mailbox is read
  const auto path = path_of(new_side.text("link"));
  const auto asked = phone.get(path);
  EXPECT_THAT(asked.body, AllOf(HasSubstr("new@example.org"), Not(HasSubstr("data-go"))));
  EXPECT_EQ(phone.submit(asked, path, {{"confirm", "no"}}).status, 403);
  const auto done = phone.submit(phone.get(path), path);
  EXPECT_EQ(done.status, 200);
  EXPECT_THAT(done.body, HasSubstr("The address is changed"));
  EXPECT_FALSE(is_signed_in(phone)) << "confirming an address signs nobody in";
  EXPECT_EQ(account_of("new@example.org").address, "new@example.org");
  EXPECT_TRUE(is_signed_in(ada));
  EXPECT_EQ(mail("address_changed").recipient, "ada@example.org");
  EXPECT_EQ(mail("address_changed").text("new_address"), "new@example.org");
}

TEST_P(at_home, an_address_that_somebody_has_is_not_told_of_before_its_owner_confirms) {
  browser ada(site->port()), bob(site->port());
  sign_in(bob, "bob@example.org");
  sign_in(ada, "ada@example.org");
  const auto page =
      ada.follow(ada.submit(ada.get("/account/address"), "/account/address", {{"address", "bob@example.org"}}));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(
      ada.submit(page, "/account/address/code", {{"side", "old"}, {"code", mail("old_address").text("code")}}).status,
      200);
  const auto path = path_of(mail("new_address").text("link"));
  const auto refused = bob.submit(bob.get(path), path);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("has an account of its own"));
  EXPECT_EQ(account_of("ada@example.org").address, "ada@example.org");
  EXPECT_EQ(ada.submit(ada.get("/account/address"), "/account/address", {{"address", "ada@example.org"}}).status, 422);
  EXPECT_EQ(ada.submit(ada.get("/account/address"), "/account/address", {{"address", "nobody"}}).status, 422);
}

// --- with the operator's help

TEST_P(at_home, an_operator_prints_a_link_that_signs_in_once_and_its_owner_hears_of_it) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto printed = user({"sign-in-link", "ADA@example.org"});
  EXPECT_EQ(printed.status, 0) << printed.err;
  EXPECT_THAT(printed.out, ::testing::MatchesRegex("http://127.0.0.1:[0-9]+/sign-in/link/[A-Za-z0-9_-]{43}\n"));
  const auto path = path_of(printed.out.substr(0, printed.out.size() - 1));
  browser phone(site->port(), browser::safari);
  const auto page = phone.get(path);
  EXPECT_THAT(page.body, AllOf(HasSubstr("another browser"), HasSubstr("ada@example.org")));
  EXPECT_EQ(phone.submit(page, path, {{"confirm", ""}}).status, 403);
  EXPECT_EQ(phone.submit(phone.get(path), path).status, 303);
  EXPECT_TRUE(is_signed_in(phone));
  EXPECT_EQ(phone.get(path).status, 404);
  EXPECT_EQ(mail("new_device").text("device"), "Safari on iPhone");
  EXPECT_EQ(mails("sign_in").size(), 1u) << "the link is printed, not mailed";
  EXPECT_THAT(user({"show", "ada@example.org"}).out, HasSubstr("link_made"));

  const auto elsewhere = user({"sign-in-link", "ada@example.org", "--base-url", "https://school.example", "--json"});
  EXPECT_THAT(elsewhere.out, AllOf(HasSubstr("https://school.example/sign-in/link/"), HasSubstr("expires_at")));
  EXPECT_EQ(user({"sign-in-link", "nobody@example.org"}).status, 1);
  EXPECT_THAT(user({"sign-in-link", "nobody@example.org"}).err, HasSubstr("no account with the address"));
  storage::accounts::suspend(*db, account_of("ada@example.org").account_id, "", "test", now_utc()).value();
  EXPECT_THAT(user({"sign-in-link", "ada@example.org"}).err, HasSubstr("suspended"));
  site->stop();
  const auto nowhere = user({"sign-in-link", "ada@example.org"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--base-url"));
}

TEST_P(at_home, who_is_given_a_plan_or_loses_it_gets_a_mail) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  EXPECT_EQ(user({"grant", "ada@example.org", "pro", "--until", "2999-05-04", "--note", "thank you"}).status, 0);
  const auto given = mail("granted");
  EXPECT_EQ(given.recipient, "ada@example.org");
  EXPECT_EQ(given.text("plan"), "pro");
  EXPECT_EQ(given.text("note"), "thank you");
  EXPECT_EQ(given.text("expires"), "32482771200000000");
  EXPECT_THAT(given.text("link"), ::testing::StartsWith("http://127.0.0.1:"));
  EXPECT_EQ(user({"revoke", "ada@example.org", "pro"}).status, 0);
  EXPECT_EQ(mail("grant_ended").text("plan"), "pro");
  EXPECT_EQ(mails("granted").size(), 1u);
  EXPECT_EQ(user({"grant", "ada@example.org", ""}).status, 2);
  EXPECT_EQ(mails("granted").size(), 1u);
}

// --- what is known, and the end

TEST_P(at_home, plans_are_listed_until_when_and_those_of_others_are_not) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  EXPECT_THAT(ada.get("/account").body, HasSubstr("free and for members"));
  user({"add", "bob@example.org"});
  user({"grant", "ada@example.org", "pro", "--until", "2999-05-04"});
  user({"grant", "ada@example.org", "<talks>"});
  user({"grant", "bob@example.org", "secret-plan"});
  EXPECT_THAT(ada.get("/account").body, AllOf(HasSubstr("<strong>pro</strong>"), HasSubstr("4 May 2999"),
                                              HasSubstr("&lt;talks&gt;"), Not(HasSubstr("secret-plan"))));
}

TEST_P(at_home, everything_that_is_stored_comes_as_a_file) {
  browser ada(site->port());
  sign_in(ada, "ada@example.org");
  const auto got = ada.get("/account/export");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.field("Content-Type"), "application/json");
  EXPECT_THAT(got.field("Content-Disposition"), HasSubstr("attachment"));
  const auto all = boost::json::parse(got.body).as_object();
  EXPECT_EQ(all.at("account").at("address"), "ada@example.org");
  EXPECT_THAT(got.body, Not(HasSubstr(ada.cookies.at("session"))));
}

TEST_P(at_home, an_account_is_deleted_by_its_address_typed_and_signs_out_everywhere) {
  browser ada(site->port()), phone(site->port(), browser::safari);
  sign_in(ada, "ada@example.org");
  sign_in(phone, "ada@example.org");
  const auto page = ada.get("/account/delete");
  const auto refused = ada.submit(page, "/account/delete", {{"address", "ada@example.com"}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_TRUE(storage::accounts::find_by_address(*db, "ada@example.org"));
  const auto done = ada.submit(page, "/account/delete", {{"address", " Ada@Example.org "}});
  EXPECT_EQ(done.status, 200);
  EXPECT_THAT(done.body, HasSubstr("The account is deleted"));
  EXPECT_FALSE(ada.cookies.contains("session"));
  EXPECT_FALSE(storage::accounts::find_by_address(*db, "ada@example.org"));
  EXPECT_FALSE(is_signed_in(phone));
  EXPECT_EQ(mail("account_deleted").recipient, "ada@example.org");
  sign_in(phone, "ada@example.org");
  EXPECT_EQ(mail("sign_in").details.at("new"), true) << "as somebody new";
}

TEST_P(at_home, mails_follow_the_language_of_the_account) {
  browser ada(site->port());
  ASSERT_TRUE(eventually([&] { return ada.get("/de/sign-in").status == 200; })) << "the school speaks German";
  sign_in(ada, "ada@example.org");
  EXPECT_EQ(ada.submit(ada.get("/account"), "/account/profile", {{"name", "Ada"}, {"language", "de"}}).status, 303);
  set_password(ada, good_password);
  EXPECT_EQ(mail("password_changed").language, "de");
  EXPECT_EQ(ada.submit(ada.get("/account"), "/account/profile", {{"name", "Ada"}, {"language", "xx"}}).status, 303);
  EXPECT_EQ(account_of("ada@example.org").language, "de") << "no language of the school";
}

} // namespace
} // namespace lyceum::testing

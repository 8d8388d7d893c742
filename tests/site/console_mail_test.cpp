// SPDX-License-Identifier: Apache-2.0
// Mail in the console: what waits and why, and what an operator does about it.
#include "tests/site/console_visitor.hpp"
#include "tests/site/mail_school.hpp"

#include <fstream>

namespace lyceum::testing {
namespace {

using ::testing::AllOf;

struct console_mail : mail_school {
  std::optional<console_visitor> visitor;

  void open(int port, std::vector<std::string> arguments = {}) {
    start_school(port, std::move(arguments));
    visitor.emplace(*school);
  }
  answer look(const std::string& query = "") { return visitor->look("/ops/mail" + query); }
  answer ask(const std::string& what) { return visitor->post("/ops/mail/ask", visitor->csrf + "&" + what); }
  answer act(const std::string& what) { return visitor->post("/ops/mail/act", visitor->csrf + "&" + what); }
  static std::string of(id number) { return "id=" + std::to_string(number); }
};
WITH_MAIL_ON_BOTH_ENGINES(console_mail);

TEST_P(console_mail, an_operator_sees_what_waits_by_template_and_state_and_why) {
  start_host();
  open(host->port());
  const auto full = put("full");
  const auto spam = put("spam");
  const auto ann = put("ann", "welcome");
  ASSERT_TRUE(becomes(full, mail_state::deferred) && becomes(spam, mail_state::failed) &&
              becomes(ann, mail_state::sent));
  EXPECT_THAT(visitor->look("/ops").body, HasSubstr("href=\"/ops/mail\""));
  const auto all = look();
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.field("Cache-Control"), "no-store");
  EXPECT_THAT(all.body, AllOf(HasSubstr("Mail goes to 127.0.0.1:" + std::to_string(host->port())),
                              HasSubstr("1 deferred"), HasSubstr("1 failed"), HasSubstr("1 sent")));
  EXPECT_THAT(all.body, AllOf(Not(HasSubstr("No mail waits")), HasSubstr("One mail waits for its next try.")));
  EXPECT_THAT(all.body, AllOf(HasSubstr("receipt to full@example.com"), HasSubstr("welcome to ann@example.com")));
  EXPECT_THAT(all.body, AllOf(HasSubstr(shown(full).reason.substr(0, 20)), HasSubstr("next try 20")));

  const auto deferred = look("?template=receipt&state=deferred");
  EXPECT_THAT(deferred.body, AllOf(HasSubstr("Deferred mails: receipt"), HasSubstr("full@example.com"),
                                   HasSubstr("aria-current=\"true\"")));
  EXPECT_THAT(deferred.body, AllOf(Not(HasSubstr("spam@example.com")), Not(HasSubstr("ann@example.com"))));
  EXPECT_THAT(look("?before=" + std::to_string(std::min({full, spam, ann}))).body, HasSubstr("There is none."));

  const auto one = look("?" + of(full));
  EXPECT_THAT(one.body, AllOf(HasSubstr("receipt to full@example.com"), HasSubstr("payment:1"),
                              HasSubstr("Try it again"), HasSubstr("Drop it")));
  EXPECT_THAT(one.body, Not(HasSubstr("&quot;for&quot;"))) << "what a mail says may open an account";
  EXPECT_THAT(look("?" + of(ann)).body, Not(HasSubstr("/ops/mail/ask"))) << "it is sent: nothing to do";
  for (const auto* nonsense : {"?id=1", "?id=x", "?id=", "?state=lost", "?template=No", "?before=x"}) {
    const auto got = look(nonsense);
    EXPECT_EQ(got.status, 404) << nonsense;
    EXPECT_THAT(got.body, HasSubstr("There is no such")) << nonsense;
  }
}

TEST_P(console_mail, pages_of_fifty_lead_to_the_older_ones) {
  open(0, {});
  ASSERT_EQ(school->ctl({"mail", "pause"}).status, 0);
  put_many(60, 0ms).join();
  const auto first = look();
  EXPECT_THAT(first.body, AllOf(HasSubstr("ann59@"), HasSubstr("ann10@"), Not(HasSubstr("ann9@"))));
  const auto at = first.body.find("href=\"/ops/mail?before=");
  ASSERT_NE(at, std::string::npos);
  const auto older = first.body.substr(at + 6, first.body.find('"', at + 6) - at - 6);
  EXPECT_THAT(visitor->look(older).body,
              AllOf(HasSubstr("ann9@"), HasSubstr("ann0@"), Not(HasSubstr("ann10@")), Not(HasSubstr("before="))));
}

TEST_P(console_mail, mails_are_tried_again_and_dropped_each_after_a_question) {
  start_host();
  open(host->port());
  const auto full = put("full");
  const auto spam = put("spam");
  ASSERT_TRUE(becomes(full, mail_state::deferred) && becomes(spam, mail_state::failed));
  const auto question = ask("op=retry&" + of(full));
  EXPECT_EQ(question.status, 200);
  EXPECT_THAT(question.body, AllOf(HasSubstr("Try this mail again?"), HasSubstr("full@example.com")));
  EXPECT_EQ(shown(full).tries, 1) << "a question tries nothing";
  const auto done = act("op=retry&" + of(full) + "&form=1");
  EXPECT_EQ(done.status, 303);
  EXPECT_EQ(done.field("Location"), "/ops/mail?" + of(full));
  EXPECT_TRUE(eventually([&] { return shown(full).state == mail_state::deferred && shown(full).tries >= 1; }));
  EXPECT_THAT(look("?" + of(full)).body, HasSubstr("Mail " + std::to_string(full) + " is queued again."));
  EXPECT_THAT(look("?" + of(full)).body, Not(HasSubstr("is queued again"))) << "told once";

  EXPECT_THAT(ask("op=retry_failed&template=receipt").body, HasSubstr("Try what failed again: receipt?"));
  EXPECT_EQ(act("op=retry_failed&template=receipt&form=2").status, 303);
  EXPECT_TRUE(becomes(spam, mail_state::failed));

  EXPECT_THAT(ask("op=drop&" + of(spam)).body, HasSubstr("for good?"));
  EXPECT_EQ(act("op=drop&" + of(spam) + "&form=3").status, 303);
  EXPECT_EQ(shown(spam).what.details, "");
  const auto refused = act("op=retry&" + of(spam) + "&form=4");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("role=\"alert\""));
  EXPECT_EQ(act("op=drop&id=1&form=5").status, 404);
  const auto audit = read_file(school->data() / "log" / "audit.jsonl");
  EXPECT_THAT(audit,
              AllOf(HasSubstr("drop"), HasSubstr("retry"), HasSubstr("console "), Not(HasSubstr("example.com"))));
}

TEST_P(console_mail, templates_are_paused_and_resumed_and_closed_addresses_opened) {
  start_host();
  open(host->port());
  EXPECT_THAT(ask("op=pause&template=welcome").body, HasSubstr("Pause welcome?"));
  EXPECT_EQ(act("op=pause&template=welcome&form=1").status, 303);
  const auto held = put("ann", "welcome");
  const auto page = look();
  EXPECT_THAT(page.body,
              AllOf(HasSubstr("Paused: welcome."), HasSubstr("paused since 20"), HasSubstr("Resume welcome")));
  EXPECT_EQ(shown(held).state, mail_state::queued);
  EXPECT_THAT(ask("op=pause").body, AllOf(HasSubstr("sign-in mails neither"), HasSubstr("over ten minutes")));
  EXPECT_THAT(ask("op=pause&template=receipt").body, HasSubstr("nothing: they are rows"));
  EXPECT_EQ(act("op=resume&template=welcome&form=2").status, 303);
  EXPECT_TRUE(becomes(held, mail_state::sent));
  const auto twice = act("op=resume&template=welcome&form=3");
  EXPECT_EQ(twice.status, 404);
  EXPECT_THAT(twice.body, HasSubstr("not paused"));

  ASSERT_TRUE(out::suppress(*db, "gone@example.com", suppression_kind::bounce, "no <such> mailbox", now_utc()));
  EXPECT_THAT(look().body, AllOf(HasSubstr("gone@example.com"), HasSubstr("bounce: no &lt;such&gt; mailbox")));
  EXPECT_THAT(ask("op=unsuppress&address=gone%40example.com").body, HasSubstr("Send to gone@example.com again?"));
  EXPECT_EQ(act("op=unsuppress&address=gone%40example.com&form=4").status, 303);
  EXPECT_FALSE(out::find_suppression(*db, "gone@example.com"));
  EXPECT_THAT(look().body, HasSubstr("gone@example.com gets mail again."));
}

TEST_P(console_mail, nobody_sees_or_does_anything_without_a_session_and_its_token) {
  open(0);
  const auto number = put("ann");
  ASSERT_TRUE(becomes(number, mail_state::sent));
  const auto order = "op=pause";
  for (const auto* path : {"/ops/mail/ask", "/ops/mail/act"}) {
    EXPECT_EQ(visitor->post(path, order).status, 403) << "no token";
    EXPECT_EQ(visitor->post(path, visitor->csrf + "&" + order, {"Origin: http://evil.example"}).status, 403);
    EXPECT_EQ(visitor->look(path).status, 405) << "looking changes nothing";
  }
  for (const auto* nonsense :
       {"op=send", "op=drop", "op=retry&id=x", "op=pause&template=No%20", "op=unsuppress&address=x", ""})
    EXPECT_EQ(act(nonsense).status, 404) << nonsense;
  const auto mine = std::exchange(visitor->cookie, "");
  for (const auto* path : {"/ops/mail/ask", "/ops/mail/act"})
    EXPECT_EQ(visitor->post(path, visitor->csrf + "&" + order).status, 404) << path;
  EXPECT_EQ(school->get("/ops/mail").status, 404);
  EXPECT_EQ(school->get("/ops/mail?" + of(number)).status, 404);
  visitor->cookie = mine;
  EXPECT_TRUE(out::list_pauses(*db).empty());
}

TEST_P(console_mail, while_the_database_is_away_the_counts_last_known_are_shown) {
  open(0);
  const auto ann = put("ann", "welcome");
  ASSERT_TRUE(becomes(ann, mail_state::sent));
  // What is counted is counted every few seconds.
  ASSERT_TRUE(
      eventually([&] { return school->get("/metrics").body.find("template=\"welcome\"") != std::string::npos; }, 20s));
  ASSERT_EQ(school->ctl({"stop", "storage"}).status, 0);
  for (const auto& query : {std::string(), "?" + of(ann)}) {
    const auto page = look(query);
    EXPECT_EQ(page.status, 503);
    EXPECT_THAT(page.body, AllOf(HasSubstr("The database does not answer"), HasSubstr("1 sent")));
  }
  EXPECT_EQ(act("op=pause&form=7").status, 503);
  ASSERT_EQ(school->ctl({"start", "storage"}).status, 0);
  EXPECT_TRUE(eventually([&] { return look().status == 200; }));
  EXPECT_TRUE(out::list_pauses(*db).empty());
  EXPECT_EQ(act("op=pause&form=8").status, 303);
  EXPECT_EQ(out::list_pauses(*db).size(), 1u);
}

} // namespace
} // namespace lyceum::testing
